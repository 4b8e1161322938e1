"""The command ``jobquake soak``: thin. It shows how far the soak has come, and what it found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import names
from .carry_out import ENVIRONMENT, Fault, check_writable
from .cli_capacity import SECONDS

if TYPE_CHECKING:
    from .harness.plan import Plan
    from .harness.run import Driver, Run
    from .harness.soak import Soak

MIB = 1024 * 1024


@click.command("soak")
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--for", "for_s", type=SECONDS, default="10min", show_default=True, help="How long.")
@click.option("--backend", default="reference", show_default=True, help="The queue to shake.")
@click.option(
    "--driver", type=click.Choice(["process", "sim"]), default="sim", show_default=True,
    help="In 'sim' the time is virtual.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--report", type=click.Path(path_type=Path), default=Path("jobquake-soak"), show_default=True,
    help="The soak's folder: its state, and a run folder for each of the first findings.",
)  # fmt: skip
def soak_command(
    scenarios: tuple[str, ...],
    for_s: float,
    backend: str,
    driver: Driver,
    seed: int,
    report: Path,
) -> int:
    """Shake for hours: round after round of a scenario (day-of-chaos), another seed each.

    Findings are told and kept as they come. Started again with the same words it goes on
    where it was. Memory and disk stay bounded.
    """
    from .backends.adapter import Unavailable
    from .harness.drivers import EnvironmentFault
    from .harness.ledger import LedgerError
    from .harness.result import EXIT
    from .harness.run import save
    from .harness.soak import SoakError, begin, go_on
    from .reports import html

    wanted = scenarios or ("day-of-chaos",)
    adapter = names.backend(backend)
    catalogue = {name: names.scenario(name) for name in wanted}
    for scenario in catalogue.values():
        names.driver_of(scenario, driver, driver)
    check_writable(report)
    told = 0

    def plan_of(name: str, of_seed: int) -> Plan:
        return catalogue[name].plan(of_seed)

    def keep(done: Run, number: int) -> None:
        page = html.page(done.result, done.plan, done.claims, done.history)
        save(done, report / f"round-{number}", {"report.html": page})

    def progress(soak: Soak) -> None:
        nonlocal told
        for found in soak.found[told:]:
            click.echo(f"violated in round {found.round}: {found.sentence}")
            click.echo(f"  jobquake replay '{found.replay}'")
        told = len(soak.found)
        if soak.rounds % (100 if driver == "sim" else 5) == 0:
            click.echo(_line(soak))

    try:
        soak = begin(report, wanted, adapter, driver, seed)
        told = len(soak.found)
        if soak.rounds:
            click.echo(f"going on: {_line(soak)}")
        soak = go_on(soak, report, for_s, plan_of, adapter, keep, progress)
    except SoakError as error:
        raise Fault(str(error)) from error
    except (EnvironmentFault, LedgerError, Unavailable, OSError) as error:
        raise Fault(str(error), ENVIRONMENT) from error
    click.echo(f"{soak.verdict}: {_line(soak)}")
    return EXIT[soak.verdict]


def _line(soak: Soak) -> str:
    verdicts = ", ".join(f"{n} {what}" for what, n in sorted(soak.verdicts.items()))
    grown = (soak.last_rss - soak.warm_rss) / MIB
    return (
        f"{soak.spent_s / 3600:.2f} h in {soak.rounds} rounds ({verdicts}), {soak.jobs} jobs, "
        f"{soak.strikes} strikes; memory {soak.last_rss / MIB:.0f} MiB, "
        f"{grown:+.0f} since the first rounds"
    )
