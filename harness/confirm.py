"""A violation that was found in leaping time, repeated in real time.

Leaping time is ours, so an accusation that rests on it alone may be our fault. The plan is run
again as it is, in real time, until a guarantee is broken that was broken before: then the finding
stands. One that does not come back is no accusation of the queue any more: the run is
inconclusive, and both histories are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import EnvironmentFault
from .result import Confirmation, ConfirmationOutcome, Result
from .run import Run, run
from .units import seconds
from .why_not import why_not

if TYPE_CHECKING:
    from ..backends.adapter import RemoteQueue
    from ..backends.framework import FrameworkSystem
    from ..backends.system import Time
    from .drivers.long_lived import LongLivedQueue
    from .plan.plan import Plan
    from .run import Driver

CONFIRM_S = 60.0
ATTEMPTS = 3  # what hangs on a race need not show itself at once
VANISHED = (
    "found in leaping time only, which is a fault of jobquake's and not of the queue's; both "
    "histories are kept, please report them"
)


def run_and_confirm(
    plan: Plan,
    adapter: RemoteQueue | FrameworkSystem,
    driver: Driver = "process",
    control: str | None = None,
    progress: Callable[..., None] | None = None,
    toxiproxy: str = "embedded",
    on: LongLivedQueue | None = None,
    time: Time | None = None,
    confirm_s: float = CONFIRM_S,
) -> Run:
    """:func:`.run.run`, and a violation that leaping time shows is repeated in real time.

    ``confirm_s``: a run that took longer is not repeated.
    """

    def once(time: Time | None) -> Run:
        return run(plan, adapter, driver, control, progress, toxiproxy, on, time)

    def hopeless() -> str | None:
        if on is not None:
            return "its queue has stood through other runs"
        return why_not(plan, adapter, driver, "real")

    return confirmed(once(time), lambda: once("real"), hopeless, confirm_s)


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
    if why := hopeless():
        return _told(found, "not repeated", f"not repeated in real time: {why}")
    if result.duration_s > limit_s:
        return _told(
            found,
            "not repeated",
            f"not repeated in real time: it took {seconds(result.duration_s)} in leaping time, "
            f"and runs of up to {seconds(limit_s)} are repeated",
        )
    repeats: list[Run] = []
    while len(repeats) < ATTEMPTS:
        try:
            repeats.append(again())
        except EnvironmentFault as error:
            return _told(found, "not repeated", f"not repeated in real time: {error}", repeats)
        if broken(result) & broken(repeats[-1].result):
            times = "" if len(repeats) == 1 else f", at attempt {len(repeats)}"
            return _told(found, "confirmed", f"violated in real time, too{times}", repeats)
    verdicts = ", ".join(repeat.result.verdict for repeat in repeats)
    if all(repeat.result.verdict == "inconclusive" for repeat in repeats):
        return _told(
            found,
            "not repeated",
            f"not confirmed in real time, where {ATTEMPTS} runs were inconclusive: "
            f"{repeats[-1].result.sentence}",
            repeats,
        )
    told = _told(
        found,
        "vanished",
        f"not violated in real time, where {ATTEMPTS} runs were {verdicts}",
        repeats,
    )
    sentence = f"{VANISHED}: {result.sentence}"
    return told._replace(result=replace(told.result, verdict="inconclusive", sentence=sentence))


def leapt(result: Result) -> bool:
    """Whether the run lived in leaping time."""
    return result.environment.get("time", "").startswith("leaping")


def broken(result: Result) -> set[str]:
    """The guarantees that the run says are violated."""
    return {check.name for check in result.checks if check.verdict == "violated"}


def _told(
    found: Run, outcome: ConfirmationOutcome, sentence: str, repeats: Sequence[Run] = ()
) -> Run:
    result = replace(found.result, confirmation=Confirmation(outcome, sentence))
    return found._replace(result=result, repeats=tuple(repeats))
