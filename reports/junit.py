"""Results as JUnit XML: a suite for each run, a test case for each promise.

A violated promise is a failure. One about which the run proves nothing is an error, never a pass
and never skipped, since skipped tests do not stop a build. One that the system does not claim or
show is skipped: no run can tell. So is a scenario that the backend cannot run, in a suite of its
own. A control has one test case: that its check is violated. Accepted by the schema that
Jenkins' xUnit plugin publishes (junit-10.xsd).
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ..harness.result import CheckResult, Result
from ..harness.run import Run
from ..harness.skipped import Skipped
from .plain import in_xml

MOST_FINDINGS = 20


def render(runs: Sequence[Run], skipped: Sequence[Skipped] = ()) -> str:
    """One document for all runs; times are those of the run, virtual where time was."""
    suites = [*(_suite(run) for run in runs), *map(_not_run, skipped)]
    counts = {name: sum(int(suite.attrib[name]) for suite in suites) for name in _COUNTED}
    spent_s = sum(run.result.duration_s for run in runs)
    root = _element(
        "testsuites",
        name="jobquake",
        time=f"{spent_s:.3f}",
        **{k: str(n) for k, n in counts.items()},
    )
    root.extend(suites)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "unicode") + "\n"


_COUNTED = ("tests", "failures", "errors")


def _suite(run: Run) -> Element:
    result = run.result
    cases = [_control(result)] if result.control else [_case(result, c) for c in result.checks]
    if result.as_expected == "inconclusive" and not any(c.find("error") is not None for c in cases):
        cases.append(_named(result, "the run proves something"))
        _answer(cases[-1], "error", "inconclusive", result.sentence, result, [])
    suite = _element(
        "testsuite",
        name=f"{result.scenario}:{result.variant} on {result.backend}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{result.duration_s:.3f}",
        **_where(run),
    )
    properties = SubElement(suite, "properties")
    known = {
        "backend": result.backend,
        "driver": result.driver,
        "seed": result.seed,
        "verdict": result.as_expected,
        "replay": result.replay,
        **result.environment,
    }
    if result.confirmation:
        known["confirmation"] = result.confirmation.sentence
    properties.extend(_element("property", name=name, value=known[name]) for name in known)
    suite.extend(cases)
    return suite


def _where(run: Run) -> dict[str, str]:
    """When and on which machine it was run, if a command did."""
    known = {"timestamp": run.began, "hostname": run.host}
    return {name: value for name, value in known.items() if value}


def _not_run(skip: Skipped) -> Element:
    name = f"{skip.scenario} on {skip.backend}"
    suite = _element(
        "testsuite", name=name, tests="1", failures="0", errors="0", skipped="1", time="0.000"
    )
    where = f"jobquake.{skip.backend}.{skip.scenario}"
    case = _element("testcase", classname=where, name="can be run")
    case.append(_element("skipped", message=skip.why))
    suite.append(case)
    return suite


def _case(result: Result, check: CheckResult) -> Element:
    case = _named(result, check.title)
    if check.verdict == "violated":
        sentences = [finding.sentence for finding in check.findings]
        text = sentences[:MOST_FINDINGS]
        if len(sentences) > MOST_FINDINGS:
            text.append(f"... and {len(sentences) - MOST_FINDINGS} more")
        if sentences and sentences[0] == result.sentence:
            text += ["", *result.story]
        _answer(
            case, "failure", check.name, sentences[0] if sentences else check.note, result, text
        )
    elif check.verdict == "inconclusive":
        _answer(case, "error", "inconclusive", check.note, result, [])
    elif check.verdict == "not judged":
        case.append(_element("skipped", message=f"not judged: {check.note}"))
    return case


def _control(result: Result) -> Element:
    case = _named(result, f"control: {result.control} must be violated")
    if result.as_expected == "held":
        said = _element("system-out")
        said.text = "caught, as it must be"
        case.append(said)
    if result.as_expected != "held":
        message = f"{result.control} held, although the practice is missing here"
        _answer(case, "error", "inconclusive", message, result, [])
    return case


def _named(result: Result, name: str) -> Element:
    where = f"{result.backend}.{result.scenario}.{result.variant}"
    spent = f"{result.duration_s:.3f}" if result.control else "0.000"
    return _element("testcase", classname=f"jobquake.{where}", name=name, time=spent)


def _answer(
    case: Element, tag: str, kind: str, message: str, result: Result, text: list[str]
) -> None:
    answer = _element(tag, type=kind, message=message)
    answer.text = in_xml("\n".join([*text, "", result.replay_command]).strip())
    case.append(answer)


def _element(tag: str, **attributes: object) -> Element:
    return Element(tag, {name: in_xml(value) for name, value in attributes.items()})
