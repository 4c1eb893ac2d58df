#!/usr/bin/env bash
# Installs the chart, or upgrades it, and waits until the operator is ready. CLUSTER=current takes REGISTRY into account,
# and brings the small Prometheus unless VALUES says what there is. Usage: [VALUES=file.yaml] deploy.sh
. "$(dirname "$0")/images/common.sh"

values=()
if [ "$cluster" = embedded ]; then
  # Whoever applied crds/ by hand while developing need not remove them first.
  values+=(-f "$hack/values.yaml" --take-ownership)
  # A tag says nothing of what changed behind it: pods are made anew when their image's content is another.
  for name in operator prometheus; do
    archive=$(readlink -f "$state/images/$name.tar") || die "image $name is not built: make images"
    content=$(basename "$archive" .tar)
    case $name in
      operator) values+=(--set-string "operator.podAnnotations.gatebench\.dev/image=$content") ;;
      prometheus) values+=(--set-string "prometheus.server.podAnnotations.gatebench\.dev/image=$content") ;;
    esac
  done
else
  if [ -n "$registry" ]; then
    for name in operator locust engine mock probe prometheus; do values+=(--set "images.$name=$(reference "$name")"); done
  fi
  # Without one the gateway's figures over a minute or more are missing. As often as in the embedded cluster: the demo
  # measures 65 s, in which there must be no gap.
  [ -n "${VALUES:-}" ] || values+=(--set prometheus.embedded=true --set prometheus.scrapeInterval=10s)
fi
if [ -n "${VALUES:-}" ]; then values+=(-f "$VALUES"); fi

say "installing the chart in gatebench-system"
helm upgrade --install gatebench "$repo/charts/gatebench" -n gatebench-system --create-namespace "${values[@]}" \
  --wait --timeout 3m >&2 || {
  kubectl -n gatebench-system get pods >&2 || true
  die "the chart is not installed, or the operator did not become ready: see above, kubectl -n gatebench-system describe pods; kubectl -n gatebench-system logs deployment/gatebench"
}
kubectl label namespace gatebench-system pod-security.kubernetes.io/enforce=restricted --overwrite >/dev/null
