#!/usr/bin/env bash
# Writes what is generated from the API's types: crds/, the chart's copy, docs/reference.md; and the tests' goldens.
# Usage: generate.sh [--check]     (--check: changes nothing, exits 1 where something is stale)
. "$(dirname "$0")/cluster/env.sh"

"$repo/hack/python.sh"
python=$repo/.venv/bin/python
new=$repo/build/generated
runs=gatebench.dev_benchmarkruns.yaml
comparisons=gatebench.dev_benchmarkcomparisons.yaml
rm -rf "$new"
mkdir -p "$new"
cd "$repo"
"$python" -m gatebench.api.crd >"$new/$runs"
"$python" -m gatebench.api.crd comparison >"$new/$comparisons"
"$python" -m gatebench.api.reference >"$new/reference.md"
"$python" -m gatebench.api.reference metrics >"$new/metrics.md"

targets=(docs/reference.md docs/metrics.md)
for crd in "$runs" "$comparisons"; do targets+=("crds/$crd" "charts/gatebench/files/crds/$crd"); done
code=0
for target in "${targets[@]}"; do
  source=$new/${target##*/}
  if cmp -s "$source" "$target"; then continue; fi
  if [ "${1:-}" = --check ]; then
    say "stale: $target (make generate writes it)"
    diff -u "$target" "$source" 2>/dev/null | head -20 >&2 || true
    code=1
  else
    mkdir -p "$(dirname "$target")"
    cp "$source" "$target"
    say "wrote $target"
  fi
done
if [ "${1:-}" != --check ]; then
  UPDATE_GOLDEN=1 "$repo/.venv/bin/pytest" tests/unit tests/golden >"$repo/build/goldens.log" 2>&1 </dev/null ||
    say "the tests that write goldens do not all pass; read build/goldens.log"
fi
exit $code
