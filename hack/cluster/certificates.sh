# Sourced: the cluster's own authority, and a kubeconfig for each of its parts. Made once, kept with the state.
certificate() { # name, subject, [subjectAltName]
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$pki/$1.key" -subj "$2" -out "$pki/$1.csr" 2>/dev/null
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 3650 -out "$pki/$1.crt" \
    -extfile <(echo extendedKeyUsage=serverAuth,clientAuth; [ -z "${3:-}" ] || echo "subjectAltName=$3") 2>/dev/null
  rm "$pki/$1.csr"
}

kubeconfig() { # file, name of a certificate
  cat >"$1" <<Y
apiVersion: v1
kind: Config
current-context: gatebench
clusters: [{name: gatebench, cluster: {server: "https://$api_ip:6443", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}}]
contexts: [{name: gatebench, context: {cluster: gatebench, user: $2}}]
users: [{name: $2, user: {client-certificate-data: $(base64 -w0 "$pki/$2.crt"), client-key-data: $(base64 -w0 "$pki/$2.key")}}]
Y
  chmod 600 "$1"
}

identity() { # file of a kubeconfig, name, subject, [subjectAltName]
  [ -e "$1" ] && return
  certificate "$2" "$3" "${4:-}"
  kubeconfig "$1" "$2"
}

certificates() {
  local i
  mkdir -p "$pki"
  if [ ! -e "$pki/complete" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$pki/ca.key" -subj /CN=gatebench -days 3650 -out "$pki/ca.crt" 2>/dev/null
    openssl genrsa -out "$pki/sa.key" 2048 2>/dev/null
    openssl rsa -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null
    certificate apiserver /CN=kube-apiserver "IP:$api_ip,IP:10.96.0.1,IP:127.0.0.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    touch "$pki/complete"
  fi
  identity "$state/kubeconfig" admin /O=system:masters/CN=admin
  identity "$pki/controller-manager.kubeconfig" controller-manager /CN=system:kube-controller-manager
  identity "$pki/scheduler.kubeconfig" scheduler /CN=system:kube-scheduler
  identity "$pki/proxy.kubeconfig" proxy /CN=system:kube-proxy
  for ((i = 0; i < nodes; i++)); do
    identity "$pki/node$i.kubeconfig" node$i /O=system:nodes/CN=system:node:node$i "IP:$(node_ip $i),DNS:node$i"
  done
}
