# Sourced: one node: containerd, kubelet and kube-proxy in a network namespace of its own. Node 0 has the static CPU
# manager, with CPU 0 shared; the others have none, so that their pods share.
cpu_manager() { [ "$1" = 0 ] && echo static || echo none; }

write_cni() { # node
  cat >"$state/node$1/cni/10-gatebench.conflist" <<J
{"cniVersion": "0.4.0", "name": "gatebench", "plugins": [
  {"type": "bridge", "bridge": "pods", "isDefaultGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "$state/node$1/ipam", "ranges": [[{"subnet": "10.244.$1.0/24"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
J
}

write_containerd() { # node
  cat >"$state/node$1/containerd.toml" <<T
version = 2
root = "$state/node$1/containerd"
state = "$runtime/node$1"
[grpc]
  address = "$(socket "$1")"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/gatebench/pause:1"
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = true # without CAP_SYS_RESOURCE runc cannot lower it, and fails with "can't get final child's PID"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$state/node$1/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
T
}

write_kubelet() { # node
  cat >"$state/node$1/kubelet.yaml" <<Y
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
address: $(node_ip "$1")
tlsCertFile: $pki/node$1.crt
tlsPrivateKeyFile: $pki/node$1.key
containerRuntimeEndpoint: unix://$(socket "$1")
cgroupDriver: cgroupfs
cgroupRoot: /$cluster_name/node$1
failCgroupV1: false
failSwapOn: false
cpuManagerPolicy: $(cpu_manager "$1")
cpuManagerReconcilePeriod: 2s # so often the shared pool is moved off exclusive cores; isolation is proven after that
# The static manager rounds the reservation up to whole CPUs: CPU 0 stays shared, and 900m of it can still be requested.
systemReserved: {cpu: 100m}
podLogsDir: $state/node$1/logs # two kubelets on one /var/log/pods delete each other's logs
staticPodPath: ""
resolvConf: ""
clusterDNS: [$dns_ip]
clusterDomain: cluster.local
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100 # never: there is nowhere to pull an image from again
syncFrequency: 10s
maxPods: 250
Y
}

containerd_up() { # node
  mkdir -p "$state/node$1/cni"
  write_cni "$1"
  write_containerd "$1"
  start "containerd$1" "$(netns "$1")" containerd --config "$state/node$1/containerd.toml"
  wait_for 30 "containerd$1" "containerd of node$1" ctr -a "$(socket "$1")" version
}

kubelet_up() { # node; only when containerd answers and has the pause image: else it comes up degraded
  write_kubelet "$1"
  # --containerd: without it /metrics/cadvisor has no series per container.
  start "kubelet$1" "$(netns "$1")" "$state/bin/kubelet" --config "$state/node$1/kubelet.yaml" \
    --kubeconfig "$pki/node$1.kubeconfig" --root-dir "$state/node$1/kubelet" --containerd "$(socket "$1")" \
    --hostname-override "node$1" --node-ip "$(node_ip "$1")" \
    --node-labels "gatebench.dev/cpu-manager=$(cpu_manager "$1")"
  start "proxy$1" "$(netns "$1")" "$state/bin/kube-proxy" --kubeconfig "$pki/proxy.kubeconfig" --proxy-mode iptables \
    --cluster-cidr 10.244.0.0/16 --hostname-override "node$1" --conntrack-max-per-core 0 \
    --conntrack-tcp-timeout-established 0 --conntrack-tcp-timeout-close-wait 0 \
    --healthz-bind-address 127.0.0.1:10256 --metrics-bind-address 127.0.0.1:10249
}

# Ready, said by this kubelet: of one that was killed the API says Ready for 40 s more. When it is, its cgroups are made.
node_ready() { # node
  local ready at
  read -r ready at < <(kubectl get node "node$1" -o \
    'jsonpath={range .status.conditions[?(@.type=="Ready")]}{.status} {.lastHeartbeatTime}{end}') || true
  [ "$ready" = True ] && [ "$(date -d "$at" +%s)" -ge "$(stat -c %Y "$pids/kubelet$1")" ]
}

# The pods outlive a kubelet. Ask containerd to end them while it can, and kill the shims that are left.
containers_down() {
  local i sock task
  for sock in "$runtime"/node*.sock; do
    [ -S "$sock" ] && timeout 5 ctr -a "$sock" version >/dev/null 2>&1 || continue
    kill_pods
    for task in $(timeout 10 ctr -a "$sock" -n k8s.io tasks ls -q 2>/dev/null); do
      timeout 5 ctr -a "$sock" -n k8s.io tasks rm -f "$task" >/dev/null 2>&1 || true
    done
  done
  kill_pods
}

kill_shims() {
  local pid
  for pid in $(pgrep -f "^/usr/bin/containerd-shim-runc-v2 .*-address $runtime/" || true); do kill -KILL "$pid" 2>/dev/null || true; done
}

unmount() { # everything below the state and the sockets
  awk -v s="$state/" -v r="$runtime/" 'index($2, s) == 1 || index($2, r) == 1 {print $2}' /proc/mounts | sort -r |
    while read -r m; do umount -l "$m" || say "warning: $m could not be unmounted"; done
}
