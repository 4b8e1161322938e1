"""The live page: one template, the same whether scripts run or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from ..backends.metrics.families import Family
from ..reports.charts import growth
from ..reports.offline import own_text, page_of
from .seen import Seen

Stage = Literal["running", "stopping", "ended"]
SAID: dict[Stage, str] = {
    "running": "Running",
    "stopping": "Stopping: what is under way is finished first",
    "ended": "Ended",
}
EVERY_S = 1


class Number(NamedTuple):
    """A sample of a metric family, by the name that Prometheus knows it by."""

    name: str
    help: str
    value: str


def page(seen: Seen, stage: Stage, token: str) -> str:
    """One self-contained page; every text in it is escaped. ``token`` is what its button says."""
    return page_of(
        "live.html",
        [own_text("many.css"), own_text("live.css")],
        [own_text("live.js")],
        at_home=True,
        seen=seen,
        stage=stage,
        said=SAID[stage],
        token=token,
        every_s=EVERY_S,
        percent=int(100 * seen.share),
        charts=[
            growth(one.title, one.unit, one.at_s, [(line.name, line.values) for line in one.lines])
            for one in seen.courses
            if one.at_s
        ],
        numbers=[number for family in seen.numbers for number in numbers(family)],
    )


def exposition(families: Iterable[Family]) -> str:
    """The families in Prometheus's text format, which needs no client of it."""
    lines = list[str]()
    for family in families:
        name = family.name + ("_total" if family.kind == "counter" else "")
        lines += [f"# HELP {name} {family.help}", f"# TYPE {name} {family.kind}"]
        for labels, value in family.samples.items():
            pairs = zip(family.labels, labels, strict=True)
            told = ",".join(f'{label}="{_escaped(said)}"' for label, said in pairs)
            lines.append(f"{name}{{{told}}} {float(value)}" if told else f"{name} {float(value)}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def numbers(family: Family) -> list[Number]:
    """Its samples that say something: those of a label that never came are left out."""
    end = "_total" if family.kind == "counter" else ""
    found = []
    for labels, value in family.samples.items():
        if labels and not value:
            continue
        named = ", ".join(f'{k}="{v}"' for k, v in zip(family.labels, labels, strict=True))
        name = f"{family.name}{end}" + (f"{{{named}}}" if named else "")
        found.append(Number(name, family.help, f"{value:,.0f}"))
    return found
