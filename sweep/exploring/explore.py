"""From plan to plan until the budget is spent: each is drawn, run, judged, and learnt from.

Two processes run plans. When one breaks that what is known does not explain, both of them repeat it
and make it smaller before the search goes on. What is found is kept at once.
"""

from __future__ import annotations

import time as clock
from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from math import inf
from pathlib import Path
from random import Random
from typing import NamedTuple

from msgspec.structs import replace

from ...errors import EnvironmentFault
from ...harness.plan.plan import Plan
from ...harness.plan.replay import unpack
from ...kept import Kept
from ..boundaries import Boundary
from ..outcome import Outcome
from .attempt import Tried
from .crew import Crew
from .draw import Ground, drawn, forced, mutated, patient
from .examine import Broken, examined
from .finding import Finding
from .search import MOST_LISTED, Listed, Search
from .strikes import names_of, told
from .trials import trials_for

KEPT = 64  # plans that showed something new, the newest
REDRAWN = 50  # times, until a plan does not only show what is known
FRESH, FORCED = 0.5, 0.3  # of all plans, once there is one to change; the rest are mutations
LATE_S = 20.0  # is waited for runs that go on when the budget is spent
WAITED = "waited"  # again, for what it held


class Limits(NamedTuple):
    """When to end: after so many seconds or plans. ``grace``: for how many budgets more what was
    found may be made smaller.
    """

    seconds: float = inf
    plans: int | None = None
    keep_going: bool = False
    repeats: int = 5
    grace: float = 0.5


class Drawn(NamedTuple):
    """A plan as the how manieth it was drawn, and in which way.

    ``before``: what an impatient run of it had come to.
    """

    number: int
    how: str
    plan: Plan
    before: Outcome | None = None


Progress = Callable[[Search], None]


def explored(
    crew: Crew,
    ground: Ground,
    limits: Limits,
    kept: Kept[Finding],
    folder: Path,
    seed: int = 0,
    swept: Collection[str] = (),
    stopped: Callable[[], bool] = lambda: False,
    progress: Progress = lambda search: None,
) -> Search:
    """Explore until something is found, with ``keep_going`` until the limits.

    ``kept`` holds the findings that are known, which are not looked for again, and is given new
    ones; their runs lie in ``folder``. No plan is drawn with a strike of ``swept``. Ends with what
    it has at Ctrl-C, and once ``stopped()``.
    """
    search = Search(seed)
    searching = _Searching(crew, ground, limits, kept, folder, search, frozenset(swept), progress)
    try:
        searching.run(stopped)
    except KeyboardInterrupt:
        search.interrupted = True
    except BrokenProcessPool as error:
        raise EnvironmentFault(
            f"expected processes that run plans, found that one of them died: {error}; what was "
            f"found until then is kept in {folder}"
        ) from error
    searching.see()
    return search


class _Searching:
    def __init__(
        self,
        crew: Crew,
        ground: Ground,
        limits: Limits,
        kept: Kept[Finding],
        folder: Path,
        search: Search,
        swept: frozenset[str],
        progress: Progress,
    ) -> None:
        self.search = search
        self._crew, self._ground, self._limits = crew, ground, limits
        self._kept, self._folder, self._progress = kept, folder, progress
        self._swept = swept
        self._began_s = clock.monotonic()
        self._until_s = self._began_s + limits.seconds
        self._learnt = deque[tuple[Plan, Sequence[Boundary]]](maxlen=KEPT)
        self._numbers = 0
        self._to_wait = deque[Drawn]()
        self._waited = set[frozenset[str]]()

    def run(self, stopped: Callable[[], bool]) -> None:
        self._try_known(stopped)
        under_way = dict[Future[Tried], Drawn]()
        while True:
            while len(under_way) < self._crew.size and self._goes_on() and not stopped():
                waiting = any(ran.how == WAITED for ran in under_way.values())
                plan = self._to_wait.popleft() if self._to_wait and not waiting else self._next()
                under_way[self._crew.attempt(plan.plan)] = plan
            if not under_way:
                return
            done, _ = wait(under_way, self._patience_s, return_when=FIRST_COMPLETED)
            if not done:
                return  # what takes so long is left to whoever ends the crew
            for future in sorted(done, key=lambda ran: under_way[ran].number):
                self._learn(under_way.pop(future), future.result())

    @property
    def _patience_s(self) -> float | None:
        """How long to wait for a run; None: as long as it takes."""
        until_s = self._until_s + LATE_S
        return None if until_s == inf else max(0.0, until_s - clock.monotonic())

    def _try_known(self, stopped: Callable[[], bool]) -> None:
        """Whether what is known still breaks: until it does, or as often as it needs."""
        for known in self._all:
            if stopped():
                return
            rate = known.rate or known.first
            tries = trials_for(rate.failed, rate.runs).most if rate else 1
            crew, plan = _Counting(self._crew, self.search), unpack(known.replay).plan
            self.search.doing = f"known: {known.outcome}, {', '.join(known.strikes)}"
            self.see()
            still = any(known.outcome in crew.attempt(plan).result().broken for _ in range(tries))
            self.search.doing = ""
            if still:
                self.search.findings.append(replace(known, times=known.times + 1))
                self.search.known += 1
            else:
                self.search.mended.append(replace(known, mended=True))
                self._kept.add(self.search.mended[-1])
            self.see()

    def see(self) -> None:
        """Tell how far it is."""
        self.search.seconds = clock.monotonic() - self._began_s
        self._progress(self.search)

    def _goes_on(self) -> bool:
        limits = self._limits
        if clock.monotonic() > self._until_s:
            return False
        if limits.plans is not None and self._numbers >= limits.plans:
            return False
        return self._looks

    @property
    def _looks(self) -> bool:
        """Whether it looks for another finding; of runs that were under way the list tells."""
        return self._limits.keep_going or len(self.search.findings) == self.search.known

    # -- drawing ----------------------------------------------------------------------------

    def _next(self) -> Drawn:
        number, self._numbers = self._numbers + 1, self._numbers + 1
        rng = Random(f"explore {self.search.seed} {number}")
        seed = rng.randrange(1 << 31)
        how, plan = self._drawn(rng, seed)
        for _ in range(REDRAWN):
            if not (self._explained(plan) or self._swept & names_of(plan)):
                break
            how, plan = self._drawn(rng, seed)
        return Drawn(number, how, plan)

    def _drawn(self, rng: Random, seed: int) -> tuple[str, Plan]:
        share = rng.random()
        if share < FRESH or not self._learnt:
            return "fresh", drawn(rng, self._ground, seed)
        plan, seen = rng.choice(self._learnt)
        if share < FRESH + FORCED:
            return "forced", replace(forced(rng, self._ground, plan, seen), seed=seed)
        return "mutated", replace(mutated(rng, self._ground, plan), seed=seed)

    def _explained(self, plan: Plan) -> Finding | None:
        """What is known and was to be expected of that plan."""
        strikes = names_of(plan)
        return next((known for known in self._all if known.explains(strikes)), None)

    @property
    def _all(self) -> list[Finding]:
        return [finding for finding in self._kept.cells.values() if not finding.mended]

    # -- learning ---------------------------------------------------------------------------

    def _learn(self, ran: Drawn, tried: Tried) -> None:
        search, plan = self.search, ran.plan
        missed = len(plan.faults) - len(tried.struck)
        if ran.before is None:
            search.runs += 1
            search.partly += 0 < missed < len(plan.faults)
        else:
            search.trials += 1
            search.outcomes[ran.before] -= 1
        search.outcomes[tried.worst] += 1
        new = tried.seen - search.seen
        search.seen |= tried.seen
        if new and tried.gravity in ("held", "told"):
            self._learnt.append((_struck(plan, tried), tried.places))
        search.listed.append(
            Listed(
                ran.number,
                ran.how,
                tuple(map(told, plan.faults)),
                missed,
                len(plan.jobs),
                len(plan.workers),
                tried.worst,
                tried.why or tried.sentence,
                tried.again,
            )
        )
        del search.listed[:-MOST_LISTED]
        self.see()
        if tried.gravity == "violated" and self._looks:
            self._found(ran, tried)
        elif tried.waits and ran.how != WAITED:
            self._wait_for(ran, names_of(_struck(plan, tried)), tried.worst)

    def _wait_for(self, ran: Drawn, strikes: frozenset[str], before: Outcome) -> None:
        """Run it again, and wait until it is known what becomes of its work.

        Not where the same strikes have been waited for: that takes long.
        """
        longer = patient(self._ground, ran.plan)
        if longer == ran.plan or strikes in self._waited:
            return
        self._waited.add(strikes)
        self._to_wait.append(Drawn(ran.number, WAITED, longer, before))

    def _found(self, ran: Drawn, tried: Tried) -> None:
        known = self._explained(_struck(ran.plan, tried))
        if known is not None:
            self._note(replace(known, times=known.times + 1))
            return
        search, limits = self.search, self._limits
        broken = Broken(ran.plan, tried, ran.number, clock.monotonic() - self._began_s)
        place = len(search.findings)

        def tell(words: str, finding: Finding) -> None:
            search.findings[place:] = [finding]
            search.doing = f"plan {ran.number}: {finding.outcome}, {words}"
            self.see()

        until_s = self._began_s + limits.seconds * (1.0 + limits.grace)
        folder = self._folder / f"finding-{len(self._kept.cells) + 1}"
        crew = _Counting(self._crew, search)
        finding = examined(broken, crew, limits.repeats, until_s, folder, tell)
        search.doing = ""
        same = next((one for one in search.findings[:place] if one.key == finding.key), None)
        if same is not None:
            del search.findings[place:]
            finding = replace(same, times=same.times + 1)
        self._note(finding)

    def _note(self, finding: Finding) -> None:
        """Keep it, in the place of what was known of the same."""
        search = self.search
        places = [n for n, one in enumerate(search.findings) if one.key == finding.key]
        if places:
            search.findings[places[0]] = finding
        else:
            search.findings.append(finding)
        self._kept.add(finding)
        self.see()


def _struck(plan: Plan, tried: Tried) -> Plan:
    """The plan with those of its faults that struck."""
    return replace(plan, faults=tuple(plan.faults[number] for number in tried.struck))


class _Counting:
    """A crew whose runs are counted as trials."""

    def __init__(self, crew: Crew, search: Search) -> None:
        self._crew, self._search, self.size = crew, search, crew.size

    def again(self, plan: Plan) -> str:
        return self._crew.again(plan)

    def sent(self, plan: Plan) -> str:
        return self._crew.sent(plan)

    def attempt(self, plan: Plan) -> Future[Tried]:
        self._search.trials += 1
        return self._crew.attempt(plan)

    def shown(
        self, plan: Plan, folder: Path, wanted: Sequence[Outcome], tries: int
    ) -> Future[Tried]:
        self._search.trials += 1
        return self._crew.shown(plan, folder, wanted, tries)
