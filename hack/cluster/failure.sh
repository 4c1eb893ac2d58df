#!/usr/bin/env bash
# Prints what helps to understand a failure once the cluster is gone: events, pods, the operator's last words.
. "$(dirname "$0")/env.sh"

[ -e "$state/kubeconfig" ] || exit 0
show() { printf '\n-- %s\n' "$*"; "$@" 2>&1 | tail -40; }
show kubectl --request-timeout 10s get pods -A -o wide
show kubectl --request-timeout 10s get events -A --sort-by .lastTimestamp
show kubectl --request-timeout 10s -n gatebench-system logs deployment/gatebench --tail 40
