"""The space-time diagram alone: an SVG file that needs nothing but itself.

It says in its title and description what it shows, follows the reader's light or dark, and tells
things apart by shape and not by colour alone. It draws what :mod:`.space_time` has placed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..harness.record.facts import Facts
from ..harness.run import Run
from .offline import templates
from .plain import in_xml
from .shown import jobs_of
from .space_time import diagram

WIDTH, LEFT, RIGHT, LANE, TOP = 960, 90, 20, 44, 16
KINDS = {
    "enqueue": "enqueue answered",
    "effect": "effect",
    "absorbed": "effect that was known",
    "ack": "ack",
    "ack refused": "ack refused",
    "fault": "fault",
    "exited": "worker ended",
}


def render(runs: Sequence[Run]) -> str:
    """The picture of the only run; every text in it is escaped."""
    (run,) = runs
    facts = Facts(run.plan, run.claims, run.history)
    jobs = jobs_of(facts, run.result)
    picture = diagram(facts, jobs)
    result = run.result
    subject = f"jobs {', '.join(map(str, jobs))}" if jobs else "no job was struck or wronged"
    span_s = max(picture.end_s - picture.start_s, 1e-9)
    return templates.get_template("space-time.svg").render(
        title=in_xml(f"{result.as_expected}: {result.full_name} on {result.backend}, {subject}"),
        description=in_xml("\n".join([result.sentence, *result.story])),
        diagram=picture,
        marks=[mark for mark in picture.marks if mark.kind in KINDS],
        kinds=KINDS,
        text=in_xml,
        scale=(WIDTH - LEFT - RIGHT) / span_s,
        width=WIDTH,
        left=LEFT,
        right=WIDTH - RIGHT,
        top=TOP,
        lane=LANE,
        bottom=TOP + LANE * len(picture.lanes),
    )
