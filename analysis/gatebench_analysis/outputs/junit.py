"""JUnit's XML, as CI systems read it: a test case for each objective, or each compared metric."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from gatebench_analysis import standing
from gatebench_analysis.baseline import Baseline
from gatebench_analysis.contrast import Contrast
from gatebench_analysis.document import ObjectiveOutcome
from gatebench_analysis.inputs import Reading
from gatebench_analysis.outputs import Analyzed, terminal, words
from gatebench_analysis.record import Condition, Delta
from gatebench_analysis.regression import MetricVerdict

# What XML 1.0 cannot hold.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# As the condition Passed says it where runs did not meet them.
_OF_TEMPLATE = "the objectives of the template"
_TALLIES = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def analysis(found: Sequence[Analyzed]) -> str:
    """A suite for each result: whether it holds, then its objectives.

    An objective that fails is a failure; one that cannot be known, unless it is optional, is an error. One that cannot
    apply, and each of a measurement that does not hold, is skipped. References have no part in it. A run's baseline is
    a case of its own. Of a comparison of variants its objectives are cases in the same way.
    """
    return _document([_suite(one.reading) if one.reading.compared is None else _record(one.reading) for one in found])


def comparison(found: Contrast) -> str:
    """One suite with a case for each metric: Regressed is a failure, Inconclusive an error."""
    suite = ElementTree.Element("testsuite", {"name": "compare"})
    for one in found.comparison.metrics:
        _metric(suite, one)
    out = [found.comparison.why, *found.notes]
    ElementTree.SubElement(suite, "system-out").text = _text("\n".join(out))
    return _document([suite])


def _suite(reading: Reading) -> ElementTree.Element:
    result, name = reading.result, _text(reading.figures.name)
    suite = ElementTree.Element("testsuite", {"name": name})
    if result is not None and result.window_seconds is not None:
        suite.set("time", f"{result.window_seconds:.3f}")
    held = _case(suite, name, "the measurement holds")
    if reading.doubt:
        remedy = next((one.remedy for one in result.validity if one.remedy), "") if result is not None else ""
        _tell(held, "error", reading.doubt, remedy)
    for one in result.objectives if result is not None else []:
        _objective(_case(suite, name, f"{one.metric} ({one.stage})" if one.stage else one.metric), one, reading.doubt)
    if result is not None and result.baseline is not None:
        _baseline(_case(suite, name, f"against {result.baseline.source}"), result.baseline, reading.doubt)
    if reading.figures.notes:
        ElementTree.SubElement(suite, "system-out").text = _text("\n".join(reading.figures.notes))
    return suite


def _record(reading: Reading) -> ElementTree.Element:
    """A comparison of variants; its table is the suite's output."""
    found, name = reading.compared, _text(reading.figures.name)
    assert found is not None  # its caller has looked
    suite = ElementTree.Element("testsuite", {"name": name})
    head, known = standing.headline(found, found.status), found.status
    doubt = reading.doubt
    if not doubt and known is not None and known.of("Valid").status != "True":
        doubt = f"{head.message} {head.valid}".strip()
    held = _case(suite, name, "the comparison holds")
    if doubt:
        _tell(held, "error", doubt, "; ".join(one.remedy for one in head.findings if one.remedy))
    for one in found.objectives:
        _delta(_case(suite, name, f"{one.metric} of {one.variant} against {one.reference}"), one, doubt)
    passed = known.of("Passed") if known is not None else Condition()
    if _OF_TEMPLATE in passed.message and not doubt:
        kind = "failure" if passed.status == "False" else "error"
        _tell(_case(suite, name, _OF_TEMPLATE), kind, passed.message)
    out = [*terminal.table(found), *words.record_notes(found)]
    ElementTree.SubElement(suite, "system-out").text = _text("\n".join(out))
    return suite


def _delta(case: ElementTree.Element, one: Delta, doubt: str) -> None:
    seen = f"worse by {words.worse(one)}, at most {one.bound}"
    if doubt:
        _tell(case, "skipped", "the comparison does not hold")
    elif one.outcome == "Pass":
        ElementTree.SubElement(case, "system-out").text = _text(seen)
    else:
        _tell(case, "failure" if one.outcome == "Fail" else "error", one.message or seen, seen)


def _objective(case: ElementTree.Element, one: ObjectiveOutcome, doubt: str) -> None:
    bound = one.bound or ", ".join(f"{key} {text}" for key, text in one.bounds.items())
    seen = f"observed {one.observed}; {bound}" if one.observed else bound
    if doubt:
        _tell(case, "skipped", "the measurement does not hold")
    elif one.outcome == "Fail":
        _tell(case, "failure", one.message or seen, seen)
    elif one.outcome == "Unknown" and not one.optional:
        _tell(case, "error", one.message or "it cannot be known", seen)
    elif one.outcome in ("Unknown", "NotApplicable"):
        _tell(case, "skipped", one.message or one.outcome)
    else:
        note = f"{one.outcome}: {one.message}" if one.message else one.outcome
        ElementTree.SubElement(case, "system-out").text = _text(f"{note}\n{seen}")


def _baseline(case: ElementTree.Element, found: Baseline, doubt: str) -> None:
    """Only what makes the run fail is a failure: a warning, and what cannot be told, is skipped with its words."""
    if doubt:
        _tell(case, "skipped", "the measurement does not hold")
    elif found.verdict == "Regressed" and found.fails:
        _tell(case, "failure", found.why)
    elif found.verdict in ("Regressed", "Inconclusive"):
        _tell(case, "skipped", f"{found.verdict}: {found.why}")
    else:
        ElementTree.SubElement(case, "system-out").text = _text(f"{found.verdict}: {found.why}")


def _metric(suite: ElementTree.Element, one: MetricVerdict) -> None:
    case = _case(suite, "compare", one.metric)
    if one.verdict == "Regressed":
        _tell(case, "failure", one.why, words.change(one))
    elif one.verdict == "Inconclusive":
        _tell(case, "error", one.why, words.change(one))
    else:
        ElementTree.SubElement(case, "system-out").text = _text(f"{one.verdict}: {one.why}")


def _case(suite: ElementTree.Element, classname: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"classname": _text(classname), "name": _text(name)})


def _tell(case: ElementTree.Element, kind: str, message: str, detail: str = "") -> None:
    told = ElementTree.SubElement(case, kind, {"message": _text(message)})
    if detail:
        told.text = _text(detail)


def _document(suites: Sequence[ElementTree.Element]) -> str:
    root = ElementTree.Element("testsuites")
    for suite in suites:
        suite.set("tests", str(len(suite.findall("testcase"))))
        for kind, tally in _TALLIES.items():
            suite.set(tally, str(len(suite.findall(f"testcase/{kind}"))))
        root.append(suite)
    for tally in ("tests", *_TALLIES.values()):
        root.set(tally, str(sum(int(suite.get(tally) or 0) for suite in suites)))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False)


def _text(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
