"""Access to the cluster as the user: plain JSON in and out, every request with a timeout.

The client library is imported when a command needs it, so that help and completion are fast.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from gatebench.api import COMPARISON_KIND, COMPARISON_PLURAL, GROUP, KIND, PLURAL, VERSION
from gatebench.cli.errors import ApiError, CliError, of_answer

FIELD_MANAGER = "gatebench-cli"
TIMEOUT = 20.0
_RUNS = f"/apis/{GROUP}/{VERSION}"
_PATHS = {
    KIND: (_RUNS, PLURAL),
    COMPARISON_KIND: (_RUNS, COMPARISON_PLURAL),
    "ConfigMap": ("/api/v1", "configmaps"),
    "Secret": ("/api/v1", "secrets"),
    "Pod": ("/api/v1", "pods"),
}
Manifest = Mapping[str, Any]


def path_of(kind: str, namespace: str, name: str | None = None) -> str:
    """URL path of an object, or of the collection where no name is given."""
    root, plural = _PATHS[kind]
    return f"{root}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


class Cluster:
    """One API server, one user, one default namespace."""

    def __init__(self, client: Any, namespace: str) -> None:
        self._client = client
        self.namespace = namespace

    @property
    def address(self) -> str:
        """The API server's URL."""
        return str(self._client.configuration.host)

    def call(
        self,
        method: str,
        path: str,
        *,
        about: str,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
        timeout: float = TIMEOUT,
    ) -> bytes:
        """One request; the answer's body. Raises ApiError, which `about` begins."""
        import urllib3
        from kubernetes.client.exceptions import ApiException

        headers = {"Accept": "application/json, */*"}
        payload: Any = None
        if body is not None:
            headers["Content-Type"] = content_type
            payload = json.dumps(body) if content_type.endswith("yaml") else dict(body)
        request = self._client.param_serialize(
            method, path, query_params=list((query or {}).items()), header_params=headers, body=payload,
            auth_settings=["BearerToken"],
        )  # fmt: skip
        try:
            answer = self._client.call_api(*request, _request_timeout=timeout)
            content = bytes(answer.read())
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            reason = str(getattr(error, "reason", None) or error).splitlines()[-1]
            message = f"cannot reach the API server at {self.address}: {reason}; check --kubeconfig and --context"
            raise ApiError(message) from error
        if not 200 <= answer.status <= 299:
            raise of_answer(answer.status, content, about)
        return content

    def json(self, method: str, path: str, *, about: str, **options: Any) -> dict[str, Any]:
        """As `call`, with the answer's JSON object."""
        try:
            document = json.loads(self.call(method, path, about=about, **options))
        except ValueError as error:
            raise ApiError(f"{about}: the API server's answer is not JSON") from error
        return document if isinstance(document, dict) else {}

    def get(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """An object. Raises ApiError with code 404 where there is none."""
        return self.json("GET", path_of(kind, namespace, name), about=f"{kind} {namespace}/{name}")

    def find(self, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
        """An object, or None."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.code == 404 and "does not know this kind" not in str(error):
                return None
            raise

    def runs(self, namespace: str | None, kind: str = KIND) -> list[dict[str, Any]]:
        """All runs (or comparisons) of a namespace, or of all namespaces, oldest first."""
        plural = _PATHS[kind][1]
        path = path_of(kind, namespace) if namespace else f"{_RUNS}/{plural}"
        items: Iterable[dict[str, Any]] = self.json("GET", path, about=f"list of {plural}").get("items") or []
        return sorted(items, key=lambda run: (run["metadata"].get("creationTimestamp", ""), run["metadata"]["name"]))

    def apply(self, manifest: Manifest, namespace: str, force: bool = True) -> dict[str, Any]:
        """Server-side apply, or creation where the manifest has generateName; unknown fields are refused."""
        kind, metadata = manifest["kind"], manifest["metadata"]
        name = metadata.get("name")
        about = f"{kind} {name or metadata.get('generateName')}"
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        if name is None:
            return self.json("POST", path_of(kind, namespace), about=about, query=query, body=manifest)
        return self.json(
            "PATCH",
            path_of(kind, namespace, name),
            about=about,
            query={**query, "force": "true" if force else "false"},
            body=manifest,
            content_type="application/apply-patch+yaml",
        )

    def patch(self, kind: str, name: str, namespace: str, body: Manifest) -> dict[str, Any]:
        """JSON merge patch."""
        return self.json(
            "PATCH",
            path_of(kind, namespace, name),
            about=f"{kind} {namespace}/{name}",
            query={"fieldManager": FIELD_MANAGER},
            body=body,
            content_type="application/merge-patch+json",
        )

    def delete(self, kind: str, name: str, namespace: str) -> None:
        """Deletes an object; what it owns goes with it in the background."""
        self.call(
            "DELETE",
            path_of(kind, namespace, name),
            about=f"{kind} {namespace}/{name}",
            query={"propagationPolicy": "Background"},
        )

    def may(self, verb: str, resource: str, namespace: str | None, group: str = "") -> bool:
        """Whether the user has that right."""
        attributes = {"verb": verb, "resource": resource, "group": group}
        if namespace:
            attributes["namespace"] = namespace
        answer = self.json(
            "POST",
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            about="your rights",
            body={
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SelfSubjectAccessReview",
                "spec": {"resourceAttributes": attributes},
            },
        )
        return bool((answer.get("status") or {}).get("allowed"))

    def forward(self, namespace: str, pod: str, port: int, request: bytes, timeout: float = TIMEOUT) -> bytes:
        """Sends bytes to a pod's port through a port-forward and reads until it closes. Raises ApiError."""
        from kubernetes import client
        from kubernetes.stream import portforward

        core, about = client.CoreV1Api(self._client), f"port-forward to {namespace}/{pod}"
        received = bytearray()
        try:
            forwarded = portforward(core.connect_get_namespaced_pod_portforward, pod, namespace, ports=str(port))
            with contextlib.closing(forwarded.socket(port)) as connection:
                connection.setblocking(True)
                connection.settimeout(timeout)
                connection.sendall(request)
                while chunk := connection.recv(65536):
                    received += chunk
        except Exception as error:  # the library raises whatever its websocket does
            raise ApiError(f"{about}: {' '.join(str(error).split()) or type(error).__name__}") from error
        if not received and (failed := forwarded.error(port)):
            raise ApiError(f"{about}: {failed}")
        return bytes(received)


def connect(kubeconfig: str | None, context: str | None) -> Cluster:
    """The cluster of the kubeconfig's context, or the one this process runs in. Raises CliError."""
    import urllib3
    from kubernetes import client, config
    from kubernetes.config.config_exception import ConfigException

    # The kubeconfig says insecure-skip-tls-verify; a warning at every request helps nobody.
    urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    configuration = client.Configuration()
    configuration.retries = False
    try:
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=kubeconfig, context=context, client_configuration=configuration, persist_config=False
        )
        namespace = _namespace_of(config, kubeconfig, context)
    except ConfigException as error:
        if kubeconfig or context or not _in_cluster(config, configuration):
            text = str(error).rstrip(".")
            raise CliError(f"no cluster to talk to: {text}; set KUBECONFIG, or --kubeconfig and --context") from error
        namespace = _own_namespace()
    except (OSError, ValueError) as error:
        raise CliError(f"the kubeconfig cannot be read: {error}") from error
    return Cluster(client.ApiClient(configuration), namespace)


def _namespace_of(config: Any, kubeconfig: str | None, context: str | None) -> str:
    contexts, active = config.list_kube_config_contexts(config_file=kubeconfig)
    chosen = next((c for c in contexts if c["name"] == context), active) if context else active
    return str(chosen.get("context", {}).get("namespace") or "default")


def _in_cluster(config: Any, configuration: Any) -> bool:
    from kubernetes.config.config_exception import ConfigException

    try:
        config.load_incluster_config(client_configuration=configuration)
    except ConfigException:
        return False
    return True


def _own_namespace() -> str:
    try:
        with open("/var/run/secrets/kubernetes.io/serviceaccount/namespace") as file:
            return file.read().strip()
    except OSError:
        return "default"
