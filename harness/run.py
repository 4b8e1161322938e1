"""One run from plan to verdict.

    plan --driver--> history --checks--> result

Where it can be kept is for :mod:`.run_folder`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from msgspec.structs import replace

from .._moved import names_of
from ..backends.adapter import Claims, QueueSystem, RemoteQueue
from ..backends.framework import FrameworkSystem
from ..backends.system import Found, see_driver
from ..blame import blaming
from .checks import see_guarantees
from .drivers.execution import Execution, Shaken
from .plan.plan import Plan
from .plan.validate import validate
from .plan.within import within
from .record.history import History
from .result import OPTIONS, Result, judge

if TYPE_CHECKING:
    from ..backends.system import Found, Time
    from .drivers.trips import Record

Driver = Literal["sim", "process"]
DRIVERS: tuple[Driver, ...] = ("process", "sim")
__getattr__ = names_of(__name__, "jobquake.harness.run_folder")


class Run(NamedTuple):
    """A judged run with everything that a report needs. ``ledger``: bytes, or None in sim.

    ``repeats``: runs of the same plan in real time that were to confirm it: see :mod:`.confirm`.
    ``began``, in UTC, and ``host``: when and where, if a command ran it.
    """

    result: Result
    plan: Plan
    claims: Claims
    history: History
    ledger: bytes | None = None
    repeats: tuple[Run, ...] = ()
    began: str = ""
    host: str = ""


def run(
    plan: Plan,
    adapter: RemoteQueue | FrameworkSystem,
    driver: Driver = "process",
    control: str | None = None,
    progress: Callable[..., None] | None = None,
    toxiproxy: str = "embedded",
    on: Shaken | None = None,
    time: Time | None = None,
    record: Record | None = None,
) -> Run:
    """Execute the plan on a queue or a framework and judge it.

    ``control`` names the check that this plan is meant to violate. ``progress`` is called
    now and then with a Counter. ``toxiproxy`` says whose network real processes use:
    ``embedded``, the path of a server's program, or the address of a server's API. ``on`` is
    a queue that has stood through other runs of that driver; without it, it is a new one.
    ``time``: whether real processes live in leaping or in real time; None: leaping where it
    can be.
    ``record`` takes down each round trip of a framework. Raises ``PlanError`` if the plan makes
    no sense, ``UsageError`` if the system has no such driver, and ``EnvironmentFault`` if
    processes cannot be run.
    """
    validate(plan)
    see_guarantees(plan)
    see_driver(driver, adapter)
    plan = within(plan, adapter.claims)
    with blaming(adapter.name):
        done = _executed(plan, adapter, driver, progress, toxiproxy, on, time, record)
    history = done.history
    result = judge(
        plan,
        adapter,
        history,
        driver,
        control,
        where=done.where,
        logged=done.logged,
        judgements=done.judgements,
    )
    environment = result.environment | {"network": done.network, "time": done.time}
    if isinstance(adapter, Found):
        environment[OPTIONS] = adapter.options
    result = replace(result, environment=environment)
    return Run(result, plan, adapter.claims, history, done.ledger)


def _executed(
    plan: Plan,
    adapter: RemoteQueue | FrameworkSystem,
    driver: Driver,
    progress: Callable[..., None] | None,
    toxiproxy: str,
    on: Shaken | None,
    time: Time | None,
    record: Record | None,
) -> Execution:
    """By that driver; see :func:`run`."""
    if on is not None:
        return on.shake(plan)
    if isinstance(adapter, FrameworkSystem):
        from .drivers.framework import shake_framework

        return shake_framework(plan, adapter, progress, toxiproxy, time, record)
    if driver == "sim":
        from .drivers.sim import simulate

        return Execution(simulate(plan, cast("QueueSystem", adapter)), None, "simulated")
    from .drivers.process import shake

    return shake(plan, adapter, progress, toxiproxy, time=time)
