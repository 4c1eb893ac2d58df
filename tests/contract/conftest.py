"""What several contract tests need."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Iterator

import pytest

from contract.fleetlab import engine
from contract.fleetlab.upstream import Upstream


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The engine."""
    if shutil.which("go") is None:
        pytest.skip("needs Go")
    return engine.build(tmp_path_factory.mktemp("engine"))


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """An LLM API."""
    with Upstream() as server:
        yield server
