#!/usr/bin/env bash
# Starts the embedded cluster, or what of it does not run; with CLUSTER=current nothing. Usage: NODES=1|2 up.sh
. "$(dirname "$0")/env.sh"
if [ "$cluster" = current ]; then
  say "CLUSTER=current: the cluster of the current kube context is used, and none is started"
  exit 0
fi
for part in ownership processes network cgroups certificates control-plane node; do . "$hack/$part.sh"; done

dns_up() {
  local image
  image=$("$repo/hack/images/reference.sh" coredns)
  sed "s|COREDNS_IMAGE|$image|" "$hack/dns.yaml" | kubectl apply -f - >"$logs/dns.log" 2>&1 || die "CoreDNS cannot be deployed; read $logs/dns.log"
}

dns_answers() {
  [ "$(kubectl -n kube-system get deployment coredns -o 'jsonpath={.status.readyReplicas}')" = 1 ] &&
    inside 0 timeout 1 bash -c "exec 3<>/dev/tcp/$dns_ip/53"
}

[[ $nodes =~ ^[12]$ ]] || die "NODES=$nodes: one node or two"
need_root "the embedded cluster"
check_cgroups
claim
exec 9>"$runtime/lock"
flock -w 300 9 || die "another cluster-up or cluster-down holds $runtime/lock"
count_nodes
"$hack/packages.sh"
"$hack/binaries.sh"
"$repo/hack/images/build.sh" pause coredns

SECONDS=0
say "starting $nodes node(s); logs are in $logs"
cgroups_up
network_up
certificates
for ((i = 0; i < nodes; i++)); do containerd_up $i; done
control_plane_up
"$repo/hack/images/load.sh" pause coredns
for ((i = 0; i < nodes; i++)); do kubelet_up $i; done
dns_up
for ((i = 0; i < nodes; i++)); do
  wait_for 60 kubelet$i "node$i becoming Ready" node_ready $i
  [ $i = 0 ] || confine $i
done
wait_for 60 kubelet0 "DNS at $dns_ip" dns_answers
say "ready after $SECONDS s: export KUBECONFIG=$state/kubeconfig PATH=$state/bin:\$PATH"
