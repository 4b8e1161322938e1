"""One run from plan to verdict.

    plan --driver--> history --checks--> result

Where it can be kept is for :mod:`.run_folder`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from msgspec.structs import replace

from .._moved import names_of
from ..backends.adapter import Claims, QueueSystem, RemoteQueue
from ..backends.framework import FrameworkSystem
from ..backends.system import Found, see_driver
from ..blame import blaming
from .checks import see_guarantees
from .plan.plan import Plan
from .plan.validate import validate
from .plan.within import within
from .record.history import History
from .result import OPTIONS, Result, judge

if TYPE_CHECKING:
    from ..backends.system import Found, Time
    from .drivers.long_lived import LongLivedQueue
    from .drivers.trips import Record

Driver = Literal["sim", "process"]
DRIVERS: tuple[Driver, ...] = ("process", "sim")
__getattr__ = names_of(__name__, "jobquake.harness.run_folder")


class Run(NamedTuple):
    """A judged run with everything that a report needs. ``ledger``: bytes, or None in sim.

    ``repeats``: runs of the same plan in real time that were to confirm it: see :mod:`.confirm`.
    """

    result: Result
    plan: Plan
    claims: Claims
    history: History
    ledger: bytes | None = None
    repeats: tuple[Run, ...] = ()


def run(
    plan: Plan,
    adapter: RemoteQueue | FrameworkSystem,
    driver: Driver = "process",
    control: str | None = None,
    progress: Callable[..., None] | None = None,
    toxiproxy: str = "embedded",
    on: LongLivedQueue | None = None,
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
    ledger: bytes | None = None
    network, passed = "simulated", "virtual"
    where: Mapping[int, str] = {}
    logged: Mapping[int, tuple[str, ...]] = {}
    with blaming(adapter.name):
        if on is not None:
            history, ledger, network, where, passed, logged = on.shake(plan)
        elif isinstance(adapter, FrameworkSystem):
            from .drivers.framework import shake_framework

            history, ledger, network, where, passed, logged = shake_framework(
                plan, adapter, progress, toxiproxy, time, record
            )
        elif driver == "sim":
            from .drivers.sim import simulate

            history = simulate(plan, cast("QueueSystem", adapter))
        else:
            from .drivers.process import shake

            history, ledger, network, where, passed, logged = shake(
                plan, adapter, progress, toxiproxy, time=time
            )
    result = judge(plan, adapter, history, driver, control, where=where, logged=logged)
    environment = result.environment | {"network": network, "time": passed}
    if isinstance(adapter, Found):
        environment[OPTIONS] = adapter.options
    result = replace(result, environment=environment)
    return Run(result, plan, adapter.claims, history, ledger)
