"""How hard the properties are tried, and what would cost every unit test time for nothing."""

from __future__ import annotations

import gc
import os

import hypothesis
import pytest

# Properties are checked without a clock: a busy machine is no reason to fail. `make test-unit` tries fewer examples of
# each (--hypothesis-profile=quick); a test that wants more or fewer than others says so as a multiple.
hypothesis.settings.register_profile("full", deadline=None)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=25)
hypothesis.settings.load_profile("full")

# Each client of the API server makes a TLS context; those of the tests speak to 127.0.0.1 in the clear, and need none
# of the machine's certificates.
os.environ["SSL_CERT_FILE"] = os.environ["SSL_CERT_DIR"] = os.devnull


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What the collection made stays: no search for garbage has to go through it."""
    gc.collect()
    gc.freeze()
