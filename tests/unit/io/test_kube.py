"""The API server's client: errors, retries, paging, bounds, tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gatebench.io import errors, kube
from unit.io import samples
from unit.io.fakekube import Refusal, World, world

CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "bench"}}


@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (400, "BadRequest", errors.Invalid),
        (403, "Forbidden", errors.Forbidden),
        (404, "NotFound", errors.NotFound),
        (409, "AlreadyExists", errors.AlreadyExists),
        (409, "Conflict", errors.Conflict),
        (413, "RequestEntityTooLarge", errors.Invalid),
        (422, "Invalid", errors.Invalid),
    ],
)
async def test_refusals_have_a_type_and_are_not_asked_again(
    status: int, reason: str, kind: type[errors.ApiError]
) -> None:
    async with world() as w:
        w.api.refusals["POST", "configmaps"] = Refusal(status, reason, "because")
        with pytest.raises(errors.ApiError) as caught:
            await w.context.kube.create(CONFIG)
        assert type(caught.value) is kind
        assert (caught.value.status, caught.value.reason) == (status, reason)
        assert str(caught.value) == "create configmaps bench/c: because"
        assert len(w.api.requests) == 1


@pytest.mark.fault(26)
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_what_may_work_later_is_asked_again_with_growing_pauses(status: int) -> None:
    async with world() as w:
        w.api.put(CONFIG)
        w.api.refusals["GET", "configmaps"] = Refusal(status, times=3)
        found = await w.context.kube.get("ConfigMap", "bench", "c")
        assert found["metadata"]["name"] == "c"
        assert w.clock.pauses == pytest.approx([0.2, 0.4, 0.8])


@pytest.mark.fault(26)
async def test_retry_after_is_honoured() -> None:
    async with world() as w:
        w.api.put(CONFIG)
        w.api.refusals["GET", "configmaps"] = Refusal(429, headers={"Retry-After": "2"}, times=1)
        await w.context.kube.get("ConfigMap", "bench", "c")
        assert w.clock.pauses == [2.0]


@pytest.mark.fault(26)
async def test_asking_again_is_bounded() -> None:
    async with world() as w:
        w.api.refusals["GET", "configmaps"] = Refusal(500, "InternalError", "etcd is away")
        with pytest.raises(errors.Unavailable, match="etcd is away"):
            await w.context.kube.get("ConfigMap", "bench", "c")
        assert w.clock.now <= kube.RETRY_SECONDS


@pytest.mark.fault(26)
async def test_a_long_retry_after_keeps_later_calls_away_for_a_bounded_time() -> None:
    async with world() as w:
        w.api.put(CONFIG)
        w.api.refusals["GET", "configmaps"] = Refusal(503, headers={"Retry-After": "600"}, times=1)
        with pytest.raises(errors.Unavailable):
            await w.context.kube.get("ConfigMap", "bench", "c")
        with pytest.raises(errors.Unavailable, match="left alone for 30 s"):
            await w.context.kube.get("ConfigMap", "bench", "c")
        assert len(w.api.requests) == 1
        w.clock.now += kube.QUIET_SECONDS
        assert await w.context.kube.get("ConfigMap", "bench", "c")


async def test_no_api_server_is_an_error_of_this_room() -> None:
    async with world() as w:
        w.context.kube._configuration.host = "http://127.0.0.1:1"
        with pytest.raises(errors.Unavailable, match="cannot be reached"):
            await w.context.kube.get("ConfigMap", "bench", "c")


async def test_an_answer_that_is_not_json_is_an_error_of_this_room() -> None:
    async with world() as w:
        w.api.refusals["GET", "configmaps"] = Refusal(200, raw=b"<html>")
        with pytest.raises(errors.Unavailable, match="not JSON"):
            await w.context.kube.get("ConfigMap", "bench", "c")


async def test_an_answer_without_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube, "MAX_BYTES", 2**20)
    async with world() as w:
        w.api.refusals["GET", "configmaps"] = Refusal(200, raw=b"x" * (2**20 + 1))
        with pytest.raises(errors.ApiError, match="larger than 1 MiB"):
            await w.context.kube.get("ConfigMap", "bench", "c")


async def test_lists_are_read_page_by_page_and_by_label() -> None:
    async with world() as w:
        for index in range(5):
            w.api.put(samples.child("ConfigMap", f"c{index}"))
        w.api.put(samples.foreign("ConfigMap", "other"))
        w.api.page_size = 2
        found = await w.context.kube.list_all("ConfigMap", "bench", selector=f"gatebench.dev/run-uid={samples.UID}")
        assert [o["metadata"]["name"] for o in found] == ["c0", "c1", "c2", "c3", "c4"]
        assert len(w.api.requests) == 3


async def test_a_list_whose_continuation_expired_is_read_anew() -> None:
    async with world() as w:
        w.api.put(samples.foreign("ConfigMap", "c"))
        w.api.refusals["GET", "configmaps"] = Refusal(410, "Expired", "too old", times=1)
        assert len(await w.context.kube.list_all("ConfigMap", "bench")) == 1


async def test_metadata_alone_leaves_the_data_out() -> None:
    async with world() as w:
        w.api.put({**CONFIG, "data": {"big": "x"}})
        assert "data" not in (await w.context.kube.list_all("ConfigMap", "bench", metadata_only=True))[0]


async def test_a_delete_names_the_uid() -> None:
    async with world() as w:
        stored = w.api.put(CONFIG)
        with pytest.raises(errors.Conflict):
            await w.context.kube.delete("ConfigMap", "bench", "c", uid="another")
        assert w.api.get("ConfigMap", "bench", "c") is not None
        await w.context.kube.delete("ConfigMap", "bench", "c", uid=stored["metadata"]["uid"])
        assert w.api.get("ConfigMap", "bench", "c") is None


async def test_a_replace_needs_the_version_that_was_read() -> None:
    async with world() as w:
        stored = w.api.put(CONFIG)
        w.api.put(CONFIG)
        with pytest.raises(errors.Conflict):
            await w.context.kube.replace(stored)


async def test_a_rotated_token_is_used() -> None:
    async with world() as w:
        w.api.put(CONFIG)
        tokens = iter(["bearer one", "bearer two"])

        def rotate(configuration: Any) -> None:
            configuration.api_key["BearerToken"] = next(tokens)

        w.context.kube._configuration.refresh_api_key_hook = rotate
        for _ in range(2):
            await w.context.kube.get("ConfigMap", "bench", "c")
        assert [r.headers["Authorization"] for r in w.api.requests] == ["bearer one", "bearer two"]


@pytest.mark.parametrize(
    ("call", "verb"),
    [
        (lambda w: w.context.kube.get("Node", None, "n"), "get nodes n"),
        (lambda w: w.context.kube.list_all("Pod", "bench"), "list pods in bench"),
        (lambda w: w.context.kube.list_all("Pod", None), "list pods"),
        (lambda w: w.context.kube.delete("Pod", "bench", "p", uid="u"), "delete pods bench/p"),
        (
            lambda w: w.context.kube.patch("BenchmarkRun", "bench", "r", {}, subresource="status"),
            "patch benchmarkruns bench/r (status)",
        ),
    ],
)
@pytest.mark.fault(27)
async def test_a_missing_right_is_named_by_verb_and_resource(call: Callable[[World], Any], verb: str) -> None:
    async with world() as w:
        for method in ("GET", "DELETE", "PATCH"):
            for plural in ("nodes", "pods", "benchmarkruns"):
                w.api.refusals[method, plural] = Refusal(403, "Forbidden", "no")
        with pytest.raises(errors.Forbidden) as caught:
            await call(w)
        assert str(caught.value) == f"{verb}: no"
