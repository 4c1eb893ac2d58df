#!/usr/bin/env bash
# The tests that need no cluster, without those that take their time, and with fewer examples of each property.
# Usage: test-unit.sh [--all] [PYTEST ARGUMENTS]
. "$(dirname "$0")/cluster/env.sh"

which=(-m "not slow" --hypothesis-profile=quick)
if [ "${1:-}" = --all ]; then
  which=()
  shift
fi
"$repo/hack/python.sh"
cd "$repo"
while read -r module; do go -C "$module" test ./... | grep -v 'no test files' || [ "${PIPESTATUS[0]}" = 0 ] || die "go test in $module"; done < <(go_modules)
folders=(tests/unit)
for folder in tests/golden loadtest-images/*/tests; do
  [ -z "$(find "$folder" -name 'test_*.py' -print -quit 2>/dev/null)" ] || folders+=("$folder")
done
unset PYTHONDONTWRITEBYTECODE # to rewrite the assertions of all tests takes as long as to run them
exec .venv/bin/pytest -n 2 --dist worksteal -p no:anyio "${which[@]}" "${folders[@]}" "$@" </dev/null
