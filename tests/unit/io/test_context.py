"""The operator's key, and what is remembered of a run."""

from __future__ import annotations

import json
import pathlib

import pytest

from gatebench.io import context
from gatebench.plan import children
from unit.io import samples
from unit.io.fakekube import KEY, SETTINGS, world


async def test_a_short_key_is_refused(tmp_path: pathlib.Path) -> None:
    (tmp_path / "key").write_text("short\n")
    settings = SETTINGS.model_copy(update={"key_file": str(tmp_path / "key")})
    with pytest.raises(ValueError, match="at least 16 bytes"):
        await context.open_context(settings, "gatebench-system", "0.1.0")


async def test_the_context_opens_with_a_kubeconfig(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_bytes(KEY + b"\n")
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "users": [{"name": "u", "user": {"token": "t"}}],
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "kubeconfig"))
    settings = SETTINGS.model_copy(update={"key_file": str(tmp_path / "key")})
    opened = await context.open_context(settings, "gatebench-system", "0.1.0")
    assert opened.key == KEY
    assert opened.prometheus is None
    await opened.close()


async def test_the_token_is_derived_from_the_runs_uid() -> None:
    async with world() as w:
        assert w.context.token(samples.UID) == children.token(samples.UID, KEY)
        assert w.context.token("another") != w.context.token(samples.UID)
