# Sourced: one network namespace a node, all on one bridge in node 0's, without a default route: nothing that runs
# in the cluster can reach anything outside. One veth leads out, for the API.
netns() { echo "gatebench$1"; }
inside() { local ns=$1; shift; nsenter --net="/run/netns/$ns" "$@"; }

network_up() {
  local i j
  for ((i = 0; i < nodes; i++)); do
    # A namespace that was left half made is made again.
    [ -e "$runtime/network$i" ] && ip netns list | grep -qw "$(netns $i)" && continue
    ip netns del "$(netns $i)" 2>/dev/null || true
    ip netns add "$(netns $i)"
    inside "$(netns $i)" ip link set lo up
    inside "$(netns $i)" sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
    # A service's address needs some route to be looked up before kube-proxy's rules rewrite it: a bridge without ports.
    inside "$(netns $i)" ip link add services type bridge
    inside "$(netns $i)" ip link set services up
    inside "$(netns $i)" ip route add "$services" dev services
    if [ $i = 0 ]; then join_host; else join_node $i; fi
    touch "$runtime/network$i"
  done
  for ((i = 0; i < nodes; i++)); do
    for ((j = 0; j < nodes; j++)); do
      [ $i = $j ] || inside "$(netns $i)" ip route replace "10.244.$j.0/24" via "$(node_ip $j)"
    done
  done
}

join_host() {
  local ns=gatebench0
  ip link del gatebench-api 2>/dev/null || true
  ip link add gatebench-api type veth peer name eth0 netns $ns
  ip addr add $host_ip/30 dev gatebench-api # so small that the machine has no route to anything else in there
  ip link set gatebench-api up
  inside $ns ip link add nodes type bridge
  inside $ns ip addr add $api_ip/24 dev nodes
  inside $ns ip link set eth0 master nodes
  inside $ns ip link set eth0 up
  inside $ns ip link set nodes up
}

join_node() {
  ip link add eth0 netns "$(netns "$1")" type veth peer name "node$1" netns gatebench0
  inside gatebench0 ip link set "node$1" master nodes
  inside gatebench0 ip link set "node$1" up
  inside "$(netns "$1")" ip addr add "$(node_ip "$1")/24" dev eth0
  inside "$(netns "$1")" ip link set eth0 up
}

network_down() {
  local ns
  for ns in $(ip netns list 2>/dev/null | awk '/^gatebench[0-9]/ {print $1}'); do ip netns del "$ns"; done
  ip link del gatebench-api 2>/dev/null || true
}
