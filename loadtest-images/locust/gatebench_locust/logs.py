"""Short lines on stdout, secrets masked; and the last words of a process that cannot go on."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable

SCRIPT_INVALID = "ScriptInvalid"
SCRIPT_EXIT = 3
_TAIL_BYTES = 1024


class _Masked(logging.Formatter):
    def __init__(self, mask: Callable[[str], str]) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self.converter = time.gmtime
        self._mask = mask

    def format(self, record: logging.LogRecord) -> str:
        return self._mask(super().format(record))


class LastError(logging.Handler):
    """Remembers the last error, which is all that Locust tells of an exception in a listener."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


def set_up(mask: Callable[[str], str]) -> LastError:
    """Once, before anything is logged."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Masked(mask))
    last = LastError()
    logging.basicConfig(level=logging.INFO, handlers=[handler, last], force=True)
    # Locust's tables at the end: whoever wants them has the result.
    logging.getLogger("locust.stats_logger").setLevel(logging.WARNING)
    return last


def last_words(path: str, reason: str, text: str, mask: Callable[[str], str]) -> None:
    """Leaves {"reason", "message"} where Kubernetes looks for it; the end of the text, at most 1 KiB."""
    message = mask(text).encode()[-_TAIL_BYTES:].decode("utf-8", "ignore")
    try:
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"reason": reason, "message": message}, file)
    except OSError as error:
        logging.getLogger(__name__).warning("no termination log: %s", error)
