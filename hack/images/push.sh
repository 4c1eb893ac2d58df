#!/usr/bin/env bash
# Pushes built images to REGISTRY (host and path), and prints what it pushed. Credentials are those of `buildah login`
# or `docker login`. Usage: REGISTRY=registry.example/gatebench push.sh NAME…
. "$(dirname "$0")/common.sh"

[ "$cluster" = current ] && [ -n "$registry" ] || die "set CLUSTER=current, and REGISTRY to the host and path that your nodes pull from"
for name in "$@"; do
  archive=$(readlink -f "$state/images/$name.tar") || die "image $name is not built: make images"
  say "pushing $(reference "$name")"
  image=$(buildah pull -q "oci-archive:$archive")
  buildah push -q ${REGISTRY_OPTIONS:-} "$image" "docker://$(reference "$name")" || die "$registry does not take $(reference "$name"): buildah login ${registry%%/*}?"
  echo "$(reference "$name")"
done
