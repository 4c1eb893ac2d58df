#!/usr/bin/env bash
# Whether the judgements of the analysis hold where the truth is known. Usage: bench-truth.sh [WORD OF A ROW]
# Variables: CLUSTER_ROWS=1 measures real runs on the cluster first (one to two hours; make cluster-up images deploy
# before it), with TRIES=20 pairs of runs, PARALLEL=1 of them at once, RESUME=1 to go on from what was measured before.
# What was measured stays in build/bench/truth-runs, and is in each later table.
. "$(dirname "$0")/cluster/env.sh"

"$repo/hack/python.sh"
cd "$repo"
export PYTHONPATH=$repo
if [ "${CLUSTER_ROWS:-0}" != 0 ]; then
  resume=()
  [ "${RESUME:-0}" = 0 ] || resume=(--resume)
  # The runs have the other CPUs for themselves.
  taskset -c 0 .venv/bin/python -m bench.truth.cluster \
    --tries "${TRIES:-20}" --parallel "${PARALLEL:-1}" "${resume[@]}"
fi
exec .venv/bin/python -m bench.truth.table "$@"
