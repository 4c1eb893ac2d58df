#!/usr/bin/env bash
# Builds images and brings them to where pods find them: into the embedded cluster's nodes, or with REGISTRY=HOST/PATH
# to that registry. Usage: [REGISTRY=…] images.sh [NAME…]
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || set -- "${product_images[@]}"
if [ "$cluster" = current ] && [ -z "$registry" ]; then
  say "CLUSTER=current without REGISTRY=: no image is built; the chart's values say where they are"
  exit 0
fi
"$hack/binaries.sh" prometheus
"$images/build.sh" "$@"
if [ "$cluster" = embedded ]; then
  if [ -e "$runtime/owner" ]; then "$images/load.sh" "$@"; else say "built; make cluster-up, then make images loads them"; fi
else
  "$images/push.sh" "$@"
fi
