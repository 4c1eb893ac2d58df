#!/usr/bin/env bash
# Gives images to every node of the embedded cluster, where the node has another content or none.
# Usage: load.sh NAME…
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || set -- "${product_images[@]}"
shopt -s nullglob
sockets=("$runtime"/node*.sock)
[ ${#sockets[@]} -gt 0 ] || die "no embedded cluster runs here: make cluster-up"
for name in "$@"; do
  archive=$(readlink -f "$state/images/$name.tar") || die "image $name is not built: make images"
  for sock in "${sockets[@]}"; do
    node=$(basename "$sock" .sock)
    record=$state/$node/images/$name
    [ "$(cat "$record" 2>/dev/null)" != "${archive##*/}" ] || continue
    say "loading $(reference "$name") into $node"
    taskset -c 0 ctr -a "$sock" -n k8s.io images import --all-platforms "$archive" >"$logs/load-$name.log" 2>&1 ||
      die "$node does not take $archive; read $logs/load-$name.log"
    mkdir -p "${record%/*}"
    echo "${archive##*/}" >"$record"
  done
done
