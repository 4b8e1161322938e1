"""The command line: thin. It turns words into plans, runs them, and prints what came of it.

Exit codes: 0 held, 1 violated, 2 usage, 3 environment, 4 inconclusive, 130 interrupted,
141 if whoever read the output has gone. Commands return theirs.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from . import __version__
from . import lookup as names
from .cli_capacity import capacity_command
from .cli_duplicates import duplicates_command
from .cli_explore import explore_command, shrink_command
from .cli_practices import practices_command
from .cli_report import diff_command, earlier_option, format_option, report_command, schema_command
from .cli_serve import broker_command, doctor_command, proxy_command
from .cli_soak import soak_command
from .cli_timeline import timeline_command
from .experiments import (
    USAGE,
    Experiment,
    Fault,
    Wanted,
    carry_out,
    exit_code,
    experiments_of,
    packed_of,
)
from .fault import ENVIRONMENT, INTERRUPTED
from .interrupt import interrupts_kept

if TYPE_CHECKING:
    from .harness.run import Driver

UNREAD = 141
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
REPORTS = Path("jobquake-runs")
DEMO_BACKEND, DEMO_SCENARIO = "twin-ack-before-run", "worker-kill-before-ack"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="jobquake")
def cli() -> None:
    """Shake a job queue: kill, cut, delay, flood; then see whether its promises held.

    Exit codes: 0 held, 1 violated, 2 usage, 3 environment, 4 inconclusive,
    130 interrupted.
    """


_backend = click.option("--backend", help="The queue to shake; see 'jobquake list'.")
_driver = click.option(
    "--driver", type=click.Choice(["process", "sim"]), help="Real processes, or virtual time."
)
_toxiproxy = click.option(
    "--toxiproxy",
    default="embedded",
    show_default=True,
    metavar="embedded|PROGRAM|URL",
    help="Whose network real processes use: ours, a toxiproxy-server, or one that runs.",
)
_report = click.option(
    "--report",
    type=click.Path(path_type=Path),
    default=REPORTS,
    show_default=True,
    help="Where run folders with their HTML reports go; a name ending in .html is one page.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Results as JSON on standard output.")


@cli.command("run")
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO[:VARIANT]]...")
@click.option(
    "--backend",
    "backends",
    multiple=True,
    help="The queue to shake; see 'jobquake list'. Repeated: each of them.",
)
@_driver
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--all", "every", is_flag=True, help="Every scenario that the driver can run.")
@_toxiproxy
@_report
@format_option
@earlier_option
@_json
def run_command(
    scenarios: tuple[str, ...],
    backends: tuple[str, ...],
    driver: Driver | None,
    seed: int,
    every: bool,
    toxiproxy: str,
    report: Path,
    formats: tuple[str, ...],
    earlier: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Run scenarios (the three main ones if none is named) and judge what happened.

    A scenario's control variants run along with it: they lack the practice that the
    scenario shows, and count as held only if the check finds them wanting.
    """
    adapters = [names.backend(name) for name in dict.fromkeys(backends or ("reference",))]
    if every and scenarios:
        raise Fault(f"expected --all or scenarios by name, found --all and {scenarios[0]!r}")
    experiments = experiments_of(scenarios, seed, every, driver)
    wanted = Wanted(tuple(dict.fromkeys(formats)), earlier)
    runs = carry_out(experiments, adapters, report, as_json, toxiproxy, wanted)
    return exit_code(runs)


@cli.command("list")
def list_command() -> None:
    """List the scenarios and the backends."""
    from .backends import registry as backends
    from .scenarios import registry as scenarios

    click.echo("Scenarios:")
    for name in scenarios.names():
        scenario = scenarios.find(name)
        only = f" (driver {scenario.driver} only)" if scenario.driver else ""
        click.echo(f"  {name:<24} {scenario.summary}{only}")
        for variant in scenario.variants[1:]:
            check = scenario.controls.get(variant)
            note = f"control: must be found wanting by {check}" if check else "variant"
            click.echo(f"    {name}:{variant}  {note}")
    click.echo("Backends:")
    for name in backends.names():
        adapter = backends.find(name)
        caught = f" (caught by {adapter.violates})" if adapter.violates else ""
        click.echo(f"  {name:<31} {adapter.summary}{caught}")
        if bug_class := getattr(adapter, "bug_class", ""):  # of our own twins
            click.echo(f"    bug class: {bug_class}")


@cli.command("replay")
@click.argument("what", metavar="STRING|RUN-FOLDER")
@_backend
@_driver
@_toxiproxy
@_report
@format_option
@_json
def replay_command(
    what: str,
    backend: str | None,
    driver: Driver | None,
    toxiproxy: str,
    report: Path,
    formats: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run a plan again, from its replay string or from a run folder."""
    from .reports.plain import one_line

    packed, then = packed_of(what)
    if then:
        click.echo(f"then: {then.verdict}: {one_line(then.sentence)}", err=True)
    adapter = names.backend(backend or packed.backend)
    chosen: Driver = driver or ("sim" if packed.driver == "sim" else "process")
    runs = carry_out(
        [Experiment(packed.plan, then.control if then else None, chosen)],
        [adapter],
        report,
        as_json,
        toxiproxy,
        Wanted(tuple(dict.fromkeys(formats))),
    )
    return exit_code(runs)


@cli.command("demo")
@_report
def demo_command(report: Path) -> int:
    """See a failure: a queue that acks before it runs loses work when its workers die.

    Exits 0 if the failure was found, as it must be.
    """
    adapter = names.backend(DEMO_BACKEND)
    click.echo(f"{DEMO_BACKEND}: {adapter.summary}. Its workers are about to be killed.")
    plan = names.scenario(DEMO_SCENARIO).plan(0)
    runs = carry_out([Experiment(plan, None, "process")], [adapter], report, False)
    return 0 if runs[0].result.verdict == "violated" else 4


for command in (
    explore_command,
    shrink_command,
    soak_command,
    report_command,
    diff_command,
    schema_command,
    practices_command,
    duplicates_command,
    capacity_command,
    timeline_command,
    doctor_command,
    broker_command,
    proxy_command,
):
    cli.add_command(command)


def main() -> NoReturn:
    """The entry point: one sentence instead of a traceback, and the right exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever the locale can not write
    try:
        with interrupts_kept():
            code = cli.main(prog_name="jobquake", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        code = 0
    except click.ClickException as error:
        _complain(error.format_message())
        code = error.exit_code
    except (names.UnknownName, names.WrongDriver) as error:
        _complain(str(error))
        code = USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("jobquake: interrupted; every process of the run has been ended", err=True)
        code = INTERRUPTED
    except OSError as error:
        if error.errno not in FULL:
            raise
        with suppress(OSError):  # the other stream may be full, too
            _complain(f"expected to write to the end, found: {error.strerror}; make room")
        code = ENVIRONMENT
        _drop_output()
    except SystemExit:
        # click and rich leave with 1, our word for violated, when they write to a closed pipe
        code = UNREAD
    raise SystemExit(code or 0)


def _drop_output() -> None:
    """What is left of the output goes nowhere, or Python would try again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)


def _complain(message: str) -> None:
    from .reports.plain import one_line

    for number, line in enumerate(message.splitlines()):
        click.echo(one_line(line if number else f"jobquake: {line}"), err=True)


if __name__ == "__main__":
    sys.exit(main())
