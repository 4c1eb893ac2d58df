#!/usr/bin/env bash
# Builds the cluster's programs from pinned Go modules, once for each content, and links them into .cluster/bin.
# Usage: binaries.sh [kubernetes|prometheus]…   (default: all)
. "$(dirname "$0")/env.sh"

modules=$hack/modules
programs=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl)
prometheus_tags=netgo,remove_all_sd,enable_kubernetes_sd # leaves the libraries of the cloud providers out

kube_version=$(awk '$1 == "k8s.io/kubernetes" {print $2; exit}' "$modules/kubernetes/go.mod")
version=k8s.io/component-base/version
# Without these flags kubectl and kubelet call themselves v0.0.0-master, and the API server refuses some clients.
kube_flags="-s -w -X $version.gitVersion=$kube_version -X $version.gitMajor=1 -X $version.gitMinor=$(cut -d. -f2 <<<"$kube_version")"

# Release 3.16.0 is module version v0.316.0, and it does not know its version otherwise.
prometheus_version=$(sed -nE 's|.*github.com/prometheus/prometheus v0\.([0-9])0?([0-9]+)\.([0-9]+).*|\1.\2.\3|p' "$modules/prometheus/go.mod")
prometheus_flags="-s -w -X github.com/prometheus/common/version.Version=$prometheus_version"

go version >/dev/null 2>&1 || die "Go is not installed: the cluster's programs are built from Go modules (go.mod says which version)"
toolchain=$(go env GOVERSION GOOS GOARCH | tr '\n' ' ')

build() { # program, ldflags, tags, package: into $out
  [ -x "$out/$1" ] && return
  say "building $1"
  CGO_ENABLED=0 nice go build -trimpath -tags "$3" -ldflags "$2" -o "$out/.$1" "$4" 2>"$out/$1.log" ||
    { tail -20 "$out/$1.log" >&2; die "$1 does not build; read $out/$1.log"; }
  mv "$out/.$1" "$out/$1"
  rm -f "$out/$1.log"
}

build_kubernetes() {
  local p
  cd "$modules/kubernetes"
  out=$cache/bin/kubernetes-$(content_hash "$toolchain" "$kube_flags" -- go.mod go.sum */main.go)
  mkdir -p "$out"
  for p in "${programs[@]}"; do build "$p" "$kube_flags" "" "k8s.io/kubernetes/cmd/$p"; done
  for p in etcd coredns; do build "$p" "-s -w" "" "./$p"; done
  build helm "-s -w" "" helm.sh/helm/v3/cmd/helm
}

build_prometheus() {
  cd "$modules/prometheus"
  out=$cache/bin/prometheus-$(content_hash "$toolchain" "$prometheus_flags" "$prometheus_tags" -- go.mod go.sum)
  mkdir -p "$out"
  build prometheus "$prometheus_flags" "$prometheus_tags" github.com/prometheus/prometheus/cmd/prometheus
}

link() { # all of $out into .cluster/bin
  local p
  mkdir -p "$state/bin"
  for p in "$out"/*; do [ ! -x "$p" ] || ln -sfn "$p" "$state/bin/${p##*/}"; done
}

mkdir -p "$cache"
exec 9>"$cache/.building"
flock 9 # two builds at once would compile everything twice
[ $# -gt 0 ] || set -- kubernetes prometheus
for module in "$@"; do
  build_"$module"
  link
done
