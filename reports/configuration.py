"""What an app's configuration cannot give, for a terminal: each with its setting and its proof."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from ..frameworks.library import Finding
from .plain import one_line


def tell(target: str, summary: str, findings: Sequence[Finding], console: Console) -> None:
    """One paragraph for each finding."""
    console.print(Text(one_line(f"{target}: {summary}")), soft_wrap=True)
    if not findings:
        console.print("Nothing in its configuration is known to break a guarantee.")
    for finding in findings:
        lines = (
            f"not given:  {finding.guarantee}",
            f"  decided by: {finding.setting}",
            f"  change:     {finding.advice}",
            f"  shown by:   jobquake run --app {target} {finding.scenario}",
            f"  documented: {finding.source}",
        )
        for line in lines:
            console.print(Text(one_line(line)), soft_wrap=True)
