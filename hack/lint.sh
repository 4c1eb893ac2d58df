#!/usr/bin/env bash
# Every static check, each named and timed; all are run, and the exit code is 1 if one failed.
. "$(dirname "$0")/cluster/env.sh"

"$repo/hack/python.sh"
"$hack/binaries.sh" kubernetes # helm
cd "$repo"
export PATH=$repo/.venv/bin:$PATH
failed=()

check() { # name, command…
  local what=$1 began=$SECONDS output
  shift
  if output=$("$@" 2>&1 </dev/null); then
    printf '%-24s ok     %3d s\n' "$what" $((SECONDS - began))
  else
    printf "%-24s FAILED\n%s\n" "$what" "$(head -c 12000 <<<"$output")"
    failed+=("$what")
  fi
}

go_formatted() { local files; files=$(gofmt -l "$1"); [ -z "$files" ] || { echo "gofmt -w $files"; return 1; }; }
staticcheck() { (cd "$1" && "$repo/build/staticcheck" ./...); }
chart() { # every way to install it
  "$state/bin/helm" lint --quiet --strict "$repo/charts/gatebench" &&
    "$state/bin/helm" lint --quiet --strict "$repo/charts/gatebench" -f "$hack/values.yaml"
}
shell_syntax() { local f; for f in "$@"; do bash -n "$f" || return 1; done; }

check "ruff check" ruff check .
check "ruff format" ruff format --check .
check "mypy" mypy
check "import-linter" lint-imports
check "generated files" "$repo/hack/generate.sh" --check
check "build staticcheck" go -C hack/staticcheck build -o "$repo/build/staticcheck" honnef.co/go/tools/cmd/staticcheck
while read -r module; do
  check "staticcheck ${module#./}" staticcheck "$module"
  check "go vet ${module#./}" go -C "$module" vet ./...
  check "gofmt ${module#./}" go_formatted "$module"
done < <(go_modules)
check "helm lint" chart
check "shell syntax" shell_syntax hack/*.sh hack/*/*.sh .ci/run

[ ${#failed[@]} = 0 ] || die "failed: $(printf '%s; ' "${failed[@]}")"
