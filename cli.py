"""The command line: thin. It turns words into plans, runs them, and prints what came of it.

Exit codes: 0 held, 1 violated, 2 usage, 3 environment, 4 inconclusive, 130 interrupted,
141 if whoever read the output has gone. Commands return theirs.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from . import __version__, names
from .cli_capacity import capacity_command

if TYPE_CHECKING:
    from rich.status import Status

    from .backends.adapter import Adapter
    from .harness.plan import Plan
    from .harness.run import Driver, Run

USAGE, ENVIRONMENT, INTERRUPTED, UNREAD = 2, 3, 130, 141
REPORTS = Path("jobquake-runs")
DEMO_BACKEND, DEMO_SCENARIO = "twin-ack-before-run", "worker-kill-before-ack"


class Fault(click.ClickException):
    """An error that a user can meet, told in one sentence, with its exit code."""

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]


class Experiment(NamedTuple):
    """One thing to run: a plan, and the check that must find it wanting if it is a control."""

    plan: Plan
    control: str | None


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
@_backend
@_driver
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--all", "every", is_flag=True, help="Every scenario, not only the main ones.")
@_report
@_json
def run_command(
    scenarios: tuple[str, ...],
    backend: str | None,
    driver: Driver | None,
    seed: int,
    every: bool,
    report: Path,
    as_json: bool,
) -> int:
    """Run scenarios (the three main ones if none is named) and judge what happened.

    A scenario's control variants run along with it: they lack the practice that the
    scenario shows, and count as held only if the check finds them wanting.
    """
    adapter = names.backend(backend or "reference")
    if every and scenarios:
        raise Fault(f"expected --all or scenarios by name, found --all and {scenarios[0]!r}")
    experiments = _experiments(scenarios, seed, every)
    runs = _carry_out(experiments, adapter, driver or "process", report, as_json)
    return _exit_code(runs)


@cli.command("list")
def list_command() -> None:
    """List the scenarios and the backends."""
    from .backends import registry as backends
    from .scenarios import registry as scenarios

    click.echo("Scenarios:")
    for name in scenarios.names():
        scenario = scenarios.find(name)
        click.echo(f"  {name:<24} {scenario.summary}")
        for variant in scenario.variants[1:]:
            check = scenario.controls.get(variant)
            note = f"control: must be found wanting by {check}" if check else "variant"
            click.echo(f"    {name}:{variant}  {note}")
    click.echo("Backends:")
    for name in backends.names():
        adapter = backends.find(name)
        caught = f" (caught by {adapter.violates})" if adapter.violates else ""
        click.echo(f"  {name:<24} {adapter.summary}{caught}")


@cli.command("replay")
@click.argument("what", metavar="STRING|RUN-FOLDER")
@_backend
@_driver
@_report
@_json
def replay_command(
    what: str, backend: str | None, driver: Driver | None, report: Path, as_json: bool
) -> int:
    """Run a plan again, from its replay string or from a run folder."""
    from .harness.plan import PREFIX, ReplayError, decode
    from .harness.run import DamagedRun, RunFolderError, load

    try:
        if not what.startswith(PREFIX) and os.path.exists(what):  # noqa: PTH110 (long names)
            kept = load(Path(what)).result
            click.echo(f"then: {kept.verdict}: {kept.sentence}", err=True)
            what, control = kept.replay, kept.control
        else:
            control = None
        packed = decode(what)
    except DamagedRun as error:
        raise Fault(str(error), ENVIRONMENT) from error
    except (ReplayError, RunFolderError) as error:
        raise Fault(str(error)) from error
    adapter = names.backend(backend or packed.backend)
    chosen: Driver = driver or ("sim" if packed.driver == "sim" else "process")
    runs = _carry_out([Experiment(packed.plan, control)], adapter, chosen, report, as_json)
    return _exit_code(runs)


@cli.command("demo")
@_report
def demo_command(report: Path) -> int:
    """See a failure: a queue that acks before it runs loses work when its workers die.

    Exits 0 if the failure was found, as it must be.
    """
    adapter = names.backend(DEMO_BACKEND)
    click.echo(f"{DEMO_BACKEND}: {adapter.summary}. Its workers are about to be killed.")
    plan = names.scenario(DEMO_SCENARIO).plan(0)
    runs = _carry_out([Experiment(plan, None)], adapter, "process", report, False)
    return 0 if runs[0].result.verdict == "violated" else 4


@cli.command("broker")
@click.option("--db", type=click.Path(path_type=Path), required=True, help="The queue's file.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=7411, show_default=True)
@_backend
def broker_command(db: Path, host: str, port: int, backend: str | None) -> None:
    """Serve the reference queue over TCP from one SQLite file; port 0 picks a free one.

    Prints 'ready HOST:PORT' when it listens. Ends on SIGTERM or SIGINT; what it has
    answered survives any other end.
    """
    import asyncio

    from .backends.reference.adapter import ReferenceAdapter
    from .backends.reference.broker import print_ready, serve
    from .backends.reference.store import StoreError

    adapter = names.backend(backend or "reference")
    if not isinstance(adapter, ReferenceAdapter):
        raise Fault(f"expected a backend built on the reference queue, found {adapter.name!r}")
    try:
        asyncio.run(serve(db, host, port, print_ready, adapter.decisions))
    except StoreError as error:
        raise Fault(str(error), ENVIRONMENT) from error
    except OSError as error:
        # asyncio words a port in use at length; a name that resolves to nothing has no errno.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise Fault(
            f"expected to listen on {host}:{port}, found: {reason}; "
            "choose another --host or --port, port 0 for any free one",
            ENVIRONMENT,
        ) from error


cli.add_command(capacity_command)


def main() -> NoReturn:
    """The entry point: one sentence instead of a traceback, and the right exit code."""
    try:
        code = cli.main(prog_name="jobquake", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        code = 0
    except click.ClickException as error:
        click.echo(f"jobquake: {error.format_message()}", err=True)
        code = error.exit_code
    except names.UnknownName as error:
        click.echo(f"jobquake: {error}", err=True)
        code = USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("jobquake: interrupted; every process of the run has been ended", err=True)
        code = INTERRUPTED
    except SystemExit:
        # click and rich leave with 1, our word for violated, when they write to a closed pipe
        code = UNREAD
    raise SystemExit(code or 0)


def _experiments(wanted: tuple[str, ...], seed: int, every: bool) -> list[Experiment]:
    from .scenarios import registry

    experiments = []
    for name in wanted or (registry.names() if every else registry.MAIN):
        base, colon, variant = name.partition(":")
        scenario = names.scenario(base)
        if colon:
            plan = scenario.plan(seed, names.variant(scenario, variant))
            experiments.append(Experiment(plan, None))
            continue
        experiments.append(Experiment(scenario.plan(seed), None))
        experiments += [
            Experiment(scenario.plan(seed, control), check)
            for control, check in scenario.controls.items()
        ]
    return experiments


def _carry_out(
    experiments: list[Experiment], adapter: Adapter, driver: Driver, report: Path, as_json: bool
) -> list[Run]:
    """Run one experiment after the other, with progress, reports and summaries."""
    import msgspec
    from rich.text import Text

    from .backends.adapter import Unavailable
    from .harness.drivers import EnvironmentFault
    from .harness.ledger import LedgerError
    from .harness.run import run
    from .harness.validate import PlanError
    from .reports import terminal

    single_page = report.suffix == ".html" and not report.is_dir()
    if single_page and len(experiments) > 1:
        raise Fault(
            f"expected a folder for the reports of {len(experiments)} runs, found {report}; "
            "name a folder, or run one scenario variant"
        )
    check_writable(report.parent if single_page else report)
    console = terminal.console(stderr=as_json)
    runs = []
    for experiment in experiments:
        title = _title(experiment.plan)
        with console.status(Text(f"{title} ...")) as status:
            try:
                done = run(
                    experiment.plan,
                    adapter,
                    driver,
                    experiment.control,
                    _ticker(title, status) if console.is_terminal else None,
                )
            except PlanError as error:
                raise Fault(str(error)) from error
            except (EnvironmentFault, LedgerError, Unavailable) as error:
                raise Fault(str(error), ENVIRONMENT) from error
        runs.append(done)
        page = _keep(done, report, single_page)
        console.print(terminal.line(done.result), soft_wrap=True)
        if done.result.as_expected != "held":
            terminal.summary(done.result, console)
        console.print(f"  report: {page}", soft_wrap=True)
    if as_json:
        click.echo(msgspec.json.encode([done.result for done in runs]))
    return runs


def _ticker(title: str, status: Status) -> Callable[[Counter[str]], None]:
    from rich.text import Text

    def tick(counts: Counter[str]) -> None:
        told = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()) if n)
        status.update(Text(f"{title}: {told}"))

    return tick


def _title(plan: Plan) -> str:
    return plan.scenario if plan.variant == "default" else f"{plan.scenario}:{plan.variant}"


def check_writable(folder: Path) -> None:
    """Find out before the run, and not after it, whether reports can be written there."""
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Fault(
            f"expected to write reports to {folder}, found: {error.strerror}; "
            "name another place with --report",
            ENVIRONMENT,
        ) from error


def _keep(done: Run, report: Path, single_page: bool) -> Path:
    """Write the run's report, in a run folder of its own or as one page; where it is."""
    from .harness.run import folder_name, save
    from .reports import html

    result = done.result
    page = html.page(result, done.plan, done.claims, done.history)
    name = folder_name(result.scenario, result.variant, result.backend, result.driver, result.seed)
    try:
        if single_page:
            write_whole(report, page)
            return report
        save(done, report / name, {"report.html": page})
        return report / name / "report.html"
    except OSError as error:
        raise Fault(
            f"expected to write the report to {report}, found: {error.strerror}; "
            f"run it again with another --report",
            ENVIRONMENT,
        ) from error


def write_whole(file: Path, text: str) -> None:
    """Write the file so that it is there whole or not at all."""
    partial = file.with_name(f".{file.name}.partial")
    try:
        partial.write_text(text)
        partial.replace(file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _exit_code(runs: list[Run]) -> int:
    from .harness.result import EXIT

    verdicts = {done.result.as_expected for done in runs}
    for verdict in ("violated", "inconclusive"):
        if verdict in verdicts:
            return EXIT[verdict]
    return EXIT["held"]


if __name__ == "__main__":
    sys.exit(main())
