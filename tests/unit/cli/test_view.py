from __future__ import annotations

from typing import Any

import pytest

from gatebench.cli import view
from unit.cli import statuses


def of(status: dict[str, Any]) -> view.View:
    return view.of({"metadata": {"name": "demo", "namespace": "default", "uid": "u"}, "status": status})


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (statuses.passed(), 0),
        (statuses.failed(), 1),
        (statuses.invalid(), 2),
        (statuses.undecided(), 2),
        (statuses.gateway_failed(), 2),
        (statuses.refused(), 3),
        (statuses.starting(), None),
        (statuses.measuring(), None),
        ({}, None),
    ],
    ids=[
        "passed",
        "failed",
        "invalid",
        "undecided",
        "gateway-failed",
        "refused",
        "starting",
        "measuring",
        "new",
    ],
)
def test_exit_code(status: dict[str, Any], code: int | None) -> None:
    assert of(status).exit_code == code


@pytest.mark.parametrize("valid", ["False/CoresDisturbed", "Unknown/MetricsUnavailable"])
def test_measurement_that_does_not_hold_outranks_its_verdict(valid: str) -> None:
    given = statuses.conditions(
        Valid=valid, Passed="False/ObjectivesFailed", Succeeded="False/X", Complete="True/Finished"
    )
    assert of({"conditions": given}).exit_code is view.Exit.INVALID


def test_objects_without_status_and_fields_of_a_newer_operator_do_no_harm() -> None:
    assert of({}).step == "Pending"
    assert of({"conditions": [{"type": "New", "status": "True"}], "summary": {"new": {}}}).part("summary", "nope") == {}
    assert of({"summary": None}).part("summary", "gateway") == {}
