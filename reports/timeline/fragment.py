"""The timeline as HTML: a fragment for the report page, and a page of its own for large runs.

The fragment is one piece of HTML, one script and one style, so that whoever includes it can
name their hashes in a Content-Security-Policy. Names and sentences of the run, which may be
hostile, are in the packed block and nowhere else; the script writes them as text only.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ...harness.facts import Facts
from ...harness.result import Result
from .encode import encode
from .sampling import MOST_EVENTS
from .telling import findings

HERE = Path(__file__).parent / "browser"
# Each uses only what those before it define.
PARTS = ("decode", "events", "marks", "paint", "table", "controls", "pointer", "main")
_templates = Environment(
    loader=FileSystemLoader(HERE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Fragment(NamedTuple):
    """What a page needs to show a timeline: put ``script`` after ``html``."""

    html: Markup
    script: str
    style: str


def fragment(facts: Facts, result: Result, most: int = MOST_EVENTS) -> Fragment:
    """The timeline of a judged run.

    Of a history of more than ``most`` events it shows a sample that holds every fault and
    every finding, and says so.
    """
    encoded = encode(facts, findings(result.checks), most)
    html = _templates.get_template("timeline.html").render(encoded=encoded)
    return Fragment(Markup(html), _script(), (HERE / "timeline.css").read_text("utf-8"))


def timeline_page(result: Result, facts: Facts, most: int = MOST_EVENTS) -> str:
    """One self-contained page that shows the timeline alone."""
    part = fragment(facts, result, most)
    return _templates.get_template("page.html").render(
        result=result,
        fragment=part._replace(script=Markup(part.script), style=Markup(part.style)),
        script_hash=_hash(part.script),
        style_hash=_hash(part.style),
    )


@cache
def _script() -> str:
    parts = [(HERE / f"{name}.js").read_text("utf-8") for name in PARTS]
    return "\n".join(["(() => {", '"use strict";', *parts, "})();", ""])


def _hash(text: str) -> str:
    """A source of a Content-Security-Policy that allows just this text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
