#!/usr/bin/env bash
# Everything that is checked before a change is taken, with all of its set-up; pytest's summary comes last.
# It starts with a fresh cluster. In CI that is removed at the end; otherwise it stays, to look around.
. "$(dirname "$0")/cluster/env.sh"

[ "$cluster" = embedded ] || die "the tests reach into the nodes: they need the embedded cluster, without CLUSTER=$cluster"
export NODES=2
unset PYTHONDONTWRITEBYTECODE # to rewrite the assertions of all tests takes as long as to run them
[ -z "${CI:-}" ] || export TAKE_OVER=1 # of a clone that is gone, or soon will be
began=$SECONDS
step() { printf '\n== %4d s  %s\n' $((SECONDS - began)) "$*"; }
cluster_tests() { taskset -c 0 "$repo/.venv/bin/pytest" --durations=12 --durations-min=30 "$@" </dev/null; }
end() {
  local code=$?
  if [ $code != 0 ]; then say "failed after $((SECONDS - began)) s"; fi
  if [ -n "${CI:-}" ]; then
    [ $code = 0 ] || "$repo/hack/cluster/failure.sh" || true
    "$hack/down.sh" 2>/dev/null || true
  fi
  exit $code
}
trap end EXIT
cd "$repo"

step "lint"
"$repo/hack/lint.sh"
step "unit and golden tests"
"$repo/hack/test-unit.sh" --all
step "contract tests"
"$hack/packages.sh"
"$hack/binaries.sh"
export PATH=$state/bin:$PATH
.venv/bin/pytest tests/contract -n 4 -m "not measures" </dev/null
.venv/bin/pytest tests/contract -m measures </dev/null
step "the report in a real browser"
"$repo/hack/chromium.sh"
.venv/bin/pytest tests/report </dev/null
step "the cluster, anew"
[ "$(cat "$runtime/owner" 2>/dev/null)" != "$state" ] || "$hack/down.sh" # its audit log has to count from the start
"$hack/up.sh"
export KUBECONFIG=$state/kubeconfig
step "images"
"$repo/hack/images/images.sh"
step "the operator"
VALUES=$hack/test-values.yaml "$repo/hack/deploy.sh"

# From here on all is run, whatever fails.
failed=()
step "tests of the cluster itself"
cluster_tests tests/cluster/test_embedded_cluster.py || failed+=("tests of the cluster itself")
others=(tests/cluster --ignore tests/cluster/test_embedded_cluster.py)
step "cluster tests side by side"
cluster_tests "${others[@]}" -m "not measures and not long" -n 2 || failed+=("cluster tests side by side")
step "cluster tests that measure, one at a time"
cluster_tests "${others[@]}" -m "measures and not long" || failed+=("cluster tests that measure")
[ ${#failed[@]} = 0 ] || die "failed: $(printf '%s; ' "${failed[@]}")"
