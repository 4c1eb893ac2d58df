"""Makes the command line once, as a process does, and not for each of its calls."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from typer import testing


@pytest.fixture(scope="session", autouse=True)
def _made_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "_get_command", functools.cache(testing._get_command))
        yield
