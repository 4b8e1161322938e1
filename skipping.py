"""What can be run of what was asked for: the rest is skipped by name, with the reason.

A scenario that somebody named and no backend can run is a mistake of theirs; one of many is
skipped, and told at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .errors import UsageError

if TYPE_CHECKING:
    from .backends.adapter import RemoteQueue
    from .backends.framework import FrameworkSystem
    from .backends.system import Driver, Time
    from .harness.plan.plan import Plan
    from .harness.skipped import Skipped

    System = RemoteQueue | FrameworkSystem


class Experiment(NamedTuple):
    """One thing to run: a plan, the check that must find it wanting, if any, and its driver.

    ``only`` is the driver that can run it, if one alone can. ``free``: nobody asked for a
    driver, so a backend that has not this one may take another. ``named``: somebody asked for
    this very scenario.
    """

    plan: Plan
    control: str | None
    driver: Driver
    only: Driver | None = None
    free: bool = False
    named: bool = False


def sort_out(
    experiments: Sequence[Experiment], systems: Sequence[System], time: Time | None = None
) -> tuple[list[tuple[System, Experiment]], list[Skipped]]:
    """What to run, backend by backend, and what to skip.

    Raises :class:`UsageError` about a scenario that was asked for by name and that none of the
    backends can run.
    """
    from .harness.skipped import Skipped

    wanted, skipped = list[tuple["System", Experiment]](), list[Skipped]()
    for system in systems:
        for experiment in experiments:
            chosen = experiment
            if experiment.free:
                chosen = experiment._replace(driver=fitted(experiment.driver, system))
            why = _why_not(chosen, system, time)
            if why is None:
                wanted.append((system, chosen))
            else:
                skipped.append(Skipped(experiment.plan.full_name, system.name, why))
    _see_named(experiments, wanted, skipped)
    return wanted, skipped


def fitted(driver: Driver, system: System) -> Driver:
    """That driver if the backend has it, else the one that it has."""
    from .backends.system import drivers

    able = drivers(system)
    return driver if driver in able else able[0]


def refusal(scenario: str, backend: str, why: str) -> str:
    """What to say of a scenario that somebody named and that this backend cannot run."""
    return (
        f"expected a scenario that {backend} can run, found {scenario}: {why}; "
        "name another backend or another scenario"
    )


def _why_not(experiment: Experiment, system: System, time: Time | None) -> str | None:
    from .harness.why_not import why_not

    if experiment.only and experiment.driver != experiment.only:
        return f"only the driver {experiment.only} can run it"
    return why_not(experiment.plan, system, experiment.driver, time)


def _see_named(
    experiments: Sequence[Experiment],
    wanted: Sequence[tuple[System, Experiment]],
    skipped: Sequence[Skipped],
) -> None:
    """Raise :class:`UsageError` about the first that was named in vain."""
    runs = {experiment.plan.full_name for _, experiment in wanted}
    for experiment in experiments:
        name = experiment.plan.full_name
        if experiment.named and name not in runs:
            why = next(skip for skip in skipped if skip.scenario == name)
            raise UsageError(refusal(*why))
