"""What is kept of a run in ConfigMaps: the result document, Locust's own reports, the containers' logs."""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

from gatebench.api import NOTE_KEY, RESULT_KEY
from gatebench.decide.snapshot import Pod
from gatebench.io import errors, masking, pods
from gatebench.io.context import Context
from gatebench.io.fleet import FleetError
from gatebench.plan import fleet
from gatebench.plan.pods import metadata
from gatebench.plan.run import Run
from gatebench_analysis import document
from gatebench_analysis.document import Result

log = logging.getLogger(__name__)

# A ConfigMap holds 1 MiB, names and metadata included.
LIMIT = 1000 * 1024
LOG_BYTES = 64 * 1024
_LOG_LINES = 4000
# Lines are counted first, from the end; of very long ones this much is read.
_LOG_READ = 2**20
_LOGS_AT_ONCE = 8
# The small and telling ones first: what does not fit any more is left out.
_REPORTS = ("csv/stats.csv", "csv/failures.csv", "csv/exceptions.csv", "report.html", "csv/history.csv")
_HISTORY = "csv/history.csv"
_WHY_LENGTH = 300
# Characters: more is thinned before it is masked, which holds up the other runs and takes seconds for a day.
_HISTORY_LENGTH = 4 * 2**20
_MOST_THINNED = 1024


def config_map(run: Run, name: str, component: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    """A ConfigMap that is the run's and that stays as it is."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "immutable": True,
        "metadata": metadata(run, name, component),
        "binaryData": {key: base64.b64encode(content).decode() for key, content in files.items()},
    }


async def result(run: Run, given: Result) -> dict[str, Any]:
    """The ConfigMap with the result document, made to fit. Raises errors.Invalid where it cannot be."""
    try:
        content = await asyncio.to_thread(document.fit, given, LIMIT)
    except ValueError as error:
        raise errors.Invalid(0, "TooLarge", f"create configmaps {run.names.result}: {error}") from error
    return config_map(run, run.names.result, "result", {RESULT_KEY: content})


async def read_result(run: Run, context: Context) -> Result | None:
    """The stored result document; None where there is none that can be read. Raises errors.ApiError."""
    return await read_document(run.namespace, run.names.result, context)


async def read_document(namespace: str, name: str, context: Context) -> Result | None:
    """The result document in that ConfigMap; None where there is none that can be read. Raises errors.ApiError."""
    try:
        found = await context.kube.get("ConfigMap", namespace, name)
    except errors.NotFound:
        return None
    try:
        content = base64.b64decode((found.get("binaryData") or {})[RESULT_KEY])
        return await asyncio.to_thread(document.read, content)
    except (KeyError, ValueError, binascii.Error, OSError, EOFError) as error:
        log.error("ConfigMap %s/%s has no readable result: %s", namespace, name, error)
        return None


async def report(run: Run, context: Context) -> dict[str, Any] | None:
    """The ConfigMap with Locust's own report and CSVs, and what is missing of them; None where the master gives none.

    Of a long history it has every second row, every fourth, …: its figures are totals, so that none is lost thereby.
    """
    ip = pods.address(context.memory(run.uid).pods, fleet.MASTER, fleet.MASTER)
    if ip is None:
        return None
    token = context.token(run.fleet_owner.uid)
    found: dict[str, bytes] = {}
    notes: list[str] = []
    for path in _REPORTS:
        name = path.rpartition("/")[2]
        try:
            content = await context.fleet.artifact(ip, token, path)
        except FleetError as error:
            notes.append(f"{name} is not kept: {str(error)[:_WHY_LENGTH]}")
            continue
        room = LIMIT - sum(map(len, found.values()))
        packed, step = await asyncio.to_thread(_fit_report, path, content, token, room)
        if packed is None:
            notes.append(f"{name} is not kept: it is too large, {room // 1024} KiB are left for it")
            continue
        found[f"{name}.gz"] = packed
        if step > 1:
            notes.append(f"{name} has one row in {step}: all of them are too large")
    if notes:
        log.warning("run %s/%s: of Locust's reports %s", run.namespace, run.name, "; ".join(notes))
        found[NOTE_KEY] = masking.mask("".join(f"{note}\n" for note in notes), [token]).encode()
    return config_map(run, run.names.report, "report", found) if found.keys() - {NOTE_KEY} else None


def _fit_report(path: str, content: bytes, token: str, room: int) -> tuple[bytes | None, int]:
    """Packed in at most `room` bytes, and which rows of it: each one, each second, …; None where it cannot be."""
    text, step = content.decode(errors="replace"), 1
    if path == _HISTORY and len(text) > _HISTORY_LENGTH:
        step = 2 ** math.ceil(math.log2(len(text) / _HISTORY_LENGTH))
        text = thinned(text, step)
    # Masking by patterns would break the scripts of the HTML report.
    masked = text.replace(token, masking.MASK) if path.endswith(".html") else masking.mask(text, [token])
    packed, further = _pack(masked), 1
    while len(packed) > room and path == _HISTORY and further < _MOST_THINNED:
        further *= 2
        packed = _pack(thinned(masked, further))
    return (packed if len(packed) <= room else None, step * further)


def thinned(table: str, step: int) -> str:
    """A CSV of one line a row, with its header, each step-th row, and the last."""
    header, *rows = table.splitlines(keepends=True) or [""]
    return "".join([header, *rows[:-1:step], *rows[-1:]])


async def logs(run: Run, context: Context) -> dict[str, Any] | None:
    """The ConfigMap with the end of every container's log; None where there are no pods."""
    wanted = [
        (pod, container.name, previous)
        for pod in context.memory(run.uid).pods
        for container in pod.containers
        for previous in ((False, True) if container.restarts else (False,))
    ]
    if not wanted:
        return None
    gate = asyncio.Semaphore(_LOGS_AT_ONCE)

    async def of(pod: Pod, container: str, previous: bool) -> str:
        async with gate:
            return await _log(run, pod, container, previous, context)

    texts = await asyncio.gather(*(of(*each) for each in wanted))
    keys = [_log_key(run, *each) for each in wanted]
    files = await asyncio.to_thread(fit_logs, dict(zip(keys, texts, strict=True)), [context.token(run.fleet_owner.uid)])
    return config_map(run, run.names.logs, "logs", files)


async def _log(run: Run, pod: Pod, container: str, previous: bool, context: Context) -> str:
    try:
        return await context.kube.pod_log(
            run.namespace,
            pod.name,
            container,
            tail_lines=_LOG_LINES,
            limit_bytes=_LOG_READ,
            previous=previous,
        )
    except errors.ApiError as error:
        return f"(gatebench could not read this log: {error})\n"


def _log_key(run: Run, pod: Pod, container: str, previous: bool) -> str:
    role = pod.name.removeprefix(f"{run.names.base}-").removeprefix(f"{run.fleet.base}-")
    return f"{role}.{container}{'.previous' if previous else ''}.log.gz"


def fit_logs(texts: Mapping[str, str], known: Sequence[str], limit: int = LIMIT) -> dict[str, bytes]:
    """The logs masked and packed: of each the last 64 KiB, or less where all of them do not fit."""
    masked = {key: masking.mask(text, known).encode() for key, text in texts.items()}
    size = LOG_BYTES
    while True:
        packed = {key: _pack_bytes(text[-size:]) for key, text in masked.items()}
        if sum(map(len, packed.values())) <= limit or size == 0:
            return packed
        size = size // 2 if size > 256 else 0


def _pack(text: str) -> bytes:
    return _pack_bytes(text.encode())


def _pack_bytes(content: bytes) -> bytes:
    """The same content gives the same bytes."""
    return gzip.compress(content, 6, mtime=0)
