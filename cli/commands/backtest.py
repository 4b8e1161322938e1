"""The command ``jobquake backtest``: public bugs, staged on the versions with and without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ...errors import HELD, INCONCLUSIVE, VIOLATED
from ..options import time_option

if TYPE_CHECKING:
    from ...backends.system import Time

SECTION = "look"


@click.command("backtest")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--python", metavar="VERSION|PATH",
    help="Python for the libraries, such as 3.11; by default the one that runs jobquake.",
)  # fmt: skip
@click.option("--list", "only_list", is_flag=True, help="List the bugs instead of staging them.")
@time_option
def command(names: tuple[str, ...], python: str | None, only_list: bool, time: Time | None) -> int:
    """Stage public bugs of libraries: violated on the old version, held on the fixed one.

    Workers, broker and network are real. Libraries are installed into environments of their
    own, see 'jobquake env'. Without a name, all bugs are staged.

    \b
    Examples:
      jobquake backtest --list
      jobquake backtest rq-2424
    """
    from ...backtests import backtest
    from ...backtests.play import play
    from ...lookup import UnknownName

    known = backtest.names()
    if unknown := [name for name in names if name not in known]:
        raise UnknownName("backtest", unknown[0], known)
    verdicts = []
    for name in names or known:
        found = backtest.find(name)
        click.echo(f"{found.name}: {found.title} ({found.url})")
        for side in () if only_list else found.sides:
            played = play(found, side, python, time)
            verdicts.append(played.as_expected)
            took = f"{played.virtual_s:.0f} s in {played.real_s:.0f} s"
            told = played.told
            click.echo(f"  {side.label}: {told.verdict}, expected {side.expected} ({took})")
            for line in (told.sentence, *told.evidence):
                click.echo(f"    {line}")
    if "violated" in verdicts:
        return VIOLATED
    return INCONCLUSIVE if "inconclusive" in verdicts else HELD
