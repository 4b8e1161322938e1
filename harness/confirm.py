"""A violation that was found in leaping time, repeated in real time.

Leaping time is ours, so an accusation that rests on it alone may be our fault. The plan is run
again as it is, in real time, until a guarantee is broken that was broken before: then the finding
stands. One that does not come back is no accusation of the queue any more: the run is
inconclusive, and both histories are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from msgspec.structs import replace

from ..errors import EnvironmentFault
from .result import Confirmation, Result
from .run import Run, run
from .units import seconds
from .why_not import why_not

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from ..backends.adapter import RemoteQueue
    from ..backends.framework import FrameworkSystem
    from ..backends.system import Time
    from .drivers.execution import Shaken
    from .plan.plan import Plan
    from .run import Driver

CONFIRM_S = 60.0
ATTEMPTS = 3  # what hangs on a race need not show itself at once
VANISHED = (
    "found in leaping time only, which is a fault of jobquake's and not of the queue's; both "
    "histories are kept, please report them"
)

T = TypeVar("T")


class Said(NamedTuple):
    """What a run says of a system: what is ``broken``, and how long it took to show that."""

    broken: AbstractSet[str]
    verdict: str
    sentence: str
    lasted_s: float


def run_and_confirm(
    plan: Plan,
    adapter: RemoteQueue | FrameworkSystem,
    driver: Driver = "process",
    control: str | None = None,
    progress: Callable[..., None] | None = None,
    toxiproxy: str = "embedded",
    on: Shaken | None = None,
    time: Time | None = None,
    confirm_s: float = CONFIRM_S,
) -> Run:
    """:func:`.run.run`, and a violation that leaping time shows is repeated in real time.

    ``confirm_s``: a run that took longer is not repeated.
    """

    in_real_time = hurried(plan, confirm_s)

    def once(plan: Plan, time: Time | None) -> Run:
        return run(plan, adapter, driver, control, progress, toxiproxy, on, time)

    def hopeless() -> str | None:
        if on is not None:
            return "its queue has stood through other runs"
        return why_not(in_real_time, adapter, driver, "real")

    return confirmed(once(plan, time), lambda: once(in_real_time, "real"), hopeless, confirm_s)


def hurried(plan: Plan, limit_s: float) -> Plan:
    """The plan for a repetition: it waits ``limit_s`` for what a library brings back by itself.

    What did not take long in leaping time may take an hour in real time, where another job than
    then was in hand.
    """
    less_s = max(0.0, plan.recovery_s - limit_s)
    later_s = max(plan.deadline_s - less_s, min(plan.deadline_s, limit_s))
    return replace(plan, recovery_s=plan.recovery_s - less_s, deadline_s=later_s)


def confirmed(
    found: Run,
    again: Callable[[], Run],
    hopeless: Callable[[], str | None] = lambda: None,
    limit_s: float = CONFIRM_S,
) -> Run:
    """The run, and whether real time shows the same, if it accuses somebody by leaping time.

    ``again`` runs its plan in real time, ``hopeless`` says in a clause why that can prove nothing.
    What was repeated is in ``repeats``. Where a repetition raises :class:`EnvironmentFault`, the
    finding stands as one that was not repeated.
    """
    result = found.result
    if result.as_expected != "violated" or not leapt(result):
        return found
    confirmation, repeats = repeated(said_by(found), again, said_by, hopeless, limit_s)
    return told_of(found, confirmation, repeats)


def repeated(
    found: Said,
    again: Callable[[], T],
    said: Callable[[T], Said],
    hopeless: Callable[[], str | None] = lambda: None,
    limit_s: float = CONFIRM_S,
) -> tuple[Confirmation, tuple[T, ...]]:
    """What became in real time of what leaping time has shown, and the repetitions.

    ``said`` is what one of them says; else as in :func:`confirmed`.
    """
    why = hopeless()
    if why is None and found.lasted_s > limit_s:
        why = f"it took {seconds(found.lasted_s)} in leaping time, and runs of up to "
        why += f"{seconds(limit_s)} are repeated"
    if why is not None:
        return Confirmation("not repeated", f"not repeated in real time: {why}"), ()
    repeats: list[T] = []
    while len(repeats) < ATTEMPTS:
        try:
            repeats.append(again())
        except EnvironmentFault as error:
            sentence = f"not repeated in real time: {error}"
            return Confirmation("not repeated", sentence), tuple(repeats)
        if found.broken & said(repeats[-1]).broken:
            times = "" if len(repeats) == 1 else f", at attempt {len(repeats)}"
            return Confirmation("confirmed", f"violated in real time, too{times}"), tuple(repeats)
    verdicts = [said(repeat).verdict for repeat in repeats]
    if set(verdicts) == {"inconclusive"}:
        sentence = (
            f"not confirmed in real time, where {ATTEMPTS} runs were inconclusive: "
            f"{said(repeats[-1]).sentence}"
        )
        return Confirmation("not repeated", sentence), tuple(repeats)
    sentence = f"not violated in real time, where {ATTEMPTS} runs were {', '.join(verdicts)}"
    return Confirmation("vanished", sentence), tuple(repeats)


def said_by(run: Run) -> Said:
    """What a run says, as far as another may confirm it."""
    result = run.result
    return Said(broken(result), result.verdict, result.sentence, result.duration_s)


def told_of(found: Run, confirmation: Confirmation, repeats: Sequence[Run] = ()) -> Run:
    """The run with what became of its finding; one that vanished accuses nobody any more."""
    result = replace(found.result, confirmation=confirmation)
    if result.vanished and result.verdict == "violated":
        sentence = f"{VANISHED}: {result.sentence}"
        result = replace(result, verdict="inconclusive", sentence=sentence)
    return found._replace(result=result, repeats=tuple(repeats))


def leapt(result: Result) -> bool:
    """Whether the run lived in leaping time."""
    return result.environment.get("time", "").startswith("leaping")


def broken(result: Result) -> set[str]:
    """The guarantees that the run says are violated."""
    return {check.name for check in result.checks if check.verdict == "violated"}
