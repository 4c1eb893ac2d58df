"""What `analyze` and `compare` take, in words, for both command lines. It imports nothing: help must come fast."""

from __future__ import annotations

import enum

ANALYZE = "Show results, and set them beside a published reference."
COMPARE = "Compare results with a baseline, and end with the verdict as exit code."
CODES = "Exit codes: 0 the same or better, 1 regressed, 2 it cannot be told, 3 wrong input."
RESULTS = (
    "Result documents of gatebench (.json, .json.gz), the comparison.json of a BenchmarkComparison, Locust's _stats.csv"
    " or _stats_history.csv, Vegeta's JSON report, hey's CSV; a directory stands for all result documents in it."
)
SIDE = "A result, a pattern in quotes such as 'runs/*/result.json', or a directory of result documents."
REFERENCE = "litellm-4, litellm-2, tokligence or none."
INSTANCES = "Instances of the gateway, where the result cannot tell."
THRESHOLD = (
    "How much worse is regressed, in per cent; by default 10. With it, one result a side is compared figure by figure."
)
METRIC = "Compare this metric; may be repeated. By default throughput, latency.p50, latency.p95 and latency.p99."
IGNORE = "A field of the environment that may differ; may be repeated."
OUTPUT = "How it is printed."
JSON = "The same as --output json."
DEFAULT_REFERENCE = "litellm-4"


class Form(enum.StrEnum):
    """How results are printed."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"
    MARKDOWN = "markdown"
    JUNIT = "junit"
