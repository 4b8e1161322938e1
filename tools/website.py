"""Builds the documentation's site into build/site; a warning is an error.

    python tools/website.py          # build it
    python tools/website.py --serve  # and show it on this machine, again after each change

Its pages are those of docs/, the README with its links, ARCHITECTURE.md, CHANGELOG.md and
CONTRIBUTING.md, and two that are made here: the commands with their options, from ``--help``, and
the public Python names, from their docstrings. zensical.toml says in which order they stand.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from enum import Enum
from inspect import Parameter, cleandoc, getdoc, isclass, isfunction, ismodule, signature
from pathlib import Path
from types import ModuleType

import click
import jobquake

ROOT = Path(__file__).parents[1]
SETTINGS = "zensical.toml"
BESIDE_PAGES = (".png", ".json", ".css", ".js")
BESIDES = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
LINE = 80
ROLE = re.compile(r":(?:class|func|mod|meth|data|attr):`~?([^`]+)`")
COMMANDS = """\
# Commands

What `--help` says of each command, all on one page.

::: mkdocs-click
    :module: jobquake.cli.group
    :command: cli
    :prog_name: jobquake
    :depth: 1
"""


def sources() -> dict[str, str]:
    """The Markdown of each page, by its place in the site."""
    pages = {page.name: page.read_text() for page in sorted((ROOT / "docs").glob("*.md"))}
    pages |= {BESIDES[name]: (ROOT / name).read_text() for name in BESIDES}
    pages |= {"commands.md": COMMANDS, "api.md": api()}
    return {name: _relinked(text) for name, text in pages.items()}


def _relinked(text: str) -> str:
    """With the links of a page as they are in the site, where all pages lie side by side."""
    text = re.sub(r"\]\((?:\.\./)?docs/", "](", text)
    for name, page in BESIDES.items():
        text = re.sub(rf"\]\((?:\.\./)?{re.escape(name)}(#[\w-]+)?\)", rf"]({page}\1)", text)
    return text


def api() -> str:
    """The page of the public Python names."""
    parts = ["# Python", _prose(jobquake), "## jobquake"]
    public = {name: getattr(jobquake, name) for name in dir(jobquake) if name[0] != "_"}
    modules = {name: found for name, found in public.items() if ismodule(found)}
    parts += [_entry(name, found) for name, found in public.items() if name not in modules]
    for name, module in modules.items():
        parts += [f"## jobquake.{name}", _prose(module)]
        parts += [_entry(inner, getattr(module, inner)) for inner in _names(module)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _names(module: ModuleType) -> list[str]:
    listed: list[str] = getattr(module, "__all__", None) or [n for n in dir(module) if n[0] != "_"]
    return [name for name in listed if not ismodule(getattr(module, name))]


def _entry(name: str, found: object) -> str:
    """A name with how it is called, or its value, and its docstring."""
    if isclass(found):
        shown, text = f"class {name}{_called(found)}", _prose(found)
        if issubclass(found, Enum):
            shown = f"class {name}:\n    " + "\n    ".join(member.name for member in found)
    elif isfunction(found):
        shown, text = f"def {name}{_called(found)}", _prose(found)
    else:
        shown, text = f"{name} = {_value(found)}", ""
    return "\n\n".join(filter(None, (f"### {name}", f"```python\n{shown}\n```", text)))


def _called(found: Callable[..., object]) -> str:
    """Its parameters, each on a line of its own if all do not fit on one."""
    if isclass(found) and (issubclass(found, Exception) or getattr(found, "_is_protocol", False)):
        return ""
    try:
        known = signature(found)
    except (ValueError, TypeError):
        return ""
    parameters, kind = list[str](), None
    for parameter in known.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and kind not in _STARRED:
            parameters.append("*")
        kind = parameter.kind
        parameters.append(_parameter(parameter))
    back = known.return_annotation
    end = "" if back is known.empty or isclass(found) else f" -> {_annotation(back)}"
    line = f"({', '.join(parameters)}){end}"
    if len(line) <= LINE:
        return line
    return "(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + f"){end}"


_STARRED = (Parameter.VAR_POSITIONAL, Parameter.KEYWORD_ONLY)


def _parameter(parameter: Parameter) -> str:
    starred = ((parameter.VAR_POSITIONAL, "*"), (parameter.VAR_KEYWORD, "**"))
    stars = "".join(star for of_kind, star in starred if parameter.kind is of_kind)
    kind, default = parameter.annotation, parameter.default
    text = stars + parameter.name
    text += "" if kind is parameter.empty else f": {_annotation(kind)}"
    return text if default is parameter.empty else f"{text} = {_value(default)}"


def _annotation(kind: object) -> str:
    return kind if isinstance(kind, str) else getattr(kind, "__name__", repr(kind))


def _value(value: object) -> str:
    text = re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    return text if len(text) <= LINE else "..."


def _prose(found: object) -> str:
    """Its docstring as Markdown; "" if it has none of its own."""
    if isclass(found) and not found.__dict__.get("__doc__"):
        return ""
    text = cleandoc(getdoc(found) or "")
    text = ROLE.sub(lambda role: f"`{role[1].lstrip('.')}`", text).replace("``", "`")
    return re.sub(r"^([^\n]*)::$", r"\1:", text, flags=re.MULTILINE)


def prepared(where: Path) -> Path:
    """Write the pages below that folder; the file of settings that makes a site of them there."""
    source = where / "site-source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name, text in sources().items():
        (source / name).write_text(text, encoding="utf-8")
    for file in (ROOT / "docs").iterdir():
        if file.suffix in BESIDE_PAGES:
            shutil.copy(file, source)
    settings = where / SETTINGS
    text = (ROOT / SETTINGS).read_text(encoding="utf-8")
    text = text.replace('"SOURCE"', f'"{source.name}"').replace('"SITE"', '"site"')
    settings.write_text(text, encoding="utf-8")
    return settings


def build(settings: Path, *words: str) -> int:
    """Run the generator; its exit code, which is not 0 if it warns of anything."""
    program = Path(sys.executable).with_name("zensical")
    words = words or ("build", "--clean", "--strict")
    command = [str(program), *words, "--config-file", settings.name]
    return subprocess.run(command, cwd=settings.parent).returncode


@click.command()
@click.option("--serve", is_flag=True, help="Show it on this machine and follow changes.")
def site(serve: bool) -> None:
    """Build the documentation's site into build/site."""
    sys.exit(build(prepared(ROOT / "build"), *(["serve"] if serve else [])))


if __name__ == "__main__":
    site()
