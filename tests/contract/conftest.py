"""What several contract tests need."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Iterator

import pytest

from contract.fleetlab import alone, engine
from contract.fleetlab.upstream import Upstream


@pytest.fixture(scope="session")
def binary(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The engine."""
    if shutil.which("go") is None:
        pytest.skip("needs Go")
    return engine.build(tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def mock_binary(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The mock, which forwards too."""
    if shutil.which("go") is None:
        pytest.skip("needs Go")
    return alone.build_mock(tmp_path_factory.mktemp("mock"))


@pytest.fixture
def serve(mock_binary: pathlib.Path) -> Iterator[alone.Serve]:
    """Starts a mock, or a gateway that forwards to one."""
    begun: list[alone.Mock] = []

    def start(*flags: str) -> alone.Mock:
        begun.append(alone.Mock(mock_binary, *flags))
        return begun[-1]

    yield start
    for one in begun:
        one.process.kill()
        one.process.wait(10)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """An LLM API."""
    with Upstream() as server:
        yield server
