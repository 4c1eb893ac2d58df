"""The API server: plain objects in and out, every request bounded in time and size.

It stands on the Kubernetes client's configuration (so a rotated service-account token is honoured) and its
HTTP layer, without the typed API. What may work a moment later is asked again within a few seconds; beyond
that the caller's tick ends, and the next one asks again.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from gatebench.io import errors, kinds

Object = dict[str, Any]

FIELD_MANAGER = "gatebench"
REQUEST_SECONDS = 10.0
# How long one call may go on asking again, its pauses included.
RETRY_SECONDS = 5.0
FIRST_PAUSE = 0.2
# The longest that the API server's wish to be left alone is honoured between calls.
QUIET_SECONDS = 30.0
MAX_BYTES = 32 * 2**20
PAGE = 100
_CHUNK = 64 * 1024
_AGAIN = (429, 500, 502, 503, 504)
_MERGE = "application/merge-patch+json"
_METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class Kube:
    """One API server. Every method raises errors.ApiError, and nothing else."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._configuration = configuration
        self._rest: Any = RESTClientObject(configuration)
        self._pause = pause
        self._clock = clock
        self._quiet_until = 0.0

    async def close(self) -> None:
        """Closes the connections."""
        await self._rest.close()

    async def get(self, kind: str, namespace: str | None, name: str) -> Object:
        """An object."""
        return await self._object("GET", kinds.path(kind, namespace, name), f"get {_words(kind, namespace, name)}")

    async def list_all(
        self, kind: str, namespace: str | None, *, selector: str = "", metadata_only: bool = False
    ) -> list[Object]:
        """All objects of a namespace (None: of the cluster) with those labels, page by page.

        `metadata_only` leaves out all but the metadata: ConfigMaps can be a MiB each.
        """
        try:
            return await self._pages(kind, namespace, selector, metadata_only)
        except errors.Expired:
            # The continuation got too old between two pages: from the start, once.
            return await self._pages(kind, namespace, selector, metadata_only)

    async def _pages(self, kind: str, namespace: str | None, selector: str, metadata_only: bool) -> list[Object]:
        found: list[Object] = []
        query = {"limit": str(PAGE)} | ({"labelSelector": selector} if selector else {})
        accept = _METADATA_LIST if metadata_only else "application/json"
        while True:
            page = await self._object(
                "GET",
                kinds.path(kind, namespace),
                f"list {_words(kind, namespace)}",
                query=query,
                accept=accept,
            )
            found += page.get("items") or []
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return found
            query["continue"] = more

    async def create(self, manifest: Mapping[str, Any], *, dry_run: bool = False) -> Object:
        """Creates the object, never changing one that is there. Raises errors.AlreadyExists.

        With `dry_run` it is checked as a creation would be, and not stored.
        """
        kind, namespace = manifest["kind"], manifest["metadata"].get("namespace")
        about = f"create {_words(kind, namespace, manifest['metadata']['name'])}"
        query = {"fieldManager": FIELD_MANAGER} | ({"dryRun": "All"} if dry_run else {})
        return await self._object("POST", kinds.path(kind, namespace), about, query=query, body=manifest)

    async def replace(self, manifest: Mapping[str, Any]) -> Object:
        """Replaces the object, if it still has the manifest's resourceVersion. Raises errors.Conflict."""
        metadata = manifest["metadata"]
        kind, namespace, name = manifest["kind"], metadata.get("namespace"), metadata["name"]
        about = f"update {_words(kind, namespace, name)}"
        query = {"fieldManager": FIELD_MANAGER}
        return await self._object("PUT", kinds.path(kind, namespace, name), about, query=query, body=manifest)

    async def patch(
        self, kind: str, namespace: str, name: str, body: Mapping[str, Any], *, subresource: str = ""
    ) -> Object:
        """Merge patch. With metadata.resourceVersion in the body, errors.Conflict where that has passed."""
        path = kinds.path(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        about = f"patch {_words(kind, namespace, name)}" + (f" ({subresource})" if subresource else "")
        query = {"fieldManager": FIELD_MANAGER}
        return await self._object("PATCH", path, about, query=query, body=body, content_type=_MERGE)

    async def delete(
        self,
        kind: str,
        namespace: str | None,
        name: str,
        *,
        uid: str | None,
        resource_version: str | None = None,
    ) -> None:
        """Deletes the object with that UID, and its dependents. Raises errors.Conflict for another one."""
        wanted = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {key: value for key, value in wanted.items() if value is not None}
        body: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background"}
        if preconditions:
            body["preconditions"] = preconditions
        about = f"delete {_words(kind, namespace, name)}"
        await self._persist("DELETE", kinds.path(kind, namespace, name), about, body=body)

    async def pod_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        tail_lines: int,
        limit_bytes: int,
        previous: bool = False,
    ) -> str:
        """The last lines of a container's log, or of the run before its last restart."""
        query = {"container": container, "tailLines": str(tail_lines), "limitBytes": str(limit_bytes)}
        if previous:
            query["previous"] = "true"
        path = kinds.path("Pod", namespace, pod) + "/log"
        about = f"get the log of {container} in {_words('Pod', namespace, pod)}"
        return (await self._persist("GET", path, about, query=query, accept="*/*")).decode(errors="replace")

    async def _object(self, method: str, path: str, about: str, **options: Any) -> Object:
        content = await self._persist(method, path, about, **options)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise errors.Unavailable(0, "NotJSON", f"{about}: the answer is not JSON") from error
        if not isinstance(document, dict):
            raise errors.Unavailable(0, "NotJSON", f"{about}: the answer is not an object")
        return document

    async def _persist(self, method: str, path: str, about: str, **options: Any) -> bytes:
        """Asks until there is an answer that would not change a moment later, for RETRY_SECONDS at most."""
        begun = self._clock()
        if begun < self._quiet_until:
            left = self._quiet_until - begun
            message = f"{about}: not asked: the API server wants to be left alone for {left:.0f} s"
            raise errors.Unavailable(429, "TooManyRequests", message, retry_after=left)
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._once(method, path, about, **options)
            except errors.Unavailable as error:
                wait = max(pause, error.retry_after or 0.0)
                if self._clock() + wait - begun > RETRY_SECONDS:
                    if error.retry_after:
                        self._quiet_until = self._clock() + min(error.retry_after, QUIET_SECONDS)
                    raise
            await self._pause(wait)
            pause *= 2

    async def _once(
        self,
        method: str,
        path: str,
        about: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> bytes:
        url = f"{self._configuration.host}{path}"
        if query:
            url = f"{url}?{urllib.parse.urlencode(query)}"
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                headers = {"Accept": accept, "Accept-Encoding": "identity", "Content-Type": content_type}
                token = await self._configuration.get_api_key_with_prefix("BearerToken")
                if token:
                    headers["Authorization"] = token
                answer = (await self._rest.request(method, url, headers=headers, body=body)).response
                try:
                    content = await _read(answer, about)
                finally:
                    answer.release()
        except TimeoutError as error:
            message = f"{about}: no answer within {REQUEST_SECONDS:g} s"
            raise errors.Unavailable(0, "Timeout", message) from error
        except (aiohttp.ClientError, OSError, config.ConfigException, ValueError) as error:
            message = f"{about}: the API server cannot be reached ({type(error).__name__})"
            raise errors.Unavailable(0, "Unreachable", message) from error
        if 200 <= answer.status <= 299:
            return content
        again = _seconds(answer.headers.get("Retry-After")) if answer.status in _AGAIN else None
        raise errors.of_answer(answer.status, content, about, again)


async def _read(answer: aiohttp.ClientResponse, about: str) -> bytes:
    content = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        content += chunk
        if len(content) > MAX_BYTES:
            answer.close()
            raise errors.ApiError(0, "TooLarge", f"{about}: the answer is larger than {MAX_BYTES // 2**20} MiB")
    return bytes(content)


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; the API server never sends a date."""
    return float(header) if header and header.isdigit() else None


def _words(kind: str, namespace: str | None, name: str | None = None) -> str:
    """What a message calls the object, or the collection."""
    if name is None:
        return kinds.plural(kind) + ("" if namespace is None else f" in {namespace}")
    return f"{kinds.plural(kind)} {name if namespace is None else f'{namespace}/{name}'}"


def _untyped(module: Any) -> Any:
    """The client's loaders have no types."""
    return module


async def connect() -> Kube:
    """The API server of the pod that this runs in, else of the kubeconfig. Raises config.ConfigException."""
    configuration, loaders = Configuration(), _untyped(config)
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        loaders.load_incluster_config(client_configuration=configuration)
    else:
        await loaders.load_kube_config(client_configuration=configuration)
    return Kube(configuration)
