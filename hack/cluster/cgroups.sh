# Sourced: the cgroups that the pods live in, /gatebench/node<i> for the first cluster, on version 1 (one hierarchy a controller) and 2.
cgroups=${CGROUP_ROOT:-/sys/fs/cgroup}
v1_controllers=(cpu cpuacct cpuset memory devices freezer blkio pids)
v2_controllers=(cpu cpuset memory pids) # must be there; and what else the kubelet wants delegated where the kernel has it:
v2_if_there=(hugetlb io)

cgroup_version() { [ -e $cgroups/cgroup.controllers ] && echo 2 || echo 1; }

check_cgroups() {
  local c online allowed
  if [ "$(cgroup_version)" = 2 ]; then
    for c in "${v2_controllers[@]}"; do
      grep -qw $c $cgroups/cgroup.controllers ||
        die "cgroup v2 without the controller $c in $cgroups/cgroup.controllers: the kubelet cannot run here (in a container, give it its own cgroup namespace with all controllers delegated)"
    done
    allowed=$(cat $cgroups/cpuset.cpus.effective 2>/dev/null || cat /sys/devices/system/cpu/online)
  else
    for c in "${v1_controllers[@]}"; do
      [ -e $cgroups/$c/tasks ] ||
        die "cgroup v1 without the controller $c: mount it (mount -t cgroup -o $c cgroup $cgroups/$c), or boot with cgroup v2"
    done
    allowed=$(cat $cgroups/cpuset/cpuset.cpus)
  fi
  online=$(cat /sys/devices/system/cpu/online)
  [ "$allowed" = "$online" ] ||
    die "this cgroup may use CPUs $allowed of $online: the kubelet's CPU manager needs all of them"
  [ "$online" != 0 ] || die "one CPU only: CPU 0 is shared, so that there is none left to be exclusive"
}

cgroups_up() {
  local i c f
  for ((i = 0; i < nodes; i++)); do
    if [ "$(cgroup_version)" = 2 ]; then
      mkdir -p $cgroups/$cluster_name/node$i
    else
      for c in "${v1_controllers[@]}"; do mkdir -p $cgroups/$c/$cluster_name/node$i; done
      [ ! -d $cgroups/systemd ] || mkdir -p $cgroups/systemd/$cluster_name/node$i
      for c in $cluster_name $cluster_name/node$i; do # a new cpuset is empty, and takes no process
        for f in cpus mems; do cat $cgroups/cpuset/cpuset.$f >$cgroups/cpuset/$c/cpuset.$f; done
      done
    fi
  done
  # CPU 0 is shared with whatever else the machine does: with the default weight, two busy processes elsewhere
  # leave the pods less than half of it.
  if [ "$(cgroup_version)" = 2 ]; then
    delegate $cgroups
    delegate $cgroups/$cluster_name
    echo 10000 >$cgroups/$cluster_name/cpu.weight
  else
    echo 16384 >$cgroups/cpu/$cluster_name/cpu.shares
  fi
}

delegate() { # cgroup, version 2
  local c wanted=(${v2_controllers[@]/#/+})
  for c in "${v2_if_there[@]}"; do ! grep -qw $c "$1/cgroup.controllers" || wanted+=("+$c"); done
  echo "${wanted[*]}" >"$1/cgroup.subtree_control" 2>/dev/null ||
    die "the controllers cannot be delegated below $1: cgroup v2 refuses it while processes are in that cgroup itself (in a container, move them into a cgroup below it first)"
}

# All nodes are one machine: pods of the others must keep off the cores that node 0 gives away exclusively, so they
# get CPU 0. To be called when the kubelet has made its cgroups: it widens them again at each of its starts.
confine() { # node
  if [ "$(cgroup_version)" = 2 ]; then
    echo 0 >$cgroups/$cluster_name/node"$1"/cpuset.cpus
    return
  fi
  # The deepest first: a cpuset cannot shrink below its children.
  find $cgroups/cpuset/$cluster_name/node"$1"/kubepods -depth -name cpuset.cpus 2>/dev/null |
    awk -F/ '{print NF, $0}' | sort -rn | cut -d' ' -f2 |
    while read -r f; do echo 0 >"$f" 2>/dev/null || true; done # a pod may go while we look
}

our_cgroups() { find $cgroups $cgroups/*/ -maxdepth 1 -type d -name "$cluster_name" 2>/dev/null | sort -u; }

kill_pods() { # whatever is left in the pods' cgroups
  local dir pid
  for dir in $(our_cgroups); do
    find "$dir" -name cgroup.procs -exec cat {} + 2>/dev/null
  done | sort -u | while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done
}

cgroups_down() {
  local dir try
  for dir in $(our_cgroups); do
    for try in 1 2 3 4 5 6 7 8 9 10; do
      find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [ -d "$dir" ] || break
      sleep 0.2
    done
    [ ! -d "$dir" ] || say "warning: $dir could not be removed: something still runs in it"
  done
}
