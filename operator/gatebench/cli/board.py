"""The progress display on a terminal: steps, conditions, the load's progress and its live figures."""

from __future__ import annotations

from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gatebench.cli import figures, render
from gatebench.cli.view import View

STEPS = (
    "Pending", "Queued", "Starting", "Isolating", "Joining", "WarmUp", "Measuring", "Draining", "Collecting",
    "Judging", "CleaningUp", "Done",
)  # fmt: skip
_BETWEEN = {"Pausing": "Measuring", "Restarting": "Measuring"}  # two repeats
SHOWN = ("Accepted", "GatewayReady", "Isolated", "FleetReady", "Valid", "Passed")
_STYLES = {"True": ("+", "green"), "False": ("x", "bold red"), "Unknown": (".", "dim")}


def draw(view: View) -> RenderableType:
    """The whole display for one state of the run."""
    parts: list[RenderableType] = [_title(view), _conditions(view)]
    progress = view.part("progress")
    if render.is_loaded(view) and progress.get("elapsedSeconds") is not None:
        parts.append(_load(view))
    elif progress.get("workersExpected") and view.step == "Joining":
        parts.append(Text(f"workers {progress.get('workersSeen') or 0} of {progress['workersExpected']}"))
    return Group(*parts)


def _title(view: View) -> Text:
    title = Text(f"{view.namespace}/{view.name}  ", style="bold")
    step_now = _BETWEEN.get(view.step, view.step)
    known = step_now if step_now in STEPS else None
    for step in STEPS:
        if step == known:
            title.append(step + " ", style="bold cyan")
        elif known and STEPS.index(step) < STEPS.index(known):
            title.append("* ", style="green")
    if known is None:
        title.append(view.step, style="bold cyan")
    return title


def _conditions(view: View) -> Table:
    table = Table.grid(padding=(0, 1))
    for kind in SHOWN:
        condition = view.conditions.get(kind)
        mark, style = _STYLES.get(condition.status if condition else "Unknown", (".", "dim"))
        message = " ".join(condition.message.split()) if condition else ""
        reason = condition.reason if condition else ""
        table.add_row(Text(mark, style), Text(kind), Text(reason, style), Text(message, "dim", overflow="fold"))
    return table


def _load(view: View) -> RenderableType:
    progress, live = view.part("progress"), view.part("live")
    elapsed, total = float(progress["elapsedSeconds"]), progress.get("totalSeconds")
    bar = Table.grid(padding=(0, 1))
    span = f"{figures.duration(elapsed)} of {figures.duration(total)}"
    bar.add_row(
        Text(f"{progress.get('stage') or view.step}{render.repeat(progress)}", "bold"),
        ProgressBar(total=float(total) if total else None, completed=min(elapsed, float(total or elapsed)), width=30),
        Text(span),
    )
    return Group(bar, Text("   ".join(render.live_figures(live))))


class Board:
    """A live display that is gone when it is closed."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, transient=True, refresh_per_second=4)
        self._live.start()

    def show(self, view: View) -> None:
        self._live.update(draw(view))

    def note(self, text: str) -> None:
        self._live.console.print(Text(text, "yellow"))

    def close(self) -> None:
        self._live.stop()


_WORDS: dict[str, str] = {
    "PASSED": "bold green", "Good": "green", "Pass": "green",
    "FAILED": "bold red", "Fail": "bold red", "INVALID": "bold white on red", "REFUSED": "bold red",
    "UNDECIDED": "bold yellow", "NOT VALID": "bold yellow", "NOT MEASURED": "bold yellow",
    "Warn": "yellow", "Unknown": "yellow",
    "NotApplicable": "dim",
}  # fmt: skip


def styled(line: str) -> Text:
    """A line of the verdict with its outcome in colour: a headline's last words, or an objective's first."""
    text = Text(line)
    for word, style in _WORDS.items():
        if line.endswith(f": {word}"):
            text.stylize(style, len(line) - len(word))
        elif line.startswith(f"  {word} "):
            text.stylize(style, 2, 2 + len(word))
    return text


def console(stderr: bool = False) -> Any:
    """A console that neither wraps nor guesses at markup."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)
