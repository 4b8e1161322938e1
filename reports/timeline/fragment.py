"""The timeline as HTML: a fragment for the report page, and a page of its own for large runs.

The fragment is one piece of HTML, one script and one style, so that whoever includes it can
name their hashes in a Content-Security-Policy. Names and sentences of the run, which may be
hostile, are in the packed block and nowhere else; the script writes them as text only.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from markupsafe import Markup

from ...harness.record.facts import Facts
from ...harness.result import Result
from ..offline import Fragment, page_of, templates
from .encode import encode
from .sampling import MOST_EVENTS
from .telling import findings

HERE = Path(__file__).parent / "browser"
# Each uses only what those before it define.
PARTS = ("decode", "events", "marks", "paint", "table", "controls", "pointer", "main")


def fragment(facts: Facts, result: Result, most: int = MOST_EVENTS) -> Fragment:
    """The timeline of a judged run.

    Of a history of more than ``most`` events it shows a sample that holds every fault and
    every finding, and says so.
    """
    encoded = encode(facts, findings(result.checks), most)
    html = templates.get_template("timeline.html").render(encoded=encoded)
    return Fragment(Markup(html), _script(), (HERE / "timeline.css").read_text("utf-8"))


def timeline_page(result: Result, facts: Facts, most: int = MOST_EVENTS) -> str:
    """One self-contained page that shows the timeline alone."""
    part = fragment(facts, result, most)
    return page_of("timeline_page.html", [part.style], [part.script], result=result, part=part.html)


@cache
def _script() -> str:
    parts = [(HERE / f"{name}.js").read_text("utf-8") for name in PARTS]
    return "\n".join(["(() => {", '"use strict";', *parts, "})();", ""])
