"""The probe's reports about repeats whose gateway is gone by the time of the result: kept in a ConfigMap each."""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import json
import logging
from collections.abc import Mapping
from typing import Any

from gatebench.decide.snapshot import Child, KeptReport
from gatebench.io import artifacts, errors, fleet, pods
from gatebench.io.context import Context
from gatebench.io.fleet import FleetError
from gatebench.plan import gateway
from gatebench.plan.run import Run

log = logging.getLogger(__name__)

KEY = "report.json.gz"
_THINNEST = 4096


async def kept(run: Run, repeat: int, give_up: bool, context: Context) -> dict[str, Any]:
    """The ConfigMap with all that the probe has seen. Raises FleetError where it does not answer, unless that is to be
    kept in its place."""
    seen = context.memory(run.uid).pods
    ip = pods.address(seen, "gateway", gateway.PROBE)
    pod = next((pod for pod in seen if pod.component == "gateway"), None)
    container = pod.container(gateway.CONTAINER) if pod is not None else None
    report: dict[str, Any] | None = None
    try:
        if ip is None:
            raise FleetError("the gateway's pod does not run")
        report = await context.fleet.probe(ip, context.token(run.fleet_owner.uid), None, None)
    except FleetError as error:
        if not give_up:
            raise
        log.warning("run %s/%s: no report of the probe about repeat %d: %s", run.namespace, run.name, repeat, error)
    document = {"repeat": repeat, "containerId": container.container_id if container else None, "report": report}
    content = await asyncio.to_thread(_fit, document)
    return artifacts.config_map(run, run.names.probe(repeat), "probe", {KEY: content})


def _fit(document: dict[str, Any], limit: int = artifacts.LIMIT) -> bytes:
    """As gzip of at most `limit` bytes: of a long repeat with every second, fourth, … sample, for counters lose nothing
    by that."""
    step, content = 1, _pack(document)
    while len(content) > limit and document["report"] is not None and step < _THINNEST:
        step *= 2
        content = _pack(document | {"report": thinned(document["report"], step)})
    return content if len(content) <= limit else _pack(document | {"report": None})


def thinned(report: Mapping[str, Any], step: int) -> dict[str, Any]:
    """The report with each step-th sample, and the last."""
    containers = [
        {**one, "samples": _every(one.get("samples"), step)} if isinstance(one, dict) else one
        for one in report.get("containers") or ()
    ]
    cpus = report.get("cpus") or {}
    rows = {cpu: _every(samples, step) for cpu, samples in (cpus.get("samples") or {}).items()}
    return {**report, "containers": containers, "cpus": {**cpus, "samples": rows}}


def _every(samples: Any, step: int) -> Any:
    if not isinstance(samples, list) or not samples:
        return samples
    return [*samples[:-1:step], samples[-1]]


def _pack(document: Mapping[str, Any]) -> bytes:
    return gzip.compress(json.dumps(document, separators=(",", ":")).encode(), 6, mtime=0)


async def of_repeats(
    run: Run, load: Mapping[str, Any] | None, children: Mapping[tuple[str, str], Child], context: Context
) -> tuple[KeptReport, ...]:
    """The reports that were kept, once the load is over. Raises errors.ApiError."""
    memory = context.memory(run.uid)
    if load is None or not run.restarts_gateway or run.spec.repeats is None:
        return ()
    if memory.reports is None:
        found = []
        for repeat in range(run.spec.repeats.count - 1):
            child = children.get(("ConfigMap", run.names.probe(repeat)))
            if child is not None and child.ours and (one := await _read(run, repeat, context)) is not None:
                found.append(one)
        memory.reports = tuple(found)
    return memory.reports


async def _read(run: Run, repeat: int, context: Context) -> KeptReport | None:
    name = run.names.probe(repeat)
    try:
        found = await context.kube.get("ConfigMap", run.namespace, name)
        packed = base64.b64decode((found.get("binaryData") or {})[KEY])
        plain = await asyncio.to_thread(fleet.unpack, packed, fleet.REPORT_BYTES)
        document = json.loads(plain)
        return KeptReport(repeat, document["containerId"], document["report"])
    except errors.NotFound:
        return None
    except (KeyError, TypeError, ValueError, binascii.Error, FleetError) as error:
        log.error("ConfigMap %s/%s has no readable report: %s", run.namespace, name, error)
        return None
