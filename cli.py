"""The command line: thin. It turns words into plans, runs them, and prints what came of it.

Exit codes: 0 held, 1 violated, 2 usage, 3 environment, 4 inconclusive, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import click

from . import __version__

if TYPE_CHECKING:
    from .backends.adapter import Adapter
    from .harness.plan import Plan
    from .harness.run import Driver, Run
    from .scenarios.scenario import Scenario

USAGE, ENVIRONMENT, INTERRUPTED = 2, 3, 130
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
@_report
@_json
def run_command(
    scenarios: tuple[str, ...],
    backend: str | None,
    driver: Driver | None,
    seed: int,
    report: Path,
    as_json: bool,
) -> None:
    """Run scenarios (all of them if none is named) and judge what happened.

    A scenario's control variants run along with it: they lack the practice that the
    scenario shows, and count as held only if the check finds them wanting.
    """
    adapter = _find_backend(backend or "reference")
    experiments = _experiments(scenarios, seed)
    runs = _carry_out(experiments, adapter, driver or "process", report, as_json)
    raise SystemExit(_exit_code(runs))


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
) -> None:
    """Run a plan again, from its replay string or from a run folder."""
    from .harness.plan import PREFIX, ReplayError, decode
    from .harness.run import RunFolderError, load

    try:
        folder = Path(what)
        if not what.startswith(PREFIX) and len(what) < 4096 and folder.exists():
            kept = load(folder).result
            click.echo(f"then: {kept.verdict}: {kept.sentence}", err=True)
            what, control = kept.replay, kept.control
        else:
            control = None
        packed = decode(what)
    except (ReplayError, RunFolderError) as error:
        raise Fault(str(error)) from error
    adapter = _find_backend(backend or packed.backend)
    chosen: Driver = driver or ("sim" if packed.driver == "sim" else "process")
    runs = _carry_out([Experiment(packed.plan, control)], adapter, chosen, report, as_json)
    raise SystemExit(_exit_code(runs))


@cli.command("demo")
@_report
def demo_command(report: Path) -> None:
    """See a failure: a queue that acks before it runs loses work when its workers die.

    Exits 0 if the failure was found, as it must be.
    """
    adapter = _find_backend(DEMO_BACKEND)
    click.echo(f"{DEMO_BACKEND}: {adapter.summary}. Its workers are about to be killed.")
    plan = _find_scenario(DEMO_SCENARIO).plan(0)
    runs = _carry_out([Experiment(plan, None)], adapter, "process", report, False)
    raise SystemExit(0 if runs[0].result.verdict == "violated" else 4)


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

    adapter = _find_backend(backend or "reference")
    if not isinstance(adapter, ReferenceAdapter):
        raise Fault(f"expected a backend built on the reference queue, found {adapter.name!r}")
    try:
        asyncio.run(serve(db, host, port, print_ready, adapter.decisions))
    except StoreError as error:
        raise Fault(str(error), ENVIRONMENT) from error
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise Fault(
            f"expected to listen on {host}:{port}, found: {reason}; "
            "choose another --port, or 0 for any free one",
            ENVIRONMENT,
        ) from error


def main() -> NoReturn:
    """The entry point: one sentence instead of a traceback, and the right exit code."""
    try:
        cli.main(prog_name="jobquake", standalone_mode=False)
        raise SystemExit(0)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        raise SystemExit(0) from None
    except click.ClickException as error:
        click.echo(f"jobquake: {error.format_message()}", err=True)
        raise SystemExit(error.exit_code) from None
    except (KeyboardInterrupt, click.Abort):
        click.echo("jobquake: interrupted; every process of the run has been ended", err=True)
        raise SystemExit(INTERRUPTED) from None


def _find_backend(name: str) -> Adapter:
    from .backends import registry

    try:
        return registry.find(name)
    except KeyError:
        raise Fault(_unknown("backend", name, registry.names())) from None


def _find_scenario(name: str) -> Scenario:
    from .scenarios import registry

    try:
        return registry.find(name)
    except KeyError:
        raise Fault(_unknown("scenario", name, registry.names())) from None


def _unknown(kind: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else "see 'jobquake list'"
    return f"expected the name of a {kind}, found {name!r}; {hint}"


def _experiments(names: tuple[str, ...], seed: int) -> list[Experiment]:
    from .scenarios import registry

    experiments = []
    for name in names or registry.names():
        base, colon, variant = name.partition(":")
        scenario = _find_scenario(base)
        if colon:
            if variant not in scenario.variants:
                raise Fault(_unknown(f"variant of {base}", variant, list(scenario.variants)))
            experiments.append(Experiment(scenario.plan(seed, variant), None))
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
    from rich.console import Console

    from .backends.adapter import Unavailable
    from .harness.drivers.process import EnvironmentFault
    from .harness.ledger import LedgerError
    from .harness.run import run
    from .reports import terminal

    single_page = report.suffix == ".html"
    if single_page and len(experiments) > 1:
        raise Fault(
            f"expected a folder for the reports of {len(experiments)} runs, found {report}; "
            "name a folder, or run one scenario variant"
        )
    _check_writable(report.parent if single_page else report)
    console = Console(stderr=as_json, highlight=False)
    runs = []
    for experiment in experiments:
        title = _title(experiment.plan)
        with console.status(f"{title} ...") as status:
            try:
                done = run(
                    experiment.plan,
                    adapter,
                    driver,
                    experiment.control,
                    _ticker(title, status.update) if console.is_terminal else None,
                )
            except (EnvironmentFault, LedgerError, Unavailable) as error:
                raise Fault(str(error), ENVIRONMENT) from error
        runs.append(done)
        page = _keep(done, report, single_page)
        console.print(terminal.line(done.result), markup=False, soft_wrap=True)
        if done.result.as_expected != "held":
            terminal.summary(done.result, console)
        console.print(f"  report: {page}", markup=False, soft_wrap=True)
    if as_json:
        click.echo(msgspec.json.encode([done.result for done in runs]))
    return runs


def _ticker(title: str, show: Callable[[str], None]) -> Callable[[Counter[str]], None]:
    def tick(counts: Counter[str]) -> None:
        told = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()) if n)
        show(f"{title}: {told}")

    return tick


def _title(plan: Plan) -> str:
    return plan.scenario if plan.variant == "default" else f"{plan.scenario}:{plan.variant}"


def _check_writable(folder: Path) -> None:
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
    from .harness.run import save
    from .reports import html

    page = html.page(done.result, done.plan, done.claims, done.history)
    result = done.result
    name = f"{result.scenario}-{result.variant}-{result.backend}-{result.driver}-{result.seed}"
    try:
        if single_page:
            partial = report.with_name(f".{report.name}.partial")
            partial.write_text(page)
            partial.replace(report)
            return report
        save(done, report / name, {"report.html": page})
        return report / name / "report.html"
    except OSError as error:
        raise Fault(
            f"expected to write the report to {report}, found: {error.strerror}; "
            f"run it again with another --report",
            ENVIRONMENT,
        ) from error


def _exit_code(runs: list[Run]) -> int:
    from .harness.result import EXIT

    verdicts = {done.result.as_expected for done in runs}
    for verdict in ("violated", "inconclusive"):
        if verdict in verdicts:
            return EXIT[verdict]
    return EXIT["held"]


if __name__ == "__main__":
    sys.exit(main())
