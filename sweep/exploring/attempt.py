"""One plan, run on the app's own workers from a fresh state, and what became of each job.

What leaping time shows to be broken is repeated in real time only where that is asked for.
"""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ...backends.system import Time
from ...errors import EnvironmentFault
from ...frameworks.system import AppSystem
from ...harness.confirm import CONFIRM_S, VANISHED, Said, hurried, leapt, repeated, told_of
from ...harness.drivers.trips import Record
from ...harness.plan.plan import Plan
from ...harness.record.facts import Facts
from ...harness.record.history import Event
from ...harness.record.story import tell
from ...harness.result import Confirmation, Result
from ...harness.run import Run, run
from ..boundaries import Boundary
from ..effects import differences, effects
from ..judging import RETURNED, by_effects, outcome_of, sentence, told
from ..outcome import LOOKS, ORDER, Gravity, Outcome
from .orders import ends, orders, places
from .strikes import name_of

# Which guarantee an outcome breaks; where the library does not claim it, nothing is broken.
GUARANTEES: dict[Outcome, str] = {
    "lost": "no_lost_work",
    "stuck": "progress_after_heal",
    "phantom": "no_phantoms",
}
HELD: tuple[Outcome, ...] = ("held", "stuck")


class Asked(NamedTuple):
    """What all runs have in common. ``clean``: the effects of an unbroken job."""

    system: AppSystem
    idle: frozenset[str]
    time: Time | None = None
    clean: tuple[str, ...] = ()
    confirm_s: float = CONFIRM_S


class Tried(Struct, frozen=True):
    """What one run showed.

    ``outcomes`` are of its jobs, by number, and ``broken`` those that break what the library
    claims. ``struck``: the numbers of the plan's faults that struck. ``job`` is the one that
    ``sentence`` and ``story`` are about, ``seen`` what was to be seen of orders and ends, and
    ``places`` may be struck in another run. ``why`` it proves nothing: its environment failed it.
    """

    outcomes: tuple[Outcome, ...] = ()
    broken: frozenset[Outcome] = frozenset()
    struck: tuple[int, ...] = ()
    job: int = -1
    sentence: str = ""
    story: tuple[str, ...] = ()
    logged: tuple[str, ...] = ()
    seen: frozenset[str] = frozenset()
    places: tuple[Boundary, ...] = ()
    again: str = ""
    lasted_s: float = 0.0
    real_s: float = 0.0
    why: str = ""
    confirmation: Confirmation | None = None

    @property
    def worst(self) -> Outcome:
        """The gravest outcome; of a run that failed ``unproved``, of one without a strike not hit.

        What breaks something comes first.
        """
        if self.why:
            return "unproved"
        if not self.struck and not self.broken:
            return "not hit"
        return max(self.broken or self.outcomes, key=ORDER.index)

    @property
    def waits(self) -> bool:
        """Whether work is held at the end, and it is not known for how long."""
        return not self.broken and any(one in HELD for one in self.outcomes)

    @property
    def gravity(self) -> Gravity:
        if self.broken and not self.why:
            return "violated"
        gravity = LOOKS[self.worst].gravity
        return "told" if gravity == "violated" else gravity


def attempt(asked: Asked, plan: Plan) -> Tried:
    """Run that plan once, in the time that was asked for."""
    return _guarded(asked, plan)[0]


def shown(asked: Asked, plan: Plan, folder: Path, wanted: Sequence[Outcome], tries: int) -> Tried:
    """Run the plan until it breaks as wanted, up to ``tries`` times, repeat that in real time, and
    keep the run in ``folder``; the last run if none does.
    """
    from ...harness.run_folder import save

    for _ in range(tries):
        tried, done = _guarded(asked, plan)
        if tried.broken & set(wanted) and done is not None:
            break
    if done is None:
        return tried
    if tried.broken & set(wanted) and leapt(done.result):
        tried, done = _confirmed(asked, tried, done)
    save(done, folder)
    return tried


def _guarded(asked: Asked, plan: Plan) -> tuple[Tried, Run | None]:
    begun_s = clock.monotonic()
    try:
        done, record = _run(asked, plan, asked.time)
        tried = judged(asked, done, record)
    except EnvironmentFault as error:
        tried, done = Tried(why=str(error)), None
    return replace(tried, real_s=round(clock.monotonic() - begun_s, 3)), done


def _run(asked: Asked, plan: Plan, time: Time | None) -> tuple[Run, Record]:
    record = Record()
    return run(plan, asked.system, "process", time=time, record=record), record


def judged(asked: Asked, done: Run, record: Record) -> Tried:
    """What that run shows, by its ledger."""
    plan, result = done.plan, done.result
    facts = Facts(plan, done.claims, done.history)
    struck = sorted({int(n) for n in facts.history["fault"][facts.rows(Event.FAULT_STRUCK)]})
    outcomes = [outcome_of(facts, job) for job in range(facts.jobs)]
    sound = all(outcome in RETURNED for outcome in outcomes)
    # Where a job is not done as it should be, nobody knows whose an effect was.
    behind = Counter(list(asked.clean) * (facts.jobs - 1))
    differs = differences(asked.clean, effects(record.trips), behind) if sound else ()
    broken = {outcome for outcome in outcomes if breaks(outcome, result)}
    if sound and by_effects("done", differs) == "missing":
        broken.add("missing")
        outcomes[0] = "missing"
    elif sound and by_effects("done", differs) == "repeated":
        outcomes[0] = "repeated"
    job = max(
        range(facts.jobs), key=lambda n: (outcomes[n] in broken, ORDER.index(outcomes[n]), -n)
    )
    words = sentence(facts, job, outcomes[job], result.where.get(job, ""))
    names = [name_of(plan.faults[number]) for number in struck]
    return Tried(
        outcomes=tuple(outcomes),
        broken=frozenset(broken),
        struck=tuple(struck),
        job=job,
        sentence=words + told(outcomes[job], differs, asked.clean),
        story=tuple(tell(facts, job)),
        logged=result.logged.get(job, ()),
        seen=frozenset(orders(record.trips, asked.idle) | ends(names, outcomes)),
        places=places(record.trips, asked.idle, record.began_s),
        again=result.replay_command,
        lasted_s=result.duration_s,
        why="" if broken or not any(doubtful(one, result) for one in outcomes) else result.sentence,
    )


def breaks(outcome: Outcome, result: Result) -> bool:
    """Whether that outcome of a job breaks what the library claims, by the checks of its run."""
    return _answer(outcome, result) == "violated"


def doubtful(outcome: Outcome, result: Result) -> bool:
    """Whether the run cannot say what that outcome means: then it proves nothing."""
    return outcome == "unproved" or _answer(outcome, result) == "inconclusive"


def _answer(outcome: Outcome, result: Result) -> str:
    verdicts = {check.name: check.verdict for check in result.checks}
    return verdicts.get(GUARANTEES.get(outcome, ""), "")


def _confirmed(asked: Asked, tried: Tried, done: Run) -> tuple[Tried, Run]:
    """What leaping time has shown, and whether real time shows it, too."""
    hurry = hurried(done.plan, asked.confirm_s)
    spared_s = done.plan.recovery_s - hurry.recovery_s
    said = Said(tried.broken, tried.worst, tried.sentence, max(0.0, tried.lasted_s - spared_s))

    def again() -> tuple[Tried, Run]:
        real, record = _run(asked, hurry, "real")
        return judged(asked, real, record), real

    def words(pair: tuple[Tried, Run]) -> Said:
        one = pair[0]
        verdict = "inconclusive" if one.gravity == "inconclusive" else one.worst
        return Said(one.broken, verdict, one.sentence, one.lasted_s)

    confirmation, pairs = repeated(said, again, words, limit_s=asked.confirm_s)
    tried = replace(tried, confirmation=confirmation)
    if confirmation.outcome == "vanished":
        tried = replace(tried, why=f"{VANISHED}: {tried.sentence}")
    return tried, told_of(done, confirmation, [real for _, real in pairs])
