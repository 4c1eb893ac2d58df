# Sourced: whose the embedded cluster of this machine is stands in /run/gatebench/owner, so that a second
# clone of the project neither mixes its own into it nor leaves it behind.
owner() { cat "$runtime/owner" 2>/dev/null || true; }

claim() {
  local other
  other=$(owner)
  if [ -n "$other" ] && [ "$other" != "$state" ]; then
    [ -n "${TAKE_OVER:-}" ] ||
      die "the embedded cluster of $other runs here, and a machine holds one: make cluster-down there, or set TAKE_OVER=1 to end it"
    say "ending the embedded cluster of $other"
    "$hack/down.sh"
  fi
  mkdir -p "$state" "$logs" "$runtime" "$runtime/pids"
  echo "$state" >"$runtime/owner"
}

# A node that was there stays, whatever NODES says now.
count_nodes() {
  local before
  before=$(cat "$state/nodes" 2>/dev/null || echo 0)
  if [ "$before" -gt "$nodes" ]; then
    say "keeping all $before nodes (make cluster-down first for fewer)"
    nodes=$before
  fi
  echo "$nodes" >"$state/nodes"
}
