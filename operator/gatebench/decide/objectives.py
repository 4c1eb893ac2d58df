"""The objectives of a spec as the analysis judges them: bounds parsed into the unit of their metric."""

from __future__ import annotations

from typing import Any

from gatebench.api import quantities
from gatebench.api.objectives import Objective as SpecObjective
from gatebench.plan.run import Run
from gatebench_analysis import metrics
from gatebench_analysis.objectives import Objective

_BOUNDS = (
    "target_above",
    "target_below",
    "warn_above",
    "warn_below",
    "fail_above",
    "fail_below",
    "abort_above",
    "abort_below",
)


def parse(run: Run) -> tuple[Objective, ...]:
    """The run's objectives. Raises ValueError that names the field."""
    given = run.spec.objectives or []
    query_names = {query.name for query in (run.spec.metrics.queries if run.spec.metrics else None) or []}
    return tuple(_one(f"spec.objectives[{index}]", objective, query_names) for index, objective in enumerate(given))


def _one(field: str, objective: SpecObjective, query_names: set[str]) -> Objective:
    metric = metrics.find(objective.metric)
    if metric is None:
        raise ValueError(f"{field}.metric: {objective.metric} is no metric; docs/metrics.md lists them")
    kind, _, query = objective.metric.partition(".")
    if kind == "query" and query not in query_names:
        raise ValueError(f"{field}.metric: no query of spec.metrics.queries is named {query}")
    bounds: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for name in _BOUNDS:
        text = getattr(objective, name)
        if text is None:
            continue
        alias = SpecObjective.model_fields[name].alias or name
        try:
            bounds[name] = quantities.bound_value(text, metric.unit)
        except ValueError as error:
            raise ValueError(f"{field}.{alias}: {error}") from error
        texts[alias] = text
    return Objective(metric=objective.metric, stage=objective.stage, optional=objective.optional, texts=texts, **bounds)
