"""What every page of ours is made of, so that one file is enough: templates, style, policy.

A page asks for nothing from outside and forbids itself to: its Content-Security-Policy names
the hashes of its own style and script and nothing else. Knows nothing of runs.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .plain import in_page

HERE = Path(__file__).parent


def _shown(value: object) -> object:
    return in_page(value) if isinstance(value, str) and not isinstance(value, Markup) else value


templates = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=True,
    finalize=_shown,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Fragment(NamedTuple):
    """A part that somebody else makes for a page: its elements, its script, its style.

    Script and style are ours, not escaped, and must not end their own element. The elements
    carry no ``style`` and no ``on...`` attributes: the policy of the page would ignore them.
    """

    html: Markup
    script: str = ""
    style: str = ""


class Inline(NamedTuple):
    """What stands between the tags of a page's one style and one script, and its policy."""

    style: Markup
    script: Markup
    policy: str


def inline(styles: Sequence[str], scripts: Sequence[str], *, at_home: bool = False) -> Inline:
    """Join them, those that are empty left out. ``at_home``: the page may ask its own server.

    Raises ValueError if one would end its element: what comes after it would be the page's.
    """
    style, script = ("\n".join(filter(None, parts)) for parts in (styles, scripts))
    for text in (style, script):
        if "</" in text or "<!--" in text:
            raise ValueError("expected style and script without '</' and '<!--', found one of them")
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "base-uri 'none'; "
    )
    policy += "connect-src 'self'; form-action 'self'" if at_home else "form-action 'none'"
    return Inline(Markup(style), Markup(script), policy)


def _source(text: str) -> str:
    if not text:
        return "'none'"
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def page_of(
    template: str,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    *,
    at_home: bool = False,
    **values: object,
) -> str:
    """The page of a template that extends ``frame.html``; what is given is escaped.

    ``styles`` come after what all pages share. ``at_home`` is as in :func:`inline`.
    """
    base = (HERE / "style.css").read_text(encoding="utf-8")
    sealed = inline([base, *styles], scripts, at_home=at_home)
    return templates.get_template(template).render(inline=sealed, **values)


def own_text(name: str) -> str:
    """A script or a style of ours from the templates."""
    return (HERE / "templates" / name).read_text(encoding="utf-8")
