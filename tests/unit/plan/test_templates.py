"""Places in bodies: what the engine can fill is taken, and what it cannot is named."""

from __future__ import annotations

import pytest

from gatebench.plan import templates
from gatebench.plan.templates import Wrong

GOOD = [
    "",
    "no place, { } } }}",
    '{"a": "{{prompt 500}} {{sequence}}"}',
    '{"a": "{{choice \\"x\\" \\"y }} z\\"}}"}',
    '{"n": {{sequence}}, "t": "{{choice "a" "b\\"c" }}"}',
    "{{ dataset }}{{env TENANT}}",
    '{"{{env TENANT}}": [{"b": "{{dataset}}"}]}',
]
BAD = [
    ("{{prompt}}", "is written {{prompt N}}"),
    ("{{prompt 0}}", "from 1 to 200,000"),
    ("{{prompt 200001}}", "from 1 to 200,000"),
    ("{{prompt -5}}", "from 1 to 200,000"),
    ('{{prompt "5"}}', "is written {{prompt N}}"),
    ("{{choice}}", 'is written {{choice "a" "b"}}'),
    ("{{choice a b}}", 'is written {{choice "a" "b"}}'),
    ("{{sequence 1}}", "is written {{sequence}}"),
    ("{{dataset x}}", "is written {{dataset}}"),
    ("{{env}}", "is written {{env NAME}}"),
    ("{{env OTHER}}", "load.env has no variable"),
    ("{{now}}", "there is only prompt"),
    ("{{}}", "needs prompt"),
    ("{{sequence", "is not closed"),
    ('{{choice "a}}', "is not closed"),
    ("{{sequence} }", "is not closed"),
    ('{"a": [{"b": "x {{now}}"}]}', "there is only prompt"),
    ('{"{{now}}": 1}', "there is only prompt"),
]


@pytest.mark.parametrize("body", GOOD)
def test_what_can_be_filled(body: str) -> None:
    templates.check(body, {"TENANT"}, dataset=True)


@pytest.mark.parametrize(("body", "words"), BAD)
def test_what_cannot(body: str, words: str) -> None:
    with pytest.raises(Wrong, match=words.replace("{", r"\{").replace("}", r"\}")):
        templates.check(body, {"TENANT"}, dataset=True)


def test_a_dataset_has_to_be_there() -> None:
    with pytest.raises(Wrong, match=r"workload\.dataset is not set"):
        templates.check("{{dataset}}", (), dataset=False)


@pytest.mark.parametrize(
    ("body", "used"),
    [("{{ dataset }}", True), ('{"a": "{{dataset}}"}', True), ("dataset", False), ("{{prompt 3}}", False)],
)
def test_whether_a_dataset_is_used(body: str, used: bool) -> None:
    assert templates.uses_dataset(body) is used
