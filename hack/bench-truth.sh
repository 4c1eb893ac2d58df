#!/usr/bin/env bash
# Whether the judgements of the analysis hold where the truth is known. Usage: bench-truth.sh [WORD OF A ROW]
. "$(dirname "$0")/cluster/env.sh"

"$repo/hack/python.sh"
exec "$repo/.venv/bin/python" "$repo/bench/truth/table.py" "$@"
