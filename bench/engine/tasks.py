"""What runs on this machine, as /proc has it."""

from __future__ import annotations

import pathlib


def processes() -> list[pathlib.Path]:
    """The folders of all processes."""
    return [path for path in pathlib.Path("/proc").iterdir() if path.name.isdigit()]


def tasks_of(process: pathlib.Path) -> list[pathlib.Path]:
    """The folders of its tasks; none: it has ended."""
    try:
        return list((process / "task").iterdir())
    except OSError:
        return []
