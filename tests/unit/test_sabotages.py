"""Every reason of Valid is produced by hand on the cluster: a test there names it, or why none can stands here."""

from __future__ import annotations

import ast
import functools
import inspect
import pathlib
import re

import pytest

from gatebench.api import reasons
from gatebench.api.reasons import Reason
from gatebench_analysis import remarks, remedies

CLUSTER = pathlib.Path(__file__).parents[1] / "cluster"
NO_CAUSE = {"Measured": "it is what Valid says of a run that nothing was done to"}
NOT_PRODUCED = {"Swapped": "the machine of the cluster would need swap; the probe's account of it has its own tests"}
WARNINGS = ("ThinkTimeBound",)


def _of_valid() -> set[str]:
    """The section of Valid among the reasons, and all else that speaks against a measurement."""
    section = inspect.getsource(reasons).partition("    # Valid\n")[2].partition("\n\n")[0]
    assert section
    return {Reason[name].value for name in re.findall(r"^    (\w+) = ", section, re.M)} | set(remedies.REMEDIES)


@functools.cache
def _named() -> set[str]:
    """The words that the cluster's tests name, each by itself."""
    trees = [ast.parse(path.read_text()) for path in sorted(CLUSTER.glob("test_*.py"))]
    functions = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    constants = (node for function in functions for node in ast.walk(function) if isinstance(node, ast.Constant))
    return {node.value for node in constants if isinstance(node.value, str)}


@pytest.mark.parametrize("reason", sorted((_of_valid() | set(WARNINGS)) - set(NO_CAUSE) - set(NOT_PRODUCED)))
def test_a_test_on_the_cluster_produces(reason: str) -> None:
    assert reason in _named(), f"no test of tests/cluster names {reason}: produce it there, or say here why not"


def test_what_is_left_out_is_a_reason_that_no_test_names() -> None:
    assert set(NO_CAUSE) | set(NOT_PRODUCED) <= _of_valid()
    assert not set(NOT_PRODUCED) & _named()


def test_the_warnings_are_those_that_have_a_word_for_machines() -> None:
    assert sorted(WARNINGS) == sorted(set(re.findall(r'"([A-Z][a-z]+[A-Z]\w+): ', inspect.getsource(remarks))))
