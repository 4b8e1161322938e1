"""``jobquake.run``: one experiment, from what people mean by it to its verdict.

The pytest fixture and Python users come through here, so a name, an object and a default mean
the same for both. Finds what was meant and says in one sentence what makes no sense; the run
itself is ``harness/run.py``'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import lookup
from .errors import UsageError
from .witness import tell

if TYPE_CHECKING:
    from .backends.adapter import RemoteQueue
    from .backends.system import Time
    from .harness.drivers.long_lived import LongLivedQueue
    from .harness.plan.plan import Plan
    from .harness.result import Result
    from .harness.run import Driver, Run
    from .scenarios.scenario import Scenario

BACKEND = "reference"
DRIVER: Driver = "process"
NEEDED = ("name", "summary", "claims", "violates", "framing", "server")  # of any system


def run(
    what: str | Scenario | Plan,
    backend: str | RemoteQueue = BACKEND,
    driver: Driver | None = None,
    control: str | None = None,
    progress: Callable[..., None] | None = None,
    toxiproxy: str = "embedded",
    on: LongLivedQueue | None = None,
    *,
    time: Time | None = None,
    confirm_s: float | None = None,
    seed: int = 0,
    variant: str | None = None,
) -> Run:
    """Run a scenario (a name, ``name:variant``, a Scenario) or a Plan on a backend; judge it.

    ``backend`` is a name or an object. ``driver`` None: the only one that can run the scenario,
    else ``process``, else the one that the backend has. ``seed`` and ``variant`` are for
    scenarios; a plan has its own. ``control`` names the check that must be violated.
    ``progress`` is called with figures now and then.
    ``toxiproxy`` says whose network real processes use: ``embedded``, the path of a server's
    program, or the address of a server's API. ``on`` is a queue that has stood through other
    runs of that driver; without it, it is a new one. ``time``: whether the time of real
    processes leaps while all of them wait (``leap``) or is ``real``; None: it leaps where it can.
    A violation that leaping time shows is repeated in real time if the run took no more than
    ``confirm_s`` seconds (None: a minute), and ``result.confirmation`` tells what came of that.

    Raises UsageError, UnknownName, WrongDriver or PlanError about what makes no sense, or about a
    scenario that proves nothing on that backend, and EnvironmentFault if it cannot be run here.
    """
    from .harness.confirm import CONFIRM_S, run_and_confirm
    from .harness.why_not import why_not
    from .skipping import fitted, refusal

    plan, scenario = plan_of(what, variant, seed)
    lookup.guarantees(plan)
    system = backend_of(backend)
    wanted = None if driver is None else lookup.driver(driver)
    chosen = wanted or fitted(DRIVER, system)
    if scenario:
        chosen = lookup.driver_of(scenario, wanted, chosen)
        if why := why_not(plan, system, chosen, time):
            raise UsageError(refusal(plan.full_name, system.name, why))
    limit_s = CONFIRM_S if confirm_s is None else confirm_s
    return tell(
        run_and_confirm(plan, system, chosen, control, progress, toxiproxy, on, time, limit_s)
    )


def assert_holds(plan: Plan | str, backend: str | RemoteQueue, driver: Driver = "sim") -> Result:
    """Run the plan, or a replay string's plan, and return the result if it held.

    Raises AssertionError with sentence, story and replay string if a guarantee was violated.
    A run that proved nothing is no pass, either: in a test of Hypothesis the example is
    discarded, elsewhere it is an AssertionError.
    """
    from .harness import assertions

    __tracebackhide__ = True
    return assertions.assert_holds(plan, backend_of(backend), lookup.driver(driver))


def validate(plan: Plan) -> None:
    """See that the plan makes sense, and each of its guarantees has a check. Raises PlanError."""
    from .harness.checks import see_guarantees
    from .harness.plan import validate as plans

    plans.validate(plan)
    see_guarantees(plan)


def plan_of(
    what: str | Scenario | Plan, variant: str | None = None, seed: int = 0
) -> tuple[Plan, Scenario | None]:
    """The plan that was meant, and the scenario that made it, if one did."""
    from .harness.plan.plan import Plan
    from .scenarios.scenario import Scenario

    if isinstance(what, Plan):
        return what, None
    _expect("seed", "a whole number", seed, int)
    _expect("variant", "the name of a variant", variant, str, type(None))
    if isinstance(what, str):
        name, _, suffix = what.partition(":")
        what, variant = lookup.scenario(name), variant or suffix or None
    _expect("scenario", "a name, a Scenario or a Plan", what, Scenario)
    return what.plan(seed, lookup.variant(what, variant) if variant else None), what


def backend_of(backend: str | RemoteQueue) -> RemoteQueue:
    """The backend that was meant."""
    if isinstance(backend, str):
        return lookup.backend(backend)
    if lacking := [name for name in NEEDED if not hasattr(backend, name)]:
        raise UsageError(
            f"expected a name or an adapter as backend, found {backend!r}, which has no "
            f"{lacking[0]}; see jobquake.adapters for what an adapter needs"
        )
    return backend


def _expect(name: str, expected: str, found: Any, *types: type) -> None:
    if not isinstance(found, types) or isinstance(found, bool):
        raise UsageError(f"expected {expected} as {name}, found {found!r}; pass {expected}")
