"""Results as files: which of them are meant, and what each of them is."""

from __future__ import annotations

import dataclasses
import glob
import pathlib
import zlib
from collections.abc import Mapping, Sequence

from gatebench_analysis import document, foreign, metrics, quantities, record, standing, summary, validity
from gatebench_analysis.document import Result
from gatebench_analysis.foreign import Figures
from gatebench_analysis.observation import Measured
from gatebench_analysis.record import Record

_MOST_BYTES = 256 * 2**20
_DOCUMENTS = (".json", ".json.gz")
_OURS = "gatebench"
_BOUNDED = "latency.p"


class BadInput(ValueError):
    """A file cannot be used; the message names it, and says why."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """A file that was read."""

    path: str
    figures: Figures
    result: Result | None = None
    """The result document, where it is one."""
    doubt: str = ""
    """Why the measurement does not hold; its figures are then missing."""
    upper: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Upper bounds of percentiles at 99 % confidence, by metric; other tools have none."""
    compared: Record | None = None
    """The comparison of variants, where it is one: it has no figures of its own."""


def expand(given: Sequence[str]) -> list[str]:
    """The files that are meant: each a file, a pattern such as 'runs/*/result.json', or a directory.

    Of a directory all result documents in it and below, and nothing else of it. Raises BadInput where there is none.
    """
    found: list[str] = []
    for one in given:
        path = pathlib.Path(one)
        if path.is_dir():
            inside = [
                str(each) for each in sorted(path.rglob("*")) if each.name.endswith(_DOCUMENTS) and _is_ours(each)
            ]
            if not inside:
                raise BadInput(f"{one}: no result document (*.json, *.json.gz) is in this directory")
            found += inside
        elif path.exists() or not glob.has_magic(one):
            found.append(one)
        else:
            matched = sorted(glob.glob(one, recursive=True))
            if not matched:
                raise BadInput(f"{one}: no file has such a name")
            found += matched
    return list(dict.fromkeys(found))


def read_all(given: Sequence[str], instances: int | None = None) -> list[Reading]:
    """What is in all of them. Raises BadInput."""
    return [read(path, instances) for path in expand(given)]


def read(path: str, instances: int | None = None) -> Reading:
    """What is in a file; `instances` of the gateway, where the file cannot tell. Raises BadInput."""
    try:
        content = _content(pathlib.Path(path))
        if _is_document(content):
            return of_result(document.read(content), path, instances)
        if record.is_record(content):
            return of_record(record.read(content), path)
        figures = foreign.read(pathlib.Path(path).name, content)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from error
    return Reading(path, dataclasses.replace(figures, instances=instances))


def of_result(result: Result, path: str = "", instances: int | None = None) -> Reading:
    """A result document as a reading. What does not hold shows no figure."""
    name = result.run.name or pathlib.Path(path).name
    doubt = ""
    if not summary.holds(result):
        _, reason, message = validity.verdict(result)
        doubt = f"{reason}: {message}" if message else reason
    values: dict[str, float] = {}
    missing: dict[str, str] = {}
    notes: list[str] = []
    for metric in foreign.METRICS:
        seen = metrics.observe(result, metric)
        if doubt:
            missing[metric] = f"the measurement does not hold ({doubt})"
        elif isinstance(seen, Measured) and not seen.above:
            values[metric] = seen.value
        elif isinstance(seen, Measured):
            missing[metric] = f"it is only known to be above {quantities.seconds(seen.value)}"
        else:
            missing[metric] = seen.why if metrics.find(metric) is not None else "it was not measured"
    if len(result.repeats) > 1:
        notes.append(f"medians of {len(result.repeats)} repeats")
    measured = result.counts.measured
    figures = Figures(
        name=name,
        tool=_OURS,
        values=values,
        missing=missing,
        requests=measured.requests or None,
        failures=measured.failures if measured.requests else None,
        instances=instances or _instances(result),
        notes=tuple(notes),
    )
    bounds = {metric: metrics.observe(result, f"{metric}.upper") for metric in values if metric.startswith(_BOUNDED)}
    upper = {metric: seen.value for metric, seen in bounds.items() if isinstance(seen, Measured) and not seen.above}
    return Reading(path, figures, result, doubt, upper)


def of_record(found: Record, path: str = "") -> Reading:
    """A comparison of variants as a reading."""
    head = standing.headline(found, found.status)
    doubt = "; ".join(f"{one.reason}: {one.message}" for one in head.findings)
    name = found.comparison.name or pathlib.Path(path).name
    return Reading(path, Figures(name=name, tool=_OURS, values={}), doubt=doubt, compared=found)


def _instances(result: Result) -> int | None:
    """A run starts one instance; of a gateway that was there already it is not known."""
    gateway = result.run.spec.get("gateway")
    return 1 if isinstance(gateway, Mapping) and gateway.get("image") else None


def _content(path: pathlib.Path) -> bytes:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"it is larger than {_MOST_BYTES // 2**20} MiB")
    content = path.read_bytes()
    if not content.startswith(b"\x1f\x8b"):
        return content
    decoder = zlib.decompressobj(wbits=31)
    try:
        plain = decoder.decompress(content, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError("it is not gzip") from error
    if not decoder.eof:
        raise ValueError("it is cut off, or too large")
    return plain


def _is_document(content: bytes) -> bool:
    """Whether it says of itself that it is a result document, of whatever version."""
    return content.lstrip()[:1] == b"{" and b'"gatebench.dev/result/' in content


def _is_ours(path: pathlib.Path) -> bool:
    try:
        return path.is_file() and _is_document(_content(path))
    except (OSError, ValueError):
        return False
