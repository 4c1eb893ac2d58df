"""An API server of a few lines, so that commands are tested through their real client and over real HTTP."""

from __future__ import annotations

import contextlib
import copy
import http.server
import json
import pathlib
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

RUNS = "/apis/gatebench.dev/v1alpha1"


def status_object(code: int, message: str, causes: list[dict[str, str]] | None = None) -> dict[str, Any]:
    """A refusal as the API server words it."""
    return {"kind": "Status", "code": code, "message": message, "details": {"causes": causes or []}}


class FakeApi:
    """Objects by path; `script` gives the status that each reading of a run finds, the last one for ever."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.script: list[dict[str, Any]] = []
        self.refuse: dict[tuple[str, str], tuple[int, Any]] = {}
        self.denied: set[tuple[str, str]] = set()
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.created = 0
        self.url = ""

    def run_path(self, name: str, namespace: str = "default") -> str:
        return f"{RUNS}/namespaces/{namespace}/benchmarkruns/{name}"

    def put(self, path: str, document: dict[str, Any]) -> None:
        self.objects[path] = document

    def add_run(self, name: str, status: dict[str, Any], namespace: str = "default", **spec: Any) -> None:
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "creationTimestamp": "2026-11-24T12:00:00Z",
        }
        self.put(self.run_path(name, namespace), {"metadata": metadata, "spec": spec, "status": status})

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        self.requests.append((method, path, query, body))
        if (method, path) in self.refuse:
            return self.refuse[method, path]
        if path.endswith("/selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            return 201, {"status": {"allowed": (asked["verb"], asked["resource"]) not in self.denied}}
        return getattr(self, f"_{method.lower()}")(path, body)

    def _get(self, path: str, body: Any) -> tuple[int, Any]:
        if path in self.objects:
            found = self.objects[path]
            if ("/benchmarkruns/" in path or "/benchmarkcomparisons/" in path) and self.script:
                found["status"] = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            return 200, found
        below = [copy.deepcopy(o) for p, o in sorted(self.objects.items()) if p.rpartition("/")[0] == path]
        if below or path.endswith(("/benchmarkruns", "/benchmarkcomparisons")):
            return 200, {"kind": "List", "items": below}
        return 404, status_object(404, f"{path} not found")

    def _patch(self, path: str, body: Any) -> tuple[int, Any]:
        found = self.objects.setdefault(path, {})
        namespace = path.split("/namespaces/")[1].split("/")[0]
        found |= {key: value for key, value in body.items() if key not in ("metadata", "spec")}
        found["spec"] = {**found.get("spec", {}), **body.get("spec", {})}
        metadata = {**found.get("metadata", {}), **body.get("metadata", {}), "namespace": namespace}
        if "uid" not in metadata:
            self.created += 1
            metadata["uid"] = f"uid-{self.created}"
        found["metadata"] = metadata
        return 200, found

    def _post(self, path: str, body: Any) -> tuple[int, Any]:
        metadata = dict(body["metadata"])
        name = metadata.get("name") or f"{metadata.pop('generateName')}x1y2z"
        return self._patch(f"{path}/{name}", {**body, "metadata": {**metadata, "name": name}})

    def _delete(self, path: str, body: Any) -> tuple[int, Any]:
        if self.objects.pop(path, None) is None:
            return 404, status_object(404, "not found")
        return 200, {"kind": "Status", "status": "Success"}


@contextlib.contextmanager
def serve() -> Iterator[FakeApi]:
    """The API on a port of 127.0.0.1."""
    api = FakeApi()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _do(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            code, document = api.answer(self.command, url.path, dict(urllib.parse.parse_qsl(url.query)), body)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = _do

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()


def kubeconfig(directory: pathlib.Path, url: str) -> pathlib.Path:
    """A kubeconfig for that address."""
    path = directory / "kubeconfig"
    path.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "fake",
                "clusters": [{"name": "fake", "cluster": {"server": url}}],
                "users": [{"name": "fake", "user": {"token": "t"}}],
                "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
            }
        )
    )
    return path
