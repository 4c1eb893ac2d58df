"""The engine before a gateway with a certificate of an authority of its own, as a worker and by itself."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Iterator

import pytest

from contract.fleetlab.alone import Engine
from contract.fleetlab.engine import EngineFleet, plan
from contract.fleetlab.reading import errors, exact, total
from contract.fleetlab.secure import Secure
from gatebench_analysis import measured

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificates with openssl")


@pytest.fixture
def secure(binary: pathlib.Path, tmp_path: pathlib.Path) -> Iterator[Secure]:
    with Secure(tmp_path / "secure") as server:
        yield server


@pytest.mark.parametrize(("http2", "protocol"), [(False, "HTTP/1.1"), (True, "HTTP/2.0")])
def test_workers_trust_the_authority_of_the_plan(
    tmp_path: pathlib.Path, binary: pathlib.Path, secure: Secure, http2: bool, protocol: str
) -> None:
    with EngineFleet(binary, tmp_path, plan(secure.url, caFile=str(secure.ca), http2=http2)) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result()
    exact(result, secure.counts()[protocol])
    assert secure.counts().keys() == {protocol}
    assert total(result) == total(result, outcome="success") > 100


def test_workers_trust_nobody_else(tmp_path: pathlib.Path, binary: pathlib.Path, secure: Secure) -> None:
    with EngineFleet(binary, tmp_path, plan(secure.url)) as fleet:
        fleet.start()
        fleet.begin()
        result = fleet.result()
    assert secure.counts() == {}
    assert errors(result) == {("chat", "tls"): total(result)}
    assert total(result) > 0


def test_by_itself_it_trusts_the_authority_of_the_flag(
    tmp_path: pathlib.Path, binary: pathlib.Path, secure: Secure
) -> None:
    engine = Engine(binary, tmp_path)
    load = ("-url", f"{secure.url}/v1/chat/completions", "-c", "2", "-duration", "1")
    _, refused = engine.result(*load, code=1)
    assert {error.kind for error in refused.load.errors} == {"tls"}
    assert secure.counts() == {}
    answered = 0
    for flags, protocol in (((), "HTTP/1.1"), (("-http2",), "HTTP/2.0")):
        _, result = engine.result(*load, "-ca", str(secure.ca), *flags)
        assert result.load.errors == []
        assert secure.counts()[protocol] == sum(row.count or 0 for row in result.load.requests) > 0
        answered += measured.Account(result.load).window().total()
    assert sum(secure.counts().values()) >= answered > 0
    _, complaints = engine.run(*load, "-ca", "none.pem", code=3)
    assert "caFile: open none.pem: no such file" in complaints
