"""An API server of a few lines in the test's own loop: the real client talks to it over real HTTP."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import itertools
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from aiohttp import web
from kubernetes.aio.client import Configuration

from gatebench.io import context, fleet, kube
from gatebench.settings import Settings

KEY = b"k" * 32
SETTINGS = Settings.model_validate({"images": {"locust": "l", "engine": "e", "mock": "m", "probe": "p"}})
NOW = 1_800_000_000.0
PLURALS = {
    "Pod": "pods",
    "Service": "services",
    "ConfigMap": "configmaps",
    "Secret": "secrets",
    "Node": "nodes",
    "Event": "events",
    "NetworkPolicy": "networkpolicies",
    "Lease": "leases",
    "BenchmarkRun": "benchmarkruns",
    "BenchmarkComparison": "benchmarkcomparisons",
}


@dataclasses.dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclasses.dataclass
class Refusal:
    """An answer in the place of the real one, `times` times."""

    status: int
    reason: str = ""
    message: str = ""
    causes: tuple[str, ...] = ()
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    times: int = 10**9
    raw: bytes | None = None


class FakeKube:
    """Objects by (plural, namespace, name); refusals by (method, plural)."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.refusals: dict[tuple[str, str], Refusal] = {}
        self.requests: list[Request] = []
        self.logs: dict[tuple[str, str], str] = {}
        self.page_size: int | None = None
        self._numbers = itertools.count(1)

    def put(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Adds an object as if it had always been there."""
        stored = copy.deepcopy(manifest)
        metadata = stored["metadata"]
        number = next(self._numbers)
        metadata.setdefault("uid", f"uid-{number}")
        metadata["resourceVersion"] = str(number)
        metadata.setdefault("creationTimestamp", "2027-01-15T08:00:00Z")
        self.objects[PLURALS[stored["kind"]], metadata.get("namespace", ""), metadata["name"]] = stored
        return stored

    def get(self, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
        return self.objects.get((PLURALS[kind], namespace, name))

    def asked(self, method: str, plural: str = "") -> list[Request]:
        """The requests of that method about that resource."""
        return [r for r in self.requests if r.method == method and f"/{plural}" in r.path]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append(Request(request.method, request.path, dict(request.query), body, dict(request.headers)))
        parts = request.path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        namespace = ""
        if parts[0] == "namespaces":
            namespace, parts = parts[1], parts[2:]
        plural, name, sub = [*parts, "", ""][:3]
        refusal = self.refusals.get((request.method, plural))
        if refusal is not None and refusal.times > 0:
            refusal.times -= 1
            return _refuse(refusal)
        if sub == "log":
            return web.Response(text=self.logs.get((name, request.query["container"]), "a line\n"))
        answer = getattr(self, f"_{request.method.lower()}")
        return answer(request, plural, namespace, name, body)  # type: ignore[no-any-return]

    def _get(self, request: web.Request, plural: str, namespace: str, name: str, _: Any) -> web.Response:
        if name:
            found = self.objects.get((plural, namespace, name))
            return _not_found(name) if found is None else web.json_response(found)
        selector = request.query.get("labelSelector", "")
        items = [
            o
            for (p, ns, _name), o in sorted(self.objects.items())
            if p == plural
            and (not namespace or ns == namespace)
            and _selects(selector, o["metadata"].get("labels") or {})
        ]
        if "PartialObjectMetadata" in request.headers["Accept"]:
            items = [{"metadata": o["metadata"]} for o in items]
        begin = int(request.query.get("continue", "0"))
        end = begin + (self.page_size or int(request.query["limit"]))
        metadata = {"continue": str(end)} if end < len(items) else {}
        return web.json_response({"metadata": metadata, "items": items[begin:end]})

    def _post(self, request: web.Request, plural: str, namespace: str, _: str, body: Any) -> web.Response:
        if (plural, namespace, body["metadata"]["name"]) in self.objects:
            return _refuse(Refusal(409, "AlreadyExists", "it already exists"))
        if request.query.get("dryRun") == "All":
            return web.json_response(body, status=201)
        return web.json_response(self.put(body), status=201)

    def _put(self, request: web.Request, plural: str, namespace: str, name: str, body: Any) -> web.Response:
        found = self.objects.get((plural, namespace, name))
        if found is None:
            return _not_found(name)
        if body["metadata"].get("resourceVersion") != found["metadata"]["resourceVersion"]:
            return _refuse(Refusal(409, "Conflict", "the object has been modified"))
        return web.json_response(self.put({**body, "metadata": {**found["metadata"], **body["metadata"]}}))

    def _patch(self, request: web.Request, plural: str, namespace: str, name: str, body: Any) -> web.Response:
        found = self.objects.get((plural, namespace, name))
        if found is None:
            return _not_found(name)
        version = (body.get("metadata") or {}).get("resourceVersion")
        if version is not None and version != found["metadata"]["resourceVersion"]:
            return _refuse(Refusal(409, "Conflict", "the object has been modified"))
        return web.json_response(self.put(merge(found, body)))

    def _delete(self, request: web.Request, plural: str, namespace: str, name: str, body: Any) -> web.Response:
        found = self.objects.get((plural, namespace, name))
        if found is None:
            return _not_found(name)
        for key, value in (body.get("preconditions") or {}).items():
            if found["metadata"][key] != value:
                return _refuse(Refusal(409, "Conflict", f"the {key} in the precondition does not match"))
        del self.objects[plural, namespace, name]
        return web.json_response({"kind": "Status", "status": "Success"})


def merge(target: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out


def _refuse(refusal: Refusal) -> web.Response:
    if refusal.raw is not None:
        return web.Response(body=refusal.raw, status=refusal.status, headers=refusal.headers)
    document = {
        "kind": "Status",
        "code": refusal.status,
        "reason": refusal.reason,
        "message": refusal.message,
        "details": {"causes": [{"reason": cause} for cause in refusal.causes]},
    }
    return web.json_response(document, status=refusal.status, headers=refusal.headers)


def _not_found(name: str) -> web.Response:
    return _refuse(Refusal(404, "NotFound", f"{name} not found"))


class Clock:
    """Time that passes only in pauses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@contextlib.asynccontextmanager
async def site(handler: Any) -> AsyncIterator[int]:
    """Serves every path with `handler`; gives the port on 127.0.0.1."""
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@dataclasses.dataclass
class World:
    """The fake API server and a context that talks to it."""

    api: FakeKube
    context: context.Context
    clock: Clock


@contextlib.asynccontextmanager
async def world(*, master_port: int = 1, probe_port: int = 1) -> AsyncIterator[World]:
    """A context whose time stands at NOW."""
    api, clock = FakeKube(), Clock()
    async with site(api.handle) as port:
        configuration = Configuration()
        configuration.host = f"http://127.0.0.1:{port}"
        configuration.api_key = {"BearerToken": "bearer t"}
        given = context.Context(
            kube=kube.Kube(configuration, pause=clock.pause, clock=clock),
            fleet=fleet.Client(master_port=master_port, probe_port=probe_port),
            prometheus=None,
            settings=SETTINGS,
            namespace="gatebench-system",
            key=KEY,
            version="0.1.0",
            now=lambda: NOW,
        )
        try:
            yield World(api, given, clock)
        finally:
            await given.close()


def _selects(selector: str, labels: Mapping[str, str]) -> bool:
    """As the API server does it, of what is asked here: KEY=VALUE, KEY, !KEY, KEY in (A,B)."""
    for word in re.findall(r"[^,(]+(?:\([^)]*\))?", selector):
        key, _, value = word.strip().partition(" in " if " in " in word else "=")
        allowed = value.strip("()").split(",") if value else None
        present = labels.get(key.removeprefix("!"))
        if key.startswith("!"):
            fits = present is None
        else:
            fits = present is not None if allowed is None else present in allowed
        if not fits:
            return False
    return True
