"""The command ``jobquake capacity``: reads quantities and prints how many workers they need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import EnvironmentFault, UsageError
from ...quantities import PERCENTILE, RATE, SECONDS, SHARE
from ..options import seed_option

if TYPE_CHECKING:
    from rich.status import Status

    from ...capacity.load import Asked, Mishaps
    from ...capacity.sizing import Sizing

GIVEN = ("arrivals", "arrival_cv", "service", "service_cv", "service_dist")


SECTION = "look"


@click.command("capacity")
@click.option("--arrivals", type=RATE, help="Arrival rate, such as 40/s.")
@click.option(
    "--arrival-cv",
    type=float,
    help="Coefficient of variation (deviation / mean) of the gaps between them. [default: 1]",
)
@click.option("--service", type=SECONDS, help="Mean run time of a job, such as 200ms.")
@click.option(
    "--service-cv", type=float, help="Coefficient of variation of the run time. [default: 1]"
)
@click.option(
    "--service-dist",
    type=click.Choice(["exponential", "deterministic", "lognormal", "pareto"]),
    help="Distribution of the run time. [default: chosen by --service-cv]",
)
@click.option(
    "--from", "folder", type=click.Path(path_type=Path),
    help="Measure arrivals and run times in this run folder, pool by pool.",
)  # fmt: skip
@click.option(
    "--wait-bound",
    type=SECONDS,
    required=True,
    help="Longest acceptable wait before a delivery starts.",
)
@click.option(
    "--percentile", type=PERCENTILE, default="95", show_default=True,
    help="Percentage of deliveries that must meet the bound.",
)  # fmt: skip
@click.option(
    "--failures", type=SHARE, default="0%", help="Share of deliveries that fail, such as 2%."
)
@click.option(
    "--crashes", type=RATE, default="0/s", help="Crash rate of a busy worker, such as 1/h."
)
@click.option(
    "--max-deliveries",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="Deliveries of a job before it is given up.",
)
@click.option(
    "--lease",
    type=SECONDS,
    default="10s",
    show_default=True,
    help="Lease length (visibility timeout).",
)
@click.option(
    "--retry-delay", type=SECONDS, default="1s", show_default=True, help="Delay before a retry."
)
@click.option(
    "--restart",
    type=SECONDS,
    default="1s",
    show_default=True,
    help="Time to restart a crashed worker.",
)
@seed_option
@click.option(
    "--deliveries",
    type=click.IntRange(1000, 10**8),
    default=2_000_000,
    show_default=True,
    help="Deliveries to simulate for each number of workers.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), help="Also write an HTML page to this file."
)
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def command(
    folder: Path | None,
    wait_bound: float,
    percentile: float,
    failures: float,
    crashes: float,
    max_deliveries: int,
    lease: float,
    retry_delay: float,
    restart: float,
    seed: int,
    deliveries: int,
    report: Path | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Calculate how many workers a pool needs for a given waiting time.

    By formula (Erlang C and its relatives) and by simulation, which adds the load of crashes
    and retries.

    \b
    Examples:
      jobquake capacity --arrivals 40/s --service 200ms --wait-bound 100ms
      jobquake capacity --from jobquake-runs/RUN --wait-bound 1s --report workers.html
    """
    import msgspec
    from rich.text import Text

    from ...capacity.load import Mishaps
    from ...capacity.sizing import Question, SizingError, size
    from ...experiments import check_writable
    from ...reports import capacity, terminal

    mishaps = Mishaps(failures, crashes, max_deliveries, lease, retry_delay, restart)
    pools = _recorded(folder, mishaps, given) if folder else [_given(mishaps, given)]
    if report and report.is_dir():
        raise UsageError(
            f"expected the name of a page as --report, found the folder {report}; name a file in it"
        )
    if report:
        check_writable(report.parent)
    console = terminal.console(stderr=as_json)
    sizings: list[Sizing] = []
    for pool in pools:
        with console.status("") as status:

            def tell(doing: str, status: Status = status) -> None:
                status.update(Text(doing))

            try:
                sizing = size(pool, Question(wait_bound, percentile), seed, tell, deliveries)
            except SizingError as error:
                raise click.UsageError(str(error)) from error
        capacity.show(sizing, console)
        sizings.append(sizing)
    if report:
        _write(report, capacity.page(sizings))
        console.print(f"  report: {report}", soft_wrap=True)
    if as_json:
        click.echo(msgspec.json.encode(sizings))


def _given(mishaps: Mishaps, words: dict[str, Any]) -> Asked:
    """The one pool that the options describe."""
    from ...capacity import times
    from ...capacity.load import Asked, Traffic

    for name in ("arrivals", "service"):
        if not words[name]:
            found = "none" if words[name] is None else "0"
            raise click.UsageError(
                f"expected --{name} above 0, found {found}; give both --arrivals and --service, "
                "or a run folder with --from"
            )
    try:
        traffic = Traffic(
            times.given(1.0 / words["arrivals"], words["arrival_cv"]),
            times.given(words["service"], words["service_cv"], words["service_dist"]),
            mishaps,
        )
    except times.TimesError as error:
        raise click.UsageError(str(error)) from error
    return Asked("pool", traffic)


def _recorded(folder: Path, mishaps: Mishaps, words: dict[str, Any]) -> list[Asked]:
    """The pools of a recorded run."""
    from ...capacity.fit import fit
    from ...experiments import kept_run

    if both := [name for name in GIVEN if words[name] is not None]:
        option = "--" + both[0].replace("_", "-")
        raise click.UsageError(f"expected --from or {option}, found both; leave one of them out")
    return fit(kept_run(folder), mishaps)


def _write(report: Path, page: str) -> None:
    from ...whole_file import write_whole

    try:
        write_whole(report, page)
    except OSError as error:
        raise EnvironmentFault(
            f"expected to write the report to {report}, found: {error.strerror}; "
            "run it again with another --report"
        ) from error
