"""A sweep as JUnit XML: a suite for each round trip, a test case for each way to break it.

Work that was lost or stood still is a failure; where an expectation is given, whatever differs from
it is one, and what is known is none. A run that proves nothing is an error, one that was not made
is skipped.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ...sweep.boundaries import Boundary
from ...sweep.cell import Cell
from ...sweep.expected import Expected, sound
from ...sweep.outcome import LOOKS
from ...sweep.swept import Swept
from ...sweep.ways import ways_of
from ..plain import in_xml


def render(swept: Swept, expected: Expected | None = None) -> str:
    """One document; times are those that the runs took."""
    suites = [_suite(swept, boundary, expected) for boundary in swept.boundaries]
    counts = {
        name: str(sum(int(suite.attrib[name]) for suite in suites))
        for name in ("tests", "failures", "errors")
    }
    spent = f"{sum(cell.real_s for cell in swept.cells):.3f}"
    root = _element("testsuites", name="jobquake", time=spent, **counts)
    root.extend(suites)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, "unicode") + "\n"


def _suite(swept: Swept, boundary: Boundary, expected: Expected | None) -> Element:
    cells = {way.name: swept.cell(boundary.key, way.name) for way in ways_of(boundary)}
    cases = [_case(swept, boundary, way, cell, expected) for way, cell in cells.items()]
    spent_s = sum(cell.real_s for cell in cells.values() if cell)
    known = {"timestamp": swept.began, "hostname": swept.host}
    suite = _element(
        "testsuite",
        name=f"{swept.app}: {boundary.key}",
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors=str(sum(case.find("error") is not None for case in cases)),
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
        time=f"{spent_s:.3f}",
        **{name: said for name, said in known.items() if said},
    )
    properties = SubElement(suite, "properties")
    properties.append(_element("property", name="library", value=swept.library))
    properties.append(_element("property", name="task", value=swept.task))
    suite.extend(cases)
    return suite


def _case(
    swept: Swept, boundary: Boundary, way: str, cell: Cell | None, expected: Expected | None
) -> Element:
    taken = f"{cell.real_s:.3f}" if cell else "0.000"
    name = f"{boundary.key}, {way}"
    case = _element("testcase", classname=f"jobquake.sweep.{swept.app}", name=name, time=taken)
    if cell is None:
        case.append(_element("skipped", message="not run: the budget was spent"))
        return case
    known = expected.of_cell(boundary.key, way) if expected else None
    if expected is not None:
        wrong = cell.outcome != known.outcome if known else not sound(cell.outcome)
        tag = "failure" if wrong else ""
    else:
        tags = {"violated": "failure", "inconclusive": "error"}
        tag = tags.get(LOOKS[cell.outcome].gravity, "")
    if tag:
        wanted = f"; expected {known.outcome}" if known else ""
        message = f"{cell.outcome}: {cell.sentence}{wanted}"
        answer = _element(tag, type=cell.outcome, message=message)
        lines = [*cell.story, "", cell.replay]
        if cell.confirmation:
            lines.insert(0, f"found in leaping time; {cell.confirmation.sentence}")
        answer.text = in_xml("\n".join(lines).strip())
        case.append(answer)
    elif known:
        out = _element("system-out")
        out.text = in_xml(f"known: {known.outcome}: {known.reason} {known.link}".strip())
        case.append(out)
    return case


def _element(tag: str, **attributes: object) -> Element:
    return Element(tag, {name: in_xml(value) for name, value in attributes.items()})
