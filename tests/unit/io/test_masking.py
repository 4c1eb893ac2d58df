"""Credentials do not stay in what is kept."""

from __future__ import annotations

import gzip

import pytest

from gatebench.io import artifacts
from gatebench.io.masking import mask
from unit.io import samples

pytestmark = pytest.mark.slow


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer hunter2secret",
        "authorization=Basic aHVudGVyMg==hunter2secret",
        '{"Authorization": "Bearer hunter2secret"}',
        "{'api_key': 'hunter2secret'}",
        "OPENAI_API_KEY=hunter2secret",
        "x-api-key: hunter2secret",
        "LITELLM_MASTER_KEY=hunter2secret other",
        "using key sk-hunter2secret now",
        "key sk-ant-api03-hunter2secret-x",
        "gateway --master-key hunter2secret --port 1",
        "postgres://user:hunter2secret@db/litellm",
        "redis://:hunter2secret@cache:6379",
        "https://token:hunter2secret@example/v1?x=1",
        "GET /v1?token=hunter2secret&x=1",
        '"password" : "hunter2secret with blanks"',
        "password: 'hunter2secret, with a comma'",
        "Set-Cookie: hunter2secret",
        "jwt eyJhbGciOi.hunter2secret.sig",
        "client_secret=hunter2secret",
    ],
)
def test_credentials_are_masked(text: str) -> None:
    assert "hunter2secret" not in mask(text)
    assert "***" in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "INFO started on http://0.0.0.0:4000/v1 in 7.2 s",
        "usage: prompt_tokens: 100, completion_tokens=128",
        '{"tokens_per_second": 100, "latency": "50ms"}',
        "2027-01-15T08:00:00Z GET /health 200",
        "skipped the sk- prefix",
        "user@example wrote: hello",
    ],
)
def test_plain_lines_stay_as_they_are(text: str) -> None:
    assert mask(text) == text


def test_known_values_are_masked_wherever_they_stand() -> None:
    assert mask("<abcdef>", ["abcdef", ""]) == "<***>"


@pytest.mark.parametrize("text", ["a-" * 40_000, "token=" * 20_000, "eyJaaaaa-" * 9_000, "a://" * 20_000])
def test_text_made_to_keep_it_busy_does_not(text: str) -> None:
    # Without bounds in the patterns each of these takes minutes.
    assert len(mask(text)) <= len(text) * 2


def test_of_each_log_the_end_is_kept() -> None:
    texts = {"a.log.gz": "start\n" + "x\n" * 100_000 + "end\n", "b.log.gz": "short password=abc\n"}
    packed = artifacts.fit_logs(texts, [])
    a, b = (gzip.decompress(packed[key]) for key in texts)
    assert len(a) == artifacts.LOG_BYTES
    assert a.endswith(b"x\nend\n")
    assert b == b"short password=***\n"


def test_logs_that_do_not_fit_are_kept_shorter() -> None:
    import random

    draw = random.Random(1)
    texts = {f"{i}.log.gz": draw.randbytes(64 * 1024).hex() for i in range(8)}
    packed = artifacts.fit_logs(texts, [], limit=100_000)
    assert sum(map(len, packed.values())) <= 100_000
    assert all(len(gzip.decompress(content)) >= 8_000 for content in packed.values())


def test_what_is_kept_is_the_runs_and_stays_as_it_is() -> None:
    run = samples.run()
    kept = artifacts.config_map(run, run.names.logs, "logs", {"a": b"\x00\xff"})
    assert kept["immutable"] is True
    assert kept["metadata"]["labels"]["gatebench.dev/run-uid"] == run.uid
    assert kept["metadata"]["ownerReferences"][0]["controller"] is True
    assert kept["binaryData"] == {"a": "AP8="}
