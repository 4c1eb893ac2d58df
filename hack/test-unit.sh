#!/usr/bin/env bash
# The tests that need no cluster, without those that take their time, and with fewer examples of each property.
# --all: those too, all examples, and the fleet's Go programs with the race detector, which needs a C compiler.
# Usage: test-unit.sh [--all] [PYTEST ARGUMENTS]
. "$(dirname "$0")/cluster/env.sh"

which=(-m "not slow" --hypothesis-profile=quick)
raced=()
compiles() { gcc -fsyntax-only -include stdlib.h -x c /dev/null 2>/dev/null; }
if [ "${1:-}" = --all ]; then
  which=()
  shift
  compiles || "$hack/packages.sh" gcc libc6-dev
  raced=(./loadtest-images/engine ./loadtest-images/mock ./loadtest-images/probe)
fi
"$repo/hack/python.sh"
cd "$repo"
while read -r module; do
  tested=(go -C "$module" test)
  case " ${raced[*]} " in *" $module "*) tested=(env CGO_ENABLED=1 "${tested[@]}" -race) ;; esac
  "${tested[@]}" ./... | grep -v 'no test files' || [ "${PIPESTATUS[0]}" = 0 ] || die "go test in $module"
done < <(go_modules)
folders=(tests/unit)
for folder in tests/golden loadtest-images/*/tests; do
  [ -z "$(find "$folder" -name 'test_*.py' -print -quit 2>/dev/null)" ] || folders+=("$folder")
done
unset PYTHONDONTWRITEBYTECODE # to rewrite the assertions of all tests takes as long as to run them
exec .venv/bin/pytest -n 2 --dist worksteal -p no:anyio "${which[@]}" "${folders[@]}" "$@" </dev/null
