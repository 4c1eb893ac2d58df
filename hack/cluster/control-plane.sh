# Sourced: etcd, the API server, the controllers and the scheduler, all in node 0's network namespace.
control_plane_up() {
  local ns; ns=$(netns 0)
  start etcd "$ns" "$state/bin/etcd" --data-dir "$state/etcd" --unsafe-no-fsync \
    --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380
  # A mutating policy is to the tests what a mesh's webhook is to others.
  start apiserver "$ns" "$state/bin/kube-apiserver" \
    --etcd-servers http://127.0.0.1:2379 --bind-address 0.0.0.0 --advertise-address $api_ip --secure-port 6443 \
    --service-cluster-ip-range $services --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
    --feature-gates MutatingAdmissionPolicy=true --runtime-config admissionregistration.k8s.io/v1beta1=true \
    --allow-privileged=true --client-ca-file "$pki/ca.crt" \
    --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --kubelet-client-certificate "$pki/admin.crt" --kubelet-client-key "$pki/admin.key" \
    --kubelet-preferred-address-types InternalIP \
    --service-account-issuer https://kubernetes.default.svc \
    --service-account-key-file "$pki/sa.pub" --service-account-signing-key-file "$pki/sa.key" \
    --audit-policy-file "$hack/audit.yaml" --audit-log-path "$state/audit.log"
  wait_for 60 apiserver "the API server" curl -sf --noproxy '*' --cacert "$pki/ca.crt" "https://$api_ip:6443/readyz"
  start controller-manager "$ns" "$state/bin/kube-controller-manager" --kubeconfig "$pki/controller-manager.kubeconfig" \
    --root-ca-file "$pki/ca.crt" --service-account-private-key-file "$pki/sa.key" --use-service-account-credentials \
    --allocate-node-cidrs=false --leader-elect=false --bind-address 127.0.0.1
  start scheduler "$ns" "$state/bin/kube-scheduler" --kubeconfig "$pki/scheduler.kubeconfig" \
    --leader-elect=false --bind-address 127.0.0.1
}
