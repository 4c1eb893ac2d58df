#!/usr/bin/env bash
# Measures how fast and how exact the engine is. Usage: bench-engine.sh [PART…]
# Variables: PARTS="speed precision truth stall streaming memory fleet", QUICK=1, OWN_CPU=1, MEMORY_SECONDS=600
# It wants a quiet machine, with the embedded cluster down, and takes some 40 minutes.
. "$(dirname "$0")/cluster/env.sh"

"$hack/packages.sh" wrk
"$repo/hack/python.sh"
[ ! -e "$runtime/owner" ] || say "warning: the embedded cluster runs, and disturbs: make cluster-down first"
cd "$repo"
export PYTHONPATH=$repo:$repo/tests
# On all CPUs, even where the shell keeps to one.
exec taskset -c "$(cat /sys/devices/system/cpu/online)" .venv/bin/python -m bench.engine "$@"
