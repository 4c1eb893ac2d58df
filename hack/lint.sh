#!/usr/bin/env bash
# Every static check, each named and timed, two at a time; all are run, and the exit code is 1 if one failed.
. "$(dirname "$0")/cluster/env.sh"

"$repo/hack/python.sh"
"$hack/binaries.sh" kubernetes # helm
cd "$repo"
export PATH=$repo/.venv/bin:$PATH
names=()
passed=$(mktemp)
trap 'rm -f "$passed"' EXIT

check() { # name, command…
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n || true; done
  names+=("$1")
  timed "$@" &
}

timed() { # name, command…
  local what=$1 began=$SECONDS output
  shift
  if output=$("$@" 2>&1 </dev/null); then
    printf '%-32s ok     %3d s\n' "$what" $((SECONDS - began))
    echo "$what" >>"$passed"
  else
    printf '%-32s FAILED\n%s\n' "$what" "$(head -c 12000 <<<"$output")"
  fi
}

go_formatted() { local files; files=$(gofmt -l "$1"); [ -z "$files" ] || { echo "gofmt -w $files"; return 1; }; }
staticcheck() { (cd "$1" && "$repo/build/staticcheck" ./...); }
chart() { # every way to install it
  "$state/bin/helm" lint --quiet --strict "$repo/charts/gatebench" &&
    "$state/bin/helm" lint --quiet --strict "$repo/charts/gatebench" -f "$hack/values.yaml"
}
shell_syntax() { local f; for f in "$@"; do bash -n "$f" || return 1; done; }

check "mypy" mypy
check "build staticcheck" go -C hack/staticcheck build -o "$repo/build/staticcheck" honnef.co/go/tools/cmd/staticcheck
wait $! || true
check "generated files" "$repo/hack/generate.sh" --check
check "ruff check" ruff check .
check "ruff format" ruff format --check .
check "import-linter" lint-imports
while read -r module; do
  check "staticcheck ${module#./}" staticcheck "$module"
  check "go vet ${module#./}" go -C "$module" vet ./...
  check "gofmt ${module#./}" go_formatted "$module"
done < <(go_modules)
check "helm lint" chart
check "shell syntax" shell_syntax hack/*.sh hack/*/*.sh .ci/run
wait

failed=$(printf '%s\n' "${names[@]}" | grep -vxFf "$passed" | paste -sd';') || true
[ -z "$failed" ] || die "failed: $failed"
