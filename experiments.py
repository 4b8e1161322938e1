"""Runs experiments with progress, saves and shows them.

What the commands in ``cli/commands`` have in common. It decides nothing about a run, and
reports in one sentence what a user can fix.
"""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import lookup
from .errors import (
    ENVIRONMENT,
    HELD,
    INCONCLUSIVE,
    VIOLATED,
    EnvironmentFault,
    NothingProved,
    UsageError,
)
from .publish import PAGES_ONLY, Wanted, publisher
from .skipping import Experiment, sort_out
from .whole_file import write_whole

__all__ = [
    "Experiment",
    "Wanted",
    "check_writable",
    "exit_code",
    "experiments_of",
    "packed_of",
    "run_experiments",
]

if TYPE_CHECKING:
    from rich.status import Status

    from .backends.adapter import Adapter
    from .backends.system import Time
    from .harness.plan.replay import Packed
    from .harness.result import Result
    from .harness.run import Driver, Run
    from .harness.skipped import Skipped


def kept_run(folder: Path) -> Run:
    """The run that is kept in the folder. Raises RunFolderError or DamagedRun if there is none."""
    from .harness.run_folder import load

    return load(folder)


def packed_of(what: str) -> tuple[Packed, Result | None]:
    """The plan of a replay string; of a run folder, its plan and what came of it then."""
    from .harness.checks import see_guarantees
    from .harness.plan.replay import PREFIX, decode

    then = None
    if not what.startswith(PREFIX) and os.path.exists(what):  # noqa: PTH110 (long names)
        then = kept_run(Path(what)).result
    packed = decode(then.replay if then else what)
    see_guarantees(packed.plan)
    return packed, then


def experiments_of(
    wanted: tuple[str, ...], seed: int, every: bool, driver: Driver | None
) -> list[Experiment]:
    """The scenarios by name, or ``every`` one that the driver can run, with their controls."""
    from .scenarios import registry

    experiments = []
    for name in wanted or (registry.names() if every else registry.main()):
        base, colon, variant = name.partition(":")
        scenario = lookup.scenario(base)
        chosen = driver or scenario.driver or "process"
        if not every:
            chosen = lookup.driver_of(scenario, driver, chosen)
        free, named = driver is None and scenario.driver is None, bool(wanted)
        variants = {scenario.variants[0]: None, **scenario.controls}
        if colon:
            variants = {lookup.variant(scenario, variant): None}
        experiments += [
            Experiment(scenario.plan(seed, one), check, chosen, scenario.driver, free, named)
            for one, check in variants.items()
        ]
    return experiments


def run_experiments(
    experiments: list[Experiment],
    adapters: Sequence[Adapter],
    report: Path,
    as_json: bool,
    toxiproxy: str = "embedded",
    wanted: Wanted = PAGES_ONLY,
    time: Time | None = None,
    confirm_s: float | None = None,
) -> list[Run]:
    """Run each experiment on each backend, with progress, reports and summaries.

    An unreachable backend does not stop the others: they are run and reported, and what is
    missing is reported at the end, by :class:`JobquakeError` unless a violation weighs more. So is
    what a backend cannot run; where nothing can be run at all, that is an error, too. A violation
    in leaping time is repeated in real time, unless the run took longer than ``confirm_s``.
    """
    import msgspec
    from rich.text import Text

    from .harness.confirm import CONFIRM_S, run_and_confirm
    from .protocol.ledger import LedgerError
    from .reports import terminal, text
    from .reports.plain import one_line

    pairs, skipped = sort_out(experiments, adapters, time)
    if not pairs:
        raise _all_skipped(skipped)
    single_page = report.suffix == ".html" and not report.is_dir()
    several = len(pairs)
    if single_page and several > 1:
        raise UsageError(
            f"expected a folder for the reports of {several} runs, found {report}; "
            "name a folder, or run one scenario variant"
        )
    if single_page and (wanted.files or wanted.earlier):
        raise UsageError(
            f"expected a folder for --format and --earlier, found {report}; name a folder"
        )
    publishing = publisher(wanted)
    check_writable(report.parent if single_page else report)
    console = terminal.console(stderr=as_json)
    runs, pages, missing = [], [], dict[str, str]()
    for adapter, experiment in pairs:
        if adapter.name in missing:
            continue
        title = experiment.plan.full_name
        began = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")
        with console.status(Text(f"{title} ...")) as status:
            try:
                done = run_and_confirm(
                    experiment.plan,
                    adapter,
                    experiment.driver,
                    experiment.control,
                    _ticker(title, status) if console.is_terminal else None,
                    toxiproxy,
                    time=time,
                    confirm_s=CONFIRM_S if confirm_s is None else confirm_s,
                )
            except (EnvironmentFault, LedgerError) as error:
                missing[adapter.name] = str(error)
                continue
        done = done._replace(began=began, host=platform.node())
        page, replaced = _keep(done, report, single_page, wanted.files)
        runs.append(done)
        pages.append(page)
        text.tell(done, console, _again(done, page, single_page, wanted.full))
        instead = "  (in place of an earlier run)" if replaced else ""
        console.print(f"  report: {page}{instead}", soft_wrap=True)
    for skip in skipped:
        console.print(one_line(skip.sentence), soft_wrap=True)
    if missing and not runs:
        raise _unable(missing, len(adapters))
    if not single_page:
        for file in publishing.write(runs, pages, report, missing, skipped):
            console.print(f"  written: {file}", soft_wrap=True)
    publishing.tell_github(runs, pages, as_json, skipped)
    if as_json:
        click.echo(msgspec.json.encode([done.result for done in runs]))
    if missing:
        unable = _unable(missing, len(adapters))
        if all(done.result.as_expected != "violated" for done in runs):
            raise unable
        click.echo(f"jobquake: {unable}", err=True)
    return runs


def _unable(missing: dict[str, str], backends: int) -> EnvironmentFault:
    """What became of the backends that could not be run, a line for each."""
    from .reports.plain import one_line

    reasons = [one_line(f"{name}: {why}" if backends > 1 else why) for name, why in missing.items()]
    return EnvironmentFault("\n".join(reasons))


def _ticker(title: str, status: Status) -> Callable[[Counter[str]], None]:
    from rich.text import Text

    def tick(counts: Counter[str]) -> None:
        counted = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()) if n)
        status.update(Text(f"{title}: {counted}"))

    return tick


def _all_skipped(skipped: Sequence[Skipped]) -> NothingProved:
    """Nothing was run, so nothing was proved."""
    from .reports.plain import one_line

    return NothingProved(
        "\n".join(
            [
                "expected a scenario that can be run there, found none; name another backend",
                *(one_line(skip.sentence) for skip in skipped),
            ]
        )
    )


def check_writable(folder: Path, option: str = "--report") -> None:
    """Check before the work whether its reports can go there. Raises :class:`JobquakeError`."""
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise EnvironmentFault(
            f"expected to write reports to {folder}, found: {error.strerror}; "
            f"name another place with {option}"
        ) from error


def _again(done: Run, page: Path, single_page: bool, full: bool) -> str:
    """What to type to see it again: the kept folder is shorter than the whole plan."""
    if full:
        return done.result.replay_command
    if single_page:
        return f"the command is on {page}; --full shows it here"
    return done.result.again(str(page.parent))


def _keep(done: Run, report: Path, single_page: bool, formats: Iterable[str]) -> tuple[Path, bool]:
    """Write the run's report, in a run folder of its own or as one page; where it is, and whether
    there was another.
    """
    from .harness.run_folder import folder_name, save
    from .reports import html
    from .reports.registry import files_of_one

    result = done.result
    page = html.page(result, done.plan, done.claims, done.history)
    name = folder_name(result.scenario, result.variant, result.backend, result.driver, result.seed)
    place = report if single_page else report / name / "report.html"
    replaced = place.exists()
    try:
        if single_page:
            write_whole(report, page)
            return place, replaced
        others = files_of_one(formats, done)
        save(done, report / name, {"report.html": page, **others})
        return place, replaced
    except OSError as error:
        raise EnvironmentFault(
            f"expected to write the report to {report}, found: {error.strerror}; "
            f"run it again with another --report"
        ) from error


def exit_code(runs: list[Run]) -> int:
    """The gravest of the runs: violated, the environment's, inconclusive, held."""
    codes = {done.result.exit_code for done in runs}
    return next((code for code in (VIOLATED, ENVIRONMENT, INCONCLUSIVE) if code in codes), HELD)
