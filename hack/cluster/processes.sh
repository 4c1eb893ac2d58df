# Sourced: starts and stops the cluster's processes. A pid file holds "PID STARTTIME", so that a number which
# another process has got since then is never taken for ours.
pids=$runtime/pids

start_time() { awk '{sub(/.*\) /, ""); print $20}' "/proc/$1/stat" 2>/dev/null; } # field 22, after a name that may hold blanks
pid_of() { cut -d' ' -f1 "$pids/$1" 2>/dev/null; }

running() { # name
  local pid started
  read -r pid started 2>/dev/null <"$pids/$1" || return 1
  [ "$(start_time "$pid")" = "$started" ] || return 1
  ! grep -qsE '^State:\s+[ZX]' "/proc/$pid/status" # where nobody reaps orphans, `kill -0` succeeds on a zombie
}

# On CPU 0, so that the cores which Guaranteed pods own are not shared with the cluster itself.
# nsenter, not `ip netns exec`: that one remounts /sys, and the kubelet would not see the cgroups.
start() { # name, namespace, command…
  local name=$1 ns=$2
  shift 2
  running "$name" && return
  rm -f "$pids/$name"
  [ ! -s "$logs/$name.log" ] || mv "$logs/$name.log" "$logs/$name.log.1"
  setsid taskset -c 0 nsenter --net="/run/netns/$ns" "$@" >"$logs/$name.log" 2>&1 </dev/null 9>&- &
  echo "$! $(start_time $!)" >"$pids/$name"
  disown $!
}

wait_for() { # seconds, name of the log, what, command…
  local end=$((SECONDS + $1)) name=$2 what=$3
  shift 3
  until "$@" >/dev/null 2>&1; do
    [ ! -e "$pids/$name" ] || running "$name" || die "$what: $name has ended; read $logs/$name.log"
    [ $SECONDS -lt $end ] || die "$what: not within the time allowed; read $logs/$name.log"
    sleep 0.2
  done
}

started() { # prefix: the names of what was started
  local f
  for f in "$pids/$1"*; do [ ! -e "$f" ] || echo "${f##*/}"; done
}

stop() { # names…: TERM, then KILL after 3 s (an API server drains its watches for a minute)
  local name end=$((SECONDS + 3))
  for name in "$@"; do ! running "$name" || kill "$(pid_of "$name")" 2>/dev/null || true; done
  for name in "$@"; do
    while running "$name" && [ $SECONDS -lt $end ]; do sleep 0.1; done
    ! running "$name" || kill -KILL "$(pid_of "$name")" 2>/dev/null || true
    while running "$name"; do sleep 0.05; done
    rm -f "$pids/$name"
  done
}
