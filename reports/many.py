"""What pages about more than one run have in common: their style, sealed, and names of runs.

The content security policy of a page allows nothing but its own style, by its hash: no script,
no other file, whatever anybody's names may hold.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from ..harness.result import Result
from .offline import templates

STYLE = Path(__file__).parent / "templates" / "many.css"


def page_of(template: str, **values: object) -> str:
    """The page of that template, which extends ``many.html``; what is given is escaped."""
    style = _style()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return templates.get_template(template).render(style=style, policy=policy, **values)


def full_name(result: Result) -> str:
    """The scenario, and its variant unless it is the usual one."""
    variant = "" if result.variant == "default" else f":{result.variant}"
    return f"{result.scenario}{variant}"


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")
