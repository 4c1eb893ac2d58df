#!/usr/bin/env bash
# Stops the embedded cluster and removes all of it: processes, mounts, namespaces, links, cgroups, state. With
# CLUSTER=current nothing.
. "$(dirname "$0")/env.sh"
if [ "$cluster" = current ]; then
  say "CLUSTER=current: the cluster of the current kube context stays as it is"
  exit 0
fi
for part in ownership processes network cgroups node; do . "$hack/$part.sh"; done

need_root "the embedded cluster"
other=$(owner)
if [ -n "$other" ] && [ "$other" != "$state" ]; then
  [ -n "${TAKE_OVER:-}" ] || die "the embedded cluster that runs here is that of $other: make cluster-down there, or set TAKE_OVER=1"
  state=$other
fi
SECONDS=0
stop $(started kubelet) $(started proxy) scheduler controller-manager
containers_down
stop $(started containerd) apiserver etcd
kill_shims
kill_pods
unmount
network_down
cgroups_down
rm -rf "$runtime" "$state"
say "down after $SECONDS s"
