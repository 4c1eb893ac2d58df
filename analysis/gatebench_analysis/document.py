"""The result document: everything that is kept of a run, as one gzipped JSON.

Fields that a newer writer added are kept; fields that an older one lacks are missing. Times are unix seconds.
"""

from __future__ import annotations

import gzip
import json
import pathlib
import zlib
from typing import Any, Literal

from pydantic import Field

from gatebench_analysis import thinning
from gatebench_analysis.baseline import Baseline
from gatebench_analysis.leaks import Leak
from gatebench_analysis.load import Capacity, Load, Series
from gatebench_analysis.loadfigures import Ceiling, Counts, DirectLeg, FrontierPoint, StageFigures
from gatebench_analysis.models import Count, Document, Objects, Seconds
from gatebench_analysis.observation import Measured, Missing, NotApplicable, Observation
from gatebench_analysis.upstream import Upstream

SCHEMA = "gatebench.dev/result/v1alpha1"
_FAMILY = "gatebench.dev/result/"
_MOST_BYTES = 256 * 2**20

Status = Literal["True", "False", "Unknown"]
OutcomeName = Literal["Good", "Pass", "Warn", "Fail", "Unknown", "NotApplicable"]


class Unreadable(ValueError):
    """These bytes are no result document; the message says why."""


class Figure(Document):
    """A metric: its value in `unit` with the source, or why there is none."""

    value: float | None = None
    unit: str = ""
    source: str = ""
    note: str = ""
    above: bool = False
    """The true value is larger than `value` by an unknown amount."""
    low: float | None = None
    """Of several repeats the smallest value; None where there was one. Of overhead the lower end of its interval."""
    high: float | None = None
    """Of several repeats the largest. Of overhead the upper end of its interval."""
    missing: str | None = None
    """Why it is not known."""
    not_applicable: str | None = None
    """Why it cannot exist here."""

    def observation(self) -> Observation:
        """The same, as one of the three things that it can be."""
        if self.value is not None:
            return Measured(self.value, self.note, self.above, self.source, self.low, self.high)
        if self.not_applicable is not None:
            return NotApplicable(self.not_applicable)
        return Missing(self.missing or "it was not measured")


def figure(observed: Observation, unit: str, source: str = "") -> Figure:
    """An observation as it stands in the document."""
    if isinstance(observed, Measured):
        return Figure(
            value=observed.value,
            unit=unit,
            source=observed.source or source,
            note=observed.note,
            above=observed.above,
            low=observed.low,
            high=observed.high,
        )
    if isinstance(observed, NotApplicable):
        return Figure(unit=unit, not_applicable=observed.why)
    return Figure(unit=unit, missing=observed.why)


class RunInfo(Document):
    """Which run it is, and its spec as it was applied."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    spec_hash: str = ""
    spec: dict[str, Any] = {}


class Change(Document):
    """The gateway's CPUs changed."""

    at: float | None = None
    before: str | None = Field(default=None, alias="from")
    after: str | None = Field(default=None, alias="to")


class Cores(Document):
    """What the probe saw of the gateway and its CPUs over the window, by cumulative counters."""

    started_at: float | None = None
    ended_at: float | None = None
    seconds: Seconds | None = None
    """Length of the window; None where the probe did not see all of it."""
    missing: str | None = None
    """Why the window could not be accounted for."""
    cpu_seconds: Seconds | None = None
    """CPU time of the gateway's processes."""
    foreign_seconds: Seconds | None = None
    """Time that others ran on its CPUs."""
    foreign_ratio: Seconds | None = None
    """Of the window times its CPUs, as the next ones."""
    steal_seconds: Seconds | None = None
    steal_ratio: Seconds | None = None
    interrupt_ratio: Seconds | None = None
    wait_seconds: Seconds | None = None
    """How long the gateway's threads waited to run."""
    wait_ratio: Seconds | None = None
    """Of waiting and running."""
    cpu_cores_mean: Seconds | None = None
    cpu_cores_max: Seconds | None = None
    """Over 5 s."""
    rss_bytes_max: Seconds | None = None
    rss_bytes_end: Seconds | None = None
    peak_bytes: Seconds | None = None
    """High-water mark of the processes since their start."""
    swap_bytes_max: Seconds | None = None
    longest_gap_seconds: Seconds | None = None


class Probe(Document):
    """The evidence of the probe: that the gateway's CPUs were its own, and stayed so."""

    container_id: str | None = None
    cpuset: str | None = None
    """CPUs that the gateway's processes may use, at the end."""
    shared_cpuset: str | None = None
    """Those of the probe, which is in the shared pool."""
    expected_cpus: Count | None = None
    proven: bool = False
    proof: str = ""
    """How, or why not, in words."""
    changes: Objects[Change] = []
    """Of the cpuset, from the load's start to its end."""
    shared_siblings: list[int] = []
    """Hyper-thread siblings of the gateway's CPUs that lie in the shared pool."""
    interval_seconds: float | None = None
    window: Cores = Cores()
    series: Series = Series()
    """cpuCores, waitRatio, rssBytes, foreignCores and stealCores over time."""


class ObjectiveOutcome(Document):
    """What became of an objective."""

    metric: str = ""
    stage: str | None = None
    optional: bool = False
    implied: bool = False
    """Not in the spec: added because no objective named errorRatio."""
    bounds: dict[str, str] = {}
    """As written: {"failAbove": "1%"}."""
    outcome: OutcomeName = "Unknown"
    observed: str | None = None
    value: float | None = None
    unit: str | None = None
    bound: str | None = None
    """The one that decided."""
    message: str = ""


class Verdict(Document):
    """What the objectives come to."""

    status: Status = "Unknown"
    reason: str = "ObjectivesUnknown"
    message: str = ""


class Finding(Document):
    """Something that speaks against the measurement."""

    status: Literal["False", "Unknown"] = "Unknown"
    reason: str = ""
    message: str = ""
    remedy: str = ""


class Repeat(Document):
    """One measurement of several."""

    index: Count = 0
    """From 0."""
    whole: bool = True
    """It was gone through to its end; one that was not has no part in the run's figures where another was."""
    started_at: float | None = None
    ended_at: float | None = None
    window_seconds: Seconds | None = None
    metrics: dict[str, Figure] = {}
    """The fleet's metrics of this repeat."""
    gateway: dict[str, Figure] = {}
    """The gateway's CPU and memory in this repeat, where the probe saw them."""


class Result(Document):
    """The result document."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    run: RunInfo = RunInfo()
    started_at: float | None = None
    finished_at: float | None = None
    environment: dict[str, Any] = {}
    load: Load = Load()
    probe: Probe | None = None
    upstream: Upstream | None = None
    """The mock's account of its delays."""
    window_seconds: Seconds | None = None
    """Measured seconds: stages that are neither ramps nor spikes, once their users were there."""
    counts: Counts = Counts()
    metrics: dict[str, Figure] = {}
    """The fleet's metrics over all measured stages: the medians over the repeats."""
    repeats: Objects[Repeat] = []
    """Each measurement, where there were several."""
    gateway: dict[str, Figure] = {}
    """gateway.* and query.*, each with its source."""
    overhead: DirectLeg | None = None
    """The direct leg, where there was one; what the gateway adds to it is in the metrics."""
    course: dict[str, Figure] = {}
    """Slopes over the longest measured stage, and spikes; of a slope the note has its interval."""
    leak: Leak | None = None
    """Whether memory is suspected to leak; None where the gateway is not ours or nothing was measured."""
    series: dict[str, Series] = {}
    """Curves of Prometheus."""
    stages: Objects[StageFigures] = []
    offered_rate: Seconds | None = None
    """Arrivals a second that were asked for over the measured window, of open load."""
    capacity: Capacity | None = None
    """What a capacity search found."""
    frontier: Objects[FrontierPoint] = []
    """Its steps, by rate."""
    ceiling: Ceiling = Ceiling()
    objectives: Objects[ObjectiveOutcome] = []
    verdict: Verdict = Verdict()
    baseline: Baseline | None = None
    """The comparison with the baseline, where the spec names one."""
    validity: Objects[Finding] = []
    """What speaks against the measurement, causes first; empty: nothing does."""
    missing: list[str] = []
    warnings: list[str] = []
    summary: dict[str, Any] | None = None
    """The figures for the status; None where the measurement does not hold."""
    dropped: list[str] = []
    """What was left out so that the document fits."""

    def load_outcome(self) -> str | None:
        """Finished, Aborted, Stopped, WorkerLost or Failed; None: not known."""
        return self.load.outcome


def dump(result: Result) -> dict[str, Any]:
    """The document as plain data; what is missing is absent."""
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


def write(result: Result) -> bytes:
    """The document as gzipped JSON. The same result gives the same bytes."""
    text = json.dumps(dump(result), separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    return gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0)


def read(source: bytes | str | pathlib.Path) -> Result:
    """The document from its bytes (gzipped or not) or its file. Raises Unreadable (a ValueError) or OSError."""
    content = source if isinstance(source, bytes) else pathlib.Path(source).read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = _unpack(content)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is not JSON") from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if not isinstance(schema, str) or not schema.startswith(_FAMILY):
        raise Unreadable(f"its schema is {schema!r}, not {SCHEMA}")
    return Result.model_validate(found)


def _unpack(content: bytes) -> bytes:
    decoder = zlib.decompressobj(wbits=31)
    try:
        plain = decoder.decompress(content, _MOST_BYTES)
    except zlib.error as error:
        raise Unreadable("it is not gzip") from error
    if decoder.unconsumed_tail or not decoder.eof:
        raise Unreadable("it is cut off, or too large")
    return plain


def fit(result: Result, limit: int) -> bytes:
    """The document in at most `limit` bytes: thinner series first, then without histograms; `dropped` says what.

    Figures that were made from what is dropped stay. Raises ValueError where the spec alone is too large.
    """
    content = write(result)
    for step in thinning.STEPS:
        if len(content) <= limit:
            return content
        data = step.apply(dump(result))
        data["dropped"] = [*result.dropped, step.words]
        result = Result.model_validate(data)
        content = write(result)
    if len(content) > limit:
        raise ValueError(f"the result takes {len(content)} bytes where {limit} are allowed")
    return content
