"""What becomes of a question when Prometheus is down, slow, broken, too talkative, or someone else."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from gatebench import settings
from gatebench.io import prometheus
from gatebench.io.prometheus import PrometheusClient, Unavailable
from gatebench.measure.answers import Failed, Reply
from gatebench.measure.queries import Query

ONE = Query("one", "up", "instant", at=1000.0)
TWO = Query("two", "down", "range", start=900.0, end=1000.0, step=15.0)
RESULT = [{"metric": {}, "value": [1000.0, "1"]}]
GOOD = json.dumps({"status": "success", "data": {"resultType": "vector", "result": RESULT}}).encode()

Behaviour = Callable[["Handler"], None]


class Handler(http.server.BaseHTTPRequestHandler):
    """Does what the test's behaviour says for each request; remembers what it got."""

    server: Fake
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Authorization", "")))
        with contextlib.suppress(OSError):
            self.server.behaviour(self)

    def answer(self, status: int = 200, body: bytes = GOOD, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body))}.items() | headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


class Fake(http.server.ThreadingHTTPServer):
    """A server that answers as it is told."""

    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour = behaviour
        self.requests: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is what is tested."""


Serve = Callable[[Behaviour], Fake]


@pytest.fixture
def serve() -> Iterator[Serve]:
    running: list[Fake] = []

    def started(behaviour: Behaviour) -> Fake:
        fake = Fake(behaviour)
        threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        running.append(fake)
        return fake

    yield started
    for fake in running:
        fake.shutdown()
        fake.server_close()


def unavailable(answer: object) -> str:
    assert isinstance(answer, Unavailable), answer
    return answer.reason


async def test_the_questions_as_they_go_out(serve: Serve) -> None:
    fake = serve(Handler.answer)
    answers = await PrometheusClient(f"{fake.url}/prom/").ask([ONE, TWO])
    assert answers == {"one": Reply(RESULT), "two": Reply(RESULT)}
    assert fake.requests == [
        ("/prom/api/v1/query?query=up&time=1000.000", ""),
        ("/prom/api/v1/query_range?query=down&start=900&end=1000&step=15", ""),
    ]


@pytest.mark.fault(20)
async def test_down() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    reason = unavailable(await PrometheusClient(url).ask([ONE], deadline=0.3))
    assert reason == f"Prometheus at {url}: the connection is refused"


@pytest.mark.fault(20)
async def test_a_name_that_does_not_resolve() -> None:
    answer = await PrometheusClient("http://prometheus.invalid:9090").ask([ONE], deadline=2.0)
    assert unavailable(answer).startswith("Prometheus at http://prometheus.invalid:9090: ")


@pytest.mark.fault(20)
@pytest.mark.parametrize("status", [500, 503, 429, 408])
async def test_it_is_asked_again(serve: Serve, status: int) -> None:
    def recovers(handler: Handler) -> None:
        if len(handler.server.requests) < 3:
            handler.answer(status, b"no")
        else:
            handler.answer()

    fake = serve(recovers)
    assert await PrometheusClient(fake.url).ask([ONE]) == {"one": Reply(RESULT)}
    assert len(fake.requests) == 3


@pytest.mark.fault(20)
async def test_it_goes_on_failing(serve: Serve) -> None:
    fake = serve(lambda handler: handler.answer(500, b"boom"))
    assert unavailable(await PrometheusClient(fake.url).ask([ONE, TWO], deadline=1.0)).endswith("it answers 500")
    assert 1 < len(fake.requests) < 5


@pytest.mark.fault(26)
async def test_retry_after_is_honoured(serve: Serve) -> None:
    moments: list[float] = []

    def busy(handler: Handler) -> None:
        moments.append(time.monotonic())
        if len(moments) == 1:
            handler.answer(429, b"", Retry_After="1")
        else:
            handler.answer()

    assert await PrometheusClient(serve(busy).url).ask([ONE]) == {"one": Reply(RESULT)}
    assert moments[1] - moments[0] >= 1.0


@pytest.mark.fault(26)
@pytest.mark.parametrize("header", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT"])
async def test_retry_after_does_not_outlast_the_deadline(serve: Serve, header: str) -> None:
    fake = serve(lambda handler: handler.answer(503, b"", Retry_After=header))
    reason = unavailable(await PrometheusClient(fake.url).ask([ONE], deadline=5.0))
    assert "it answers 503; it asks to be left alone for" in reason
    assert len(fake.requests) == 1


@pytest.mark.fault(20)
@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_of_ten_megabytes_is_not_read(serve: Serve, declared: bool) -> None:
    sent = 0

    def floods(handler: Handler) -> None:
        nonlocal sent
        handler.send_response(200)
        if declared:
            handler.send_header("Content-Length", str(1000 * 2**20))
        else:
            handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        block = b" " * 2**16
        for _ in range(16_000):
            handler.wfile.write(block if declared else b"10000\r\n" + block + b"\r\n")
            sent += len(block)

    fake = serve(floods)
    reason = unavailable(await PrometheusClient(fake.url, max_bytes=2**20).ask([ONE]))
    assert reason == f"Prometheus at {fake.url}: the answer is larger than 1 MiB"
    # what was on the way in the sockets' buffers, but not the gigabyte
    assert sent < 32 * 2**20
    assert len(fake.requests) == 1


@pytest.mark.fault(20)
async def test_only_the_query_with_the_large_answer_fails(serve: Serve) -> None:
    def answers(handler: Handler) -> None:
        handler.answer(body=GOOD + (b" " * 2**20 if "down" in handler.path else b""))

    got = await PrometheusClient(serve(answers).url, max_bytes=2**20).ask([ONE, TWO])
    assert got == {"one": Reply(RESULT), "two": Failed("the answer is larger than 1 MiB")}


async def test_a_packed_answer_is_refused(serve: Serve) -> None:
    bomb = gzip.compress(b" " * 2**24)
    fake = serve(lambda handler: handler.answer(body=bomb, Content_Encoding="gzip"))
    assert "packs its answer" in unavailable(await PrometheusClient(fake.url).ask([ONE]))


@pytest.mark.fault(20)
async def test_silence(serve: Serve) -> None:
    over = threading.Event()
    fake = serve(lambda handler: over.wait(20) and None)
    reason = unavailable(await PrometheusClient(fake.url, timeout=0.2).ask([ONE], deadline=1.0))
    over.set()
    assert "does not answer in time" in reason


@pytest.mark.fault(20)
@pytest.mark.parametrize("chunked", [True, False])
async def test_an_answer_that_drips(serve: Serve, chunked: bool) -> None:
    over = threading.Event()

    def drips(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header(*(("Transfer-Encoding", "chunked") if chunked else ("Content-Length", "1000")))
        handler.end_headers()
        while not over.wait(0.05):
            handler.wfile.write(b"1\r\n \r\n" if chunked else b" ")

    before = threading.active_count()
    reason = unavailable(await PrometheusClient(serve(drips).url, timeout=0.3).ask([ONE], deadline=1.0))
    assert "answers too slowly" in reason or "not answer in time" in reason
    over.set()
    assert threading.active_count() < before + 10


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"data": null}',
        b'{"status":"error"}',
        b"\xff\xfe\x00",
        b"[" * 200_000,
    ],
)
async def test_an_answer_that_is_not_prometheus(serve: Serve, body: bytes) -> None:
    fake = serve(lambda handler: handler.answer(body=body))
    assert "not Prometheus' JSON" in unavailable(await PrometheusClient(fake.url).ask([ONE]))


async def test_a_connection_that_breaks(serve: Serve) -> None:
    def breaks(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    reason = unavailable(await PrometheusClient(serve(breaks).url).ask([ONE], deadline=0.5))
    assert "the connection broke" in reason


async def test_redirects_are_not_followed(serve: Serve) -> None:
    elsewhere = serve(Handler.answer)
    for status in (301, 302, 307, 308):
        fake = serve(lambda handler, status=status: handler.answer(status, b"", Location=f"{elsewhere.url}/x"))
        assert "redirects elsewhere" in unavailable(await PrometheusClient(fake.url).ask([ONE]))
    assert elsewhere.requests == []


async def test_a_query_that_prometheus_refuses(serve: Serve) -> None:
    def refuses(handler: Handler) -> None:
        error = json.dumps({"status": "error", "errorType": "bad_data", "error": "parse error: " + "x" * 5000})
        handler.answer(400, error.encode()) if "down" in handler.path else handler.answer()

    fake = serve(refuses)
    answers = await PrometheusClient(fake.url).ask([TWO, ONE])
    assert not isinstance(answers, Unavailable)
    assert answers["one"] == Reply(RESULT)
    failed = answers["two"]
    assert isinstance(failed, Failed)
    assert failed.message.startswith("Prometheus refused the query: parse error")
    assert len(failed.message) < 300
    assert len(fake.requests) == 2


# Credentials


@pytest.mark.parametrize(("status", "words"), [(401, "check the token"), (403, "check the token"), (404, "base URL")])
async def test_a_refusal_is_not_tried_again(serve: Serve, status: int, words: str) -> None:
    fake = serve(lambda handler: handler.answer(status, b"no"))
    assert words in unavailable(await PrometheusClient(fake.url).ask([ONE]))
    assert len(fake.requests) == 1


async def test_the_token_is_read_for_each_use(serve: Serve, tmp_path: pathlib.Path) -> None:
    fake, token = serve(Handler.answer), tmp_path / "token"
    client = PrometheusClient(fake.url, token_file=str(token))
    for text in ("first", "second\n"):
        token.write_text(text)
        assert not isinstance(await client.ask([ONE]), Unavailable)
    assert [sent for _, sent in fake.requests] == ["Bearer first", "Bearer second"]
    token.unlink()
    assert unavailable(await client.ask([ONE])).endswith(f"{token} cannot be read (FileNotFoundError)")


async def test_the_environment_does_not_change_where_it_goes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, fake = serve(Handler.answer), serve(Handler.answer)
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert not isinstance(await PrometheusClient(fake.url).ask([ONE]), Unavailable)
    assert proxy.requests == []


@pytest.mark.fault(39)
async def test_no_message_shows_credentials(serve: Serve, tmp_path: pathlib.Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cr3t-token")
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    port = closed.getsockname()[1]
    closed.close()
    behaviours: list[Behaviour] = [
        lambda handler: handler.answer(500, b"s3cr3t"),
        lambda handler: handler.answer(401, b"s3cr3t"),
        lambda handler: handler.answer(302, b"", Location="http://user:s3cr3t@127.0.0.1/"),
        lambda handler: handler.answer(200, b"s3cr3t"),
        lambda handler: handler.answer(200, b"s3cr3t", Content_Encoding="x"),
    ]
    ports = [serve(behaviour).server_port for behaviour in behaviours]
    token_with_newline = tmp_path / "odd"
    token_with_newline.write_text("s3cr3t\nX-Other: s3cr3t")
    for to in [*ports, port]:
        for file in (token, token_with_newline):
            client = PrometheusClient(f"http://user:s3cr3t@127.0.0.1:{to}/s3cr3t", token_file=str(file))
            reason = unavailable(await client.ask([ONE], deadline=0.2))
            assert "s3cr3t" not in reason
            assert f"127.0.0.1:{to}" in reason


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://[::1", "nonsense", "http://a b/"])
async def test_a_url_that_is_none(url: str) -> None:
    unavailable(await PrometheusClient(url).ask([ONE], deadline=0.5))


# TLS


def certificate(folder: pathlib.Path, name: str) -> pathlib.Path:
    """A self-signed certificate for 127.0.0.1 with its key in one file."""
    made = folder / f"{name}.pem"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{made}.key"]
    subject = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run(["openssl", "req", "-x509", *key, *subject, "-out", made], check=True, capture_output=True)
    return made


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificates with openssl")
async def test_tls_is_verified_with_the_ca_of_the_moment(serve: Serve, tmp_path: pathlib.Path) -> None:
    own, other, ca = certificate(tmp_path, "own"), certificate(tmp_path, "other"), tmp_path / "ca.crt"
    fake = serve(Handler.answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own, f"{own}.key")
    fake.socket = context.wrap_socket(fake.socket, server_side=True)
    url = fake.url.replace("http:", "https:")

    assert "its certificate does not hold" in unavailable(await PrometheusClient(url).ask([ONE]))
    client = PrometheusClient(url, ca_file=str(ca))
    assert "ca.crt cannot be read" in unavailable(await client.ask([ONE]))
    shutil.copy(other, ca)
    assert "its certificate does not hold" in unavailable(await client.ask([ONE]))
    ca.write_text("no certificate")
    assert "its certificate does not hold" in unavailable(await client.ask([ONE]))
    shutil.copy(own, ca)
    assert await client.ask([ONE]) == {"one": Reply(RESULT)}


# The rest


def test_the_client_of_the_settings() -> None:
    assert prometheus.from_settings(settings.Prometheus()) is None
    client = prometheus.from_settings(settings.Prometheus(url="https://me:pw@prom.example/base"))
    assert client is not None
    assert client.where == "https://prom.example"


def test_the_import_brings_no_heavy_libraries() -> None:
    """The operator has 256 MiB: pandas alone would take 45."""
    code = "import sys, gatebench.io.prometheus; print({'pandas', 'numpy', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert done.stdout.strip() == "set()"
