#!/usr/bin/env bash
# Runs the benchmarks that the load test's images bring with them: loadtest-images/NAME/bench.sh.
. "$(dirname "$0")/cluster/env.sh"

"$repo/hack/python.sh"
command -v wrk >/dev/null || apt-get install -y --no-install-recommends wrk >/dev/null 2>&1 || die "wrk is not installed, and apt-get does not bring it"
[ ! -e "$runtime/owner" ] || say "warning: the embedded cluster runs, and takes its share of CPU 0: figures are lower than they could be"
export PATH=$repo/.venv/bin:$PATH
found=
for bench in "$repo"/loadtest-images/*/bench.sh; do
  [ -x "$bench" ] || continue
  found=1
  printf '\n== %s\n' "${bench#"$repo"/}"
  "$bench"
done
[ -n "$found" ] || die "no loadtest-images/*/bench.sh to run"
