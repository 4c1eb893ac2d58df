# Sourced by every script of hack/: where things are, and how to speak.
set -euo pipefail
shopt -s inherit_errexit

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
hack=$repo/hack/cluster
cluster=${CLUSTER:-embedded}        # or current: that of the current kube context, which none of these scripts starts or ends
instance=${CLUSTER_INSTANCE:-0}     # a second embedded cluster beside the first, for tests of clusters
if [ "$instance" = 0 ]; then
  cluster_name=gatebench            # of its namespaces, its link and its cgroup
  state=${CLUSTER_STATE:-$repo/.cluster}
else
  cluster_name=gatebench-$instance
  state=${CLUSTER_STATE:-$repo/build/cluster-$instance}
fi
[ "$cluster" = embedded ] || state=$repo/build/current
# $state holds certificates, etcd's data, containers, logs; $runtime sockets and pids; $cache programs and images by
# their content, and may be deleted at any time.
runtime=/run/$cluster_name
cache=${GATEBENCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gatebench}
registry=localhost/gatebench        # of the images' names
[ "$cluster" = embedded ] || registry=${REGISTRY:-}
pki=$state/pki
logs=$state/log
nodes=${NODES:-1}

# Node i is 10.200.<instance>.(2+i), in a network namespace of its own.
host_ip=10.200.$instance.1
api_ip=10.200.$instance.2
services=10.96.0.0/16
dns_ip=10.96.0.10
node_ip() { echo "10.200.$instance.$((2 + $1))"; }
netns() { echo "$cluster_name-node$1"; }
inside() { local node=$1; shift; nsenter --net="/run/netns/$(netns "$node")" "$@"; }
socket() { echo "$runtime/node$1.sock"; }

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
case $cluster in embedded | current) ;; *) die "CLUSTER=$cluster: embedded (the default), or current for that of the current kube context" ;; esac
need_root() { [ "$(id -u)" = 0 ] || die "$1 needs root: namespaces, mounts and cgroups are made"; }

# In the embedded cluster by its own programs and kubeconfig, else as the caller's shell would.
kubectl() { if [ "$cluster" = current ]; then command kubectl "$@"; else "$state/bin/kubectl" --kubeconfig "$state/kubeconfig" "$@"; fi; }
helm() { if [ "$cluster" = current ]; then command helm "$@"; else "$state/bin/helm" --kubeconfig "$state/kubeconfig" "$@"; fi; }

# The name of what has this content: of the files and words given.
content_hash() { # words… -- files…
  { while [ $# -gt 0 ] && [ "$1" != -- ]; do echo "$1"; shift; done; shift || true
    [ $# = 0 ] || sha256sum -- "$@" | cut -d' ' -f1; } | sha256sum | cut -c1-16
}

# Our own Go modules (those of the cluster's programs only pin what others wrote).
go_modules() { (cd "$repo" && find ./loadtest-images ./hack/images ./bench -name go.mod -printf '%h\n' | LC_ALL=C sort); }
