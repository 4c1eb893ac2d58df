"""What the measurements of a run mean: figures, validity, objectives, and how they read.

No Kubernetes in here, and nothing that the operator alone knows: a notebook can use all of it on the result
documents that `gatebench artifacts` saves.

- `document`: the result document. `read(path or bytes)`, `write(result)`, `fit(result, limit)`.
- `metrics`: all metric names with unit and source. `find(name)`, `observe(result, name, stage)`.
- `text`: `table(result)`, the whole result as a table for terminals.
- `tables`: `load(result or path)`, pandas DataFrames `requests`, `series`, `repeats` and `frontier` (needs pandas).
- `inputs`: `read(path)`: a result of gatebench, Locust, Vegeta or hey (`foreign`) with its few common figures.
- `reference`, `rating`: published figures, and what a measurement is beside them.
- `contrast`: results compared with results; `regression`: the statistics below it.
- `outputs`: all of that as text, CSV, JSON, Markdown and JUnit's XML; `cli` prints it.
- `objectives`: `Objective`, `evaluate`, `judge`, `check`.
- `validity`: `verdict(result)`: whether the measurement can be trusted, and why not.
- `isolation`: what a probe's report proves about the gateway's cores.
- `histograms`: HDR histograms; quantiles in seconds, sample floors, upper confidence bounds.
- `assemble`: from the load document, the probe's report and Prometheus' figures to a result.
- `summary`: the few figures of a result that fit into a status; values as text.

All times are in seconds, sizes in bytes, CPU in cores, shares as ratios. A value that is not known is None or
`Missing`, never 0.
"""

from __future__ import annotations

__all__ = [
    "assemble",
    "contrast",
    "document",
    "foreign",
    "histograms",
    "inputs",
    "isolation",
    "metrics",
    "objectives",
    "outputs",
    "rating",
    "reference",
    "regression",
    "summary",
    "tables",
    "text",
    "validity",
]
