"""A command whose options are shown in groups, such as those of two things that it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
from click.core import ParameterSource


class Grouped(click.Command):
    """``groups``: by its title, the names of a group's parameters; the rest comes first."""

    def __init__(self, *args: Any, groups: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.groups = groups

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        grouped = {name: title for title, names in self.groups.items() for name in names}
        rows: dict[str, list[tuple[str, str]]] = {"Options": []}
        rows |= {title: [] for title in self.groups}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                rows[grouped.get(param.name or "", "Options")].append(record)
        for title, of_group in rows.items():
            with formatter.section(title):
                formatter.write_dl(of_group)

    def given(self, ctx: click.Context, title: str) -> list[str]:
        """Those of a group that the command line gives, as they are written there."""
        return [
            param.opts[0]
            for param in self.get_params(ctx)
            if param.name in self.groups[title]
            and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
        ]
