#!/usr/bin/env bash
# From nothing to a verdict: programs, cluster, images, operator, then one run that is followed to its end.
# Exits with the run's code: 0 passed, 1 failed, 2 not valid, 3 error or refused.
# Usage: [NODES=2] [CLUSTER=current REGISTRY=…] demo.sh [EXAMPLE]
. "$(dirname "$0")/images/common.sh"

example=${1:-$repo/examples/demo.yaml}
began=$SECONDS
step() { printf '\n== %3d s  %s\n' $((SECONDS - began)) "$*" >&2; }

step "the command line"
"$repo/hack/python.sh"
if [ "$cluster" = embedded ]; then
  step "the cluster's programs, from pinned Go modules (once: about 12 minutes on 2 cores)"
  "$hack/packages.sh"
  "$hack/binaries.sh"
  step "the cluster"
  "$hack/up.sh"
  export KUBECONFIG=$state/kubeconfig PATH=$state/bin:$PATH
fi
step "images (once: about 5 minutes)"
"$repo/hack/images/images.sh"
step "the operator"
"$repo/hack/deploy.sh"
step "a run of ${example#"$repo"/}: gatebench run --replace -f ${example#"$repo"/}"
run=$repo/build/demo.yaml
mkdir -p "$repo/build"
sed "s|localhost/gatebench/|${registry:-localhost/gatebench}/|" "$example" >"$run"
code=0
on_cpu0=()
[ "$cluster" = current ] || on_cpu0=(taskset -c 0) # the gateway's core is left alone
"${on_cpu0[@]}" "$repo/.venv/bin/gatebench" run --replace -f "$run" </dev/null || code=$?
echo
kubectl get brun || true
[ $code = 3 ] || "$repo/.venv/bin/gatebench" report "$(basename "$example" .yaml)" -o "$repo/build/demo-report.html" || true
step "done, exit code $code"
if [ "$cluster" = embedded ]; then
  say "look around: export KUBECONFIG=$state/kubeconfig PATH=$state/bin:\$PATH; end it: make cluster-down"
fi
exit $code
