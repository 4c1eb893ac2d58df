from __future__ import annotations

from collections.abc import Callable

import pytest

from gatebench.cli import follow, view
from gatebench.cli.errors import ApiError, CliError
from unit.cli import statuses


class Time:
    """A clock that goes on only when someone sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def reader(*answers: object) -> Callable[[], view.View | None]:
    left = list(answers)

    def read() -> view.View | None:
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return None
        status, uid = answer if isinstance(answer, tuple) else (answer, "u")
        return view.of({"metadata": {"name": "demo", "uid": uid}, "status": status})

    return read


def go(read: Callable[[], view.View | None], timeout: float | None = None) -> tuple[view.View, list[str]]:
    clock, lines = Time(), []
    screen = follow.Lines(lines.append, clock=clock, stamp=lambda: f"{clock.now - 100:.0f}")
    done = follow.follow(read, screen, name="demo", timeout=timeout, clock=clock, sleep=clock.sleep)
    return done, lines


def test_follows_to_the_end_with_a_line_for_each_change_and_every_ten_seconds_of_load() -> None:
    load = [statuses.measuring(float(second)) for second in range(25)]
    done, lines = go(reader({}, statuses.starting(), *load, statuses.passed()))
    assert done.exit_code == 0
    loaded = [line for line in lines if "requests/s" in line]
    assert [line.split()[0] for line in loaded] == ["2", "12", "22"]
    assert lines[0] == "0  step Pending"
    assert lines[-1] == "27  Complete=True Finished"
    assert len(lines) == len(set(lines))


def test_a_run_that_is_complete_already_ends_at_once() -> None:
    done, _ = go(reader(statuses.failed()))
    assert done.exit_code == 1


def test_timeout_names_the_step_and_how_to_go_on() -> None:
    with pytest.raises(CliError, match=r"not complete after 1m00s \(step Starting\).*gatebench wait demo"):
        go(reader(statuses.starting()), timeout=60)


@pytest.mark.parametrize("gone", [None, (statuses.starting(), "another-uid")])
def test_a_run_that_is_deleted_or_replaced_is_not_followed(gone: object) -> None:
    with pytest.raises(CliError, match="was deleted"):
        go(reader(statuses.starting(), gone))


def test_an_api_server_that_comes_back_is_forgiven() -> None:
    trouble = [ApiError("cannot reach the API server"), ApiError("x", 503), ApiError("x", 429)]
    done, lines = go(reader(statuses.starting(), *trouble, statuses.passed()))
    assert done.complete
    assert sum("trying again" in line for line in lines) == 1


def test_an_api_server_that_stays_away_is_not_waited_for() -> None:
    with pytest.raises(ApiError, match="cannot reach"):
        go(reader(statuses.starting(), ApiError("cannot reach the API server")))


def test_a_refusal_ends_it_at_once() -> None:
    with pytest.raises(ApiError, match="may not"):
        go(reader(ApiError("you may not", 403)))
