#!/usr/bin/env bash
# Runs the benchmarks, bench/NAME/run.py. The embedded cluster should be down: it takes its share of CPU 0.
. "$(dirname "$0")/cluster/env.sh"

"$hack/packages.sh" wrk
"$repo/hack/python.sh"
[ ! -e "$runtime/owner" ] || say "warning: the embedded cluster runs, and disturbs: make cluster-down first"
code=0
for bench in "$repo"/bench/*/run.py; do
  printf '\n== %s\n' "${bench#"$repo"/}"
  # On all CPUs, even where the shell keeps to one.
  taskset -c "$(cat /sys/devices/system/cpu/online)" "$repo/.venv/bin/python" "$bench" "$@" || code=1
done
exit $code
