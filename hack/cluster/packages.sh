#!/usr/bin/env bash
# Installs the Debian packages that the cluster and the images need, where they are missing.
# Usage: packages.sh [COMMAND…]     (further ones, of packages that have their names)
. "$(dirname "$0")/env.sh"

# command:package
needs=(
  containerd:containerd runc:runc iptables:iptables ip:iproute2 conntrack:conntrack socat:socat ethtool:ethtool
  sysctl:procps taskset:util-linux openssl:openssl curl:curl jq:jq
  buildah:buildah debootstrap:debootstrap
)
for name in "$@"; do needs+=("$name:$name"); done
missing=()
PATH=$PATH:/usr/sbin:/sbin
for need in "${needs[@]}"; do
  command -v "${need%%:*}" >/dev/null || missing+=("${need##*:}")
done
[ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
[ ${#missing[@]} -gt 0 ] || exit 0

need_root "installing ${missing[*]}"
command -v apt-get >/dev/null || die "missing: ${missing[*]}; there is no apt-get here, so install them by hand"
say "installing ${missing[*]}"
mkdir -p "$logs"
export DEBIAN_FRONTEND=noninteractive
{ apt-get update && apt-get install -y --no-install-recommends "${missing[@]}"; } >"$logs/packages.log" 2>&1 </dev/null ||
  die "apt-get could not install ${missing[*]}; read $logs/packages.log"
