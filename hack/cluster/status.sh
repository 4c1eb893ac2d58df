#!/usr/bin/env bash
# Says what of the embedded cluster runs. Exits 0 if all of it does, 1 otherwise; with CLUSTER=current it only says so.
. "$(dirname "$0")/env.sh"
if [ "$cluster" = current ]; then
  say "CLUSTER=current: no embedded cluster is asked for; the current kube context is $(command kubectl config current-context 2>/dev/null || echo "not set")"
  exit 0
fi
for part in ownership processes; do . "$hack/$part.sh"; done

if [ "$(owner)" != "$state" ]; then
  say "no embedded cluster of $repo runs here"
  exit 1
fi
nodes=$(cat "$state/nodes")
names=(etcd apiserver controller-manager scheduler)
for ((i = 0; i < nodes; i++)); do names+=(containerd$i kubelet$i proxy$i); done
code=0
for name in "${names[@]}"; do
  if running "$name"; then
    printf '%-20s pid %s\n' "$name" "$(pid_of "$name")"
  else
    printf '%-20s not running; its log is %s\n' "$name" "$logs/$name.log"
    code=1
  fi
done
echo
kubectl --request-timeout 5s get nodes -L gatebench.dev/cpu-manager || code=1
echo
echo "kubeconfig: $state/kubeconfig    programs: $state/bin    logs: $logs"
exit $code
