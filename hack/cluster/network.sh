# Sourced: one network namespace a node, all on one bridge in node 0's, without a default route: nothing that runs
# in the cluster can reach anything outside. One veth leads out, for the API.
network_up() {
  local i j
  for ((i = 0; i < nodes; i++)); do
    # A namespace that was left half made is made again.
    [ -e "$runtime/network$i" ] && ip netns list | grep -qw "$(netns $i)" && continue
    ip netns del "$(netns $i)" 2>/dev/null || true
    ip netns add "$(netns $i)"
    inside $i ip link set lo up
    inside $i sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
    # A service's address needs some route to be looked up before kube-proxy's rules rewrite it: a bridge without ports.
    inside $i ip link add services type bridge
    inside $i ip link set services up
    inside $i ip route add "$services" dev services
    if [ $i = 0 ]; then join_host; else join_node $i; fi
    touch "$runtime/network$i"
  done
  for ((i = 0; i < nodes; i++)); do
    for ((j = 0; j < nodes; j++)); do
      [ $i = $j ] || inside $i ip route replace "10.244.$j.0/24" via "$(node_ip $j)"
    done
  done
}

join_host() {
  ip link del $cluster_name-api 2>/dev/null || true
  ip link add $cluster_name-api type veth peer name eth0 netns "$(netns 0)"
  ip addr add $host_ip/30 dev $cluster_name-api # so small that the machine has no route to anything else in there
  ip link set $cluster_name-api up
  inside 0 ip link add nodes type bridge
  inside 0 ip addr add $api_ip/24 dev nodes
  inside 0 ip link set eth0 master nodes
  inside 0 ip link set eth0 up
  inside 0 ip link set nodes up
}

join_node() {
  ip link add eth0 netns "$(netns "$1")" type veth peer name "node$1" netns "$(netns 0)"
  inside 0 ip link set "node$1" master nodes
  inside 0 ip link set "node$1" up
  inside "$1" ip addr add "$(node_ip "$1")/24" dev eth0
  inside "$1" ip link set eth0 up
}

network_down() {
  local ns
  for ns in $(ip netns list 2>/dev/null | grep -oE "^$cluster_name-node[0-9]+"); do ip netns del "$ns"; done
  ip link del $cluster_name-api 2>/dev/null || true
}
