"""An HTTPS server whose authority only they trust who are told to."""

from __future__ import annotations

import json
import pathlib
import ssl
import subprocess
import time
import urllib.request

from contract.fleetlab import lab

_SOURCE = pathlib.Path(__file__).with_suffix(".go")
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Secure:
    """Speaks HTTP/1.1 and HTTP/2. Use it as a context; `ca` is the file of its authority."""

    def __init__(self, folder: pathlib.Path) -> None:
        folder.mkdir(exist_ok=True)
        self.ca = folder / "ca.pem"
        _openssl(folder, "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "basicConstraints=critical,CA:false")
        name = ("-subj", "/CN=server", "-addext", "subjectAltName=IP:127.0.0.1")
        _openssl(folder, *signed, *name, "-keyout", "server.key", "-out", "server.pem")
        program = folder / "secure"
        subprocess.run(["go", "build", "-o", program, _SOURCE], check=True, cwd=folder)
        address = f"127.0.0.1:{lab.free_port()}"
        self.url = f"https://{address}"
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=self.ca)),
        )
        self._process = subprocess.Popen([program, address, "server.pem", "server.key"], cwd=folder)

    def __enter__(self) -> Secure:
        deadline = time.monotonic() + 30
        while True:
            try:
                self.counts()
                return self
            except OSError:
                assert self._process.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.02)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)

    def counts(self) -> dict[str, int]:
        """How many requests it has answered, by protocol."""
        with self._opener.open(f"{self.url}/counts", timeout=5) as answer:
            return dict(json.load(answer))


def _openssl(folder: pathlib.Path, *arguments: str) -> None:
    subprocess.run(["openssl", "req", "-x509", *_KEY, *arguments], check=True, cwd=folder, capture_output=True)
