"""CSV and JSON. Values are in the unit that stands beside them; what is missing is empty in CSV and absent in JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gatebench_analysis import foreign, metrics, standing
from gatebench_analysis.contrast import Contrast
from gatebench_analysis.inputs import Reading
from gatebench_analysis.outputs import Analyzed, words
from gatebench_analysis.rating import Rating
from gatebench_analysis.record import Row
from gatebench_analysis.regression import MetricVerdict

_BESIDE = ("reference", "referenceValue", "factor", "status")
_VARIANT = ("variant", "ratio", "low", "high")
_ANALYSIS = ("result", "tool", "metric", "unit", "value", "upper", "missing", *_BESIDE, *_VARIANT)
_STATUS = {"pass": "True", "fail": "False"}
_COMPARISON = ("metric", "unit", "baseline", "current", "ratio", "low", "high", "tolerance", "verdict", "why")


def analysis_csv(found: Sequence[Analyzed]) -> str:
    """A row for each result and metric; of a comparison for each metric and variant."""
    rows: list[Mapping[str, Any]] = []
    for one in found:
        if one.reading.compared is not None:
            rows += [_variant(one.reading, row) for row in one.reading.compared.table]
            continue
        figures = one.reading.figures
        beside = {row.metric: row for row in one.rating.rows} if one.rating is not None else {}
        for metric in foreign.METRICS:
            row = beside.get(metric)
            rows.append(
                {
                    "result": figures.name,
                    "tool": figures.tool,
                    "metric": metric,
                    "unit": _unit(metric),
                    "value": figures.values.get(metric),
                    "upper": one.reading.upper.get(metric),
                    "missing": figures.missing.get(metric),
                    "reference": one.rating.reference.name if one.rating is not None and row is not None else None,
                    "referenceValue": row.reference if row is not None else None,
                    "factor": row.factor if row is not None else None,
                    "status": row.status if row is not None else None,
                }
            )
    return _csv(_ANALYSIS, rows)


def analysis_json(found: Sequence[Analyzed]) -> str:
    """A list of results."""
    return _json([_result(one) if one.reading.compared is None else _record(one.reading) for one in found])


def comparison_csv(found: Contrast) -> str:
    """A row for each metric."""
    return _csv(_COMPARISON, [_verdict(one) for one in found.comparison.metrics])


def comparison_json(found: Contrast) -> str:
    """The verdict, its metrics and both sides."""
    return _json(
        {
            "verdict": found.comparison.verdict,
            "why": found.comparison.why,
            "proven": found.proven,
            "exitCode": found.exit_code,
            "metrics": [_present(_verdict(one)) for one in found.comparison.metrics],
            "differences": list(found.comparison.differences),
            "baseline": [_source(one) for one in found.baseline],
            "current": [_source(one) for one in found.current],
            "notes": list(found.notes),
        }
    )


def _result(one: Analyzed) -> dict[str, Any]:
    reading, figures = one.reading, one.reading.figures
    out = _source(reading) | {
        "requests": figures.requests,
        "failures": figures.failures,
        "instances": figures.instances,
        "figures": {
            metric: _present({"value": value, "upper": reading.upper.get(metric), "unit": _unit(metric)})
            for metric, value in figures.values.items()
        },
        "missing": dict(figures.missing),
        "notes": list(figures.notes),
    }
    if reading.result is not None:
        result = reading.result
        out["verdict"] = result.verdict.model_dump(mode="json", by_alias=True, exclude_none=True)
        out["validity"] = [f.model_dump(mode="json", by_alias=True, exclude_none=True) for f in result.validity]
        out["objectives"] = [o.model_dump(mode="json", by_alias=True, exclude_none=True) for o in result.objectives]
    if one.rating is not None:
        out["beside"] = _rating(one.rating)
    return _present(out)


def _variant(reading: Reading, row: Row) -> dict[str, Any]:
    """`ratio`, `low` and `high` are differences where the unit is a share."""
    return {
        "result": reading.figures.name,
        "tool": reading.figures.tool,
        "metric": row.metric,
        "unit": row.unit,
        "value": row.median,
        "reference": row.reference,
        "referenceValue": row.reference_median,
        "status": row.verdict,
        **{name: getattr(row, name) for name in _VARIANT},
    }


def _record(reading: Reading) -> dict[str, Any]:
    found = reading.compared
    assert found is not None  # its caller has looked
    head = standing.headline(found, found.status)
    verdict = {"status": _STATUS.get(head.kind, "Unknown"), "word": head.word, "message": head.message}
    counted = sum(found.counted(run) for run in found.runs)
    kept = found.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _source(reading) | {
        "verdict": verdict,
        "valid": head.valid,
        "runs": {"made": len(found.runs), "counted": counted},
        **{name: kept.get(name, []) for name in ("table", "objectives")},
        "conditions": kept.get("status", {}).get("conditions", []),
        "notes": words.record_notes(found),
    }


def _rating(rating: Rating) -> dict[str, Any]:
    each = rating.per_instance
    reference = rating.reference.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _present(
        {
            "reference": {key: value for key, value in reference.items() if key != "figures"},
            "status": rating.status,
            "why": rating.why,
            "figures": [
                _present(
                    {
                        "metric": row.metric,
                        "unit": row.unit,
                        "value": row.value,
                        "reference": row.reference,
                        "factor": row.factor,
                        "status": row.status,
                    }
                )
                for row in rating.rows
            ],
            "perInstance": None if each is None else {**dataclasses.asdict(each), "factor": each.factor},
        }
    )


def _source(reading: Reading) -> dict[str, Any]:
    figures = reading.figures
    return _present({"path": reading.path, "name": figures.name, "tool": figures.tool, "doubt": reading.doubt or None})


def _verdict(one: MetricVerdict) -> dict[str, Any]:
    return {name: getattr(one, name) for name in _COMPARISON}


def _unit(metric: str) -> str:
    found = metrics.find(metric)
    return found.unit if found is not None else "s"


def _present(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().rstrip("\n")


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
