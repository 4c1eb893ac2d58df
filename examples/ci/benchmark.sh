#!/usr/bin/env bash
# Measures, compares with a baseline, and ends with the verdict: a step of a pipeline.
#
# Usage: benchmark.sh RUN.yaml [BASELINE]
#   RUN.yaml   one BenchmarkRun with metadata.generateName, so that each time is a new run
#   BASELINE   a result, or a directory of results; while there is none, nothing is compared
# Environment:
#   OUT        where all of it goes (benchmark-results): runs/ (what was kept of each run, a baseline for the next time),
#              objectives.xml and regression.xml (JUnit), comment.md (for a pull request)
#   RUNS       how many runs (1); five or more a side make a proof, fewer are compared figure by figure
#   THRESHOLD  how much worse is regressed, in per cent (10)
#   NAMESPACE  where the runs are made (that of the kubeconfig's context); TIMEOUT of a run (1h)
# Exit codes: 0 passed and no worse, 1 an objective failed or it regressed, 2 it cannot be told, 3 error
set -euo pipefail

file=${1:?usage: benchmark.sh RUN.yaml [BASELINE]} baseline=${2:-}
out=${OUT:-benchmark-results} threshold=${THRESHOLD:-10}
namespace=(${NAMESPACE:+--namespace "$NAMESPACE"})
[ ! -e "$out/runs" ] || { echo "$out/runs is there already: remove it, or set OUT" >&2; exit 3; }
mkdir -p "$out/runs"

worst=0
keep() { # CODE: an error is worse than a failure, and a failure than what cannot be told
  local code
  for code in 3 1 2; do
    if [ "$worst" = $code ] || [ "$1" = $code ]; then
      worst=$code
      return
    fi
  done
  [ "$1" = 0 ] || worst=3
}

for number in $(seq "${RUNS:-1}"); do
  said=$(gatebench run -f "$file" --no-wait "${namespace[@]}") || exit 3
  echo "$said"
  [[ $said =~ ^run\ ([^/]+)/([^ ]+)\ created$ ]] || { echo "use metadata.generateName: this is no new run" >&2; exit 3; }
  where=${BASH_REMATCH[1]} name=${BASH_REMATCH[2]} code=0
  gatebench wait "$name" -n "$where" --timeout "${TIMEOUT:-1h}" || code=$?
  keep $code
  gatebench artifacts "$name" -n "$where" -o "$out/runs/$number-$name" >/dev/null || keep 3
done
[ "$worst" != 3 ] || exit 3

gatebench analyze "$out/runs" -o junit >"$out/objectives.xml"
gatebench analyze "$out/runs" -o markdown >"$out/comment.md"
if [ -n "$baseline" ] && [ -e "$baseline" ]; then
  sides=("$baseline" "$out/runs" --threshold "$threshold") code=0
  gatebench compare "${sides[@]}" || code=$?
  keep $code
  if [ $code != 3 ]; then
    gatebench compare "${sides[@]}" -o junit >"$out/regression.xml" || true
    { echo; gatebench compare "${sides[@]}" -o markdown || true; } >>"$out/comment.md"
  fi
else
  echo "no baseline: keep $out/runs as the next one"
fi
exit "$worst"
