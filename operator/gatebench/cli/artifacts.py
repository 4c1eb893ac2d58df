"""What a run left, as files: the result document, Locust's own report and CSVs, and the containers' logs."""

from __future__ import annotations

import base64
import pathlib
import zlib
from collections.abc import Mapping
from typing import Any

from gatebench.api import NOTE_KEY, RESULT_KEY
from gatebench.cli.errors import CliError

TOGETHER = ("result", "report")
"""What lies in the directory itself; all else has one of its own in it."""
_LIMIT = 64 * 1024 * 1024


def result(config_map: Mapping[str, Any]) -> bytes:
    """The compressed result document of its ConfigMap. Raises CliError where it is not there."""
    encoded = (config_map.get("binaryData") or {}).get(RESULT_KEY)
    if not encoded:
        name = (config_map.get("metadata") or {}).get("name")
        raise CliError(f"ConfigMap {name} has no {RESULT_KEY}: it is not a result of gatebench")
    return base64.b64decode(encoded)


def files(config_map: Mapping[str, Any]) -> dict[str, bytes]:
    """The keys of a ConfigMap as files: what is compressed is unpacked and loses its .gz."""
    out = {key: value.encode() for key, value in (config_map.get("data") or {}).items()}
    for key, value in (config_map.get("binaryData") or {}).items():
        content = base64.b64decode(value)
        if key.endswith(".gz"):
            out[key.removesuffix(".gz")] = unpack(content, key)
        else:
            out[key] = content
    return out


def notes(found: Mapping[str, bytes]) -> list[str]:
    """What the operator says of Locust's reports that it could not keep."""
    return found.get(NOTE_KEY, b"").decode(errors="replace").splitlines()


def unpack(content: bytes, name: str) -> bytes:
    """Unpacks gzip, up to a size that no artifact has. Raises CliError."""
    decoder = zlib.decompressobj(wbits=31)
    try:
        plain = decoder.decompress(content, _LIMIT)
    except zlib.error as error:
        raise CliError(f"{name} is not gzip: {error}") from error
    if decoder.unconsumed_tail or not decoder.eof:
        raise CliError(f"{name} is cut off, or larger than {_LIMIT // 1024 // 1024} MiB")
    return plain


def write(directory: pathlib.Path, found: Mapping[str, bytes]) -> list[pathlib.Path]:
    """Writes the files below `directory`. Raises CliError. ConfigMap keys cannot have slashes."""
    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in sorted(found.items()):
            path = directory / pathlib.PurePath(name).name
            path.write_bytes(content)
            written.append(path)
    except OSError as error:
        raise CliError(f"cannot write to {directory}: {error.strerror or error}") from error
    return written
