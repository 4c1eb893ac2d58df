# Sourced by every script of hack/: where things are, and how to speak.
set -euo pipefail
shopt -s inherit_errexit

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
hack=$repo/hack/cluster
state=${CLUSTER_STATE:-$repo/.cluster}                              # certificates, etcd's data, logs, containers
cache=${GATEBENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gatebench} # programs and images, by content; may be deleted at any time
runtime=/run/gatebench                                              # sockets and pids: there is one embedded cluster a machine
pki=$state/pki
logs=$state/log
nodes=${NODES:-1}

# Cluster-wide addresses. Node i is 10.200.0.(2+i) in its own network namespace gatebench<i>.
api_ip=10.200.0.2
host_ip=10.200.0.1
services=10.96.0.0/16
dns_ip=10.96.0.10
node_ip() { echo "10.200.0.$((2 + $1))"; }
socket() { echo "$runtime/node$1.sock"; }

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
need_root() { [ "$(id -u)" = 0 ] || die "$1 needs root: namespaces, mounts and cgroups are made"; }
kubectl() { "$state/bin/kubectl" --kubeconfig "$state/kubeconfig" "$@"; }

# The name of what has this content: of the files and words given.
content_hash() { # words… -- files…
  { while [ $# -gt 0 ] && [ "$1" != -- ]; do echo "$1"; shift; done; shift || true
    [ $# = 0 ] || sha256sum -- "$@" | cut -d' ' -f1; } | sha256sum | cut -c1-16
}
