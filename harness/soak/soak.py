"""Soak: round after round of a scenario on one queue, with another seed each, for hours.

What one run cannot show, many may: the rare order of events, what slowly grows, what the past
of a queue does to its present. The queue lives through all rounds; each round has jobs of its
own and is judged by itself, then its history is let go, and the queue forgets what is done
after a few minutes of its time: memory and disk stay bounded however long it lasts. What was
found is kept at once, and the state after every round, so that a soak that was stopped goes on.
What leaping time shows is repeated in real time, on an empty queue (:mod:`..confirm`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct
from msgspec.structs import replace

from ...backends.adapter import Adapter, Bounding, Retaining
from ...backends.framework import FrameworkSystem
from ...backends.system import Time, see_driver
from ...blame import blaming
from ...errors import EnvironmentFault, UsageError
from ...protocol.commands import Measured
from ...whole_file import read_whole, write_whole
from ..confirm import CONFIRM_S, broken, confirmed
from ..drivers.long_lived import LongLivedQueue
from ..explore.novelty import features
from ..plan.plan import Plan
from ..record.facts import Facts
from ..result import Confirmation
from ..run import Driver, Run, run
from ..why_not import why_not
from .moments import Moment, with_moment
from .queue import long_lived_queue

FORMAT = 2
STATE = "soak.json"
QUEUE = "soak-queue"
RETENTION_S = 300.0
MOST_KEPT = 20
WARM_UP_S = 2 * RETENTION_S  # by then the queue forgets as fast as it learns


class SoakError(UsageError):
    """The folder holds another soak or none that can be read, or a plan cannot be soaked."""


class _Any(Struct, frozen=True):
    """A state of any format."""

    format: int


class Violation(Struct, frozen=True):
    """A round that broke a guarantee: its number, what was broken, how to see it again.

    ``alone`` is the verdict of the same plan on an empty queue, which is what the replay
    string runs. ``since`` is the round with which the queue had begun. ``confirmation``: of what
    leaping time has shown, whether real time shows it; if it does not, nobody is accused.
    """

    round: int
    sentence: str
    replay: str
    alone: str
    since: int
    confirmation: Confirmation | None = None

    @property
    def vanished(self) -> bool:
        return self.confirmation is not None and self.confirmation.outcome == "vanished"

    @property
    def needs_the_past(self) -> bool:
        return self.alone != "violated"


class Soak(Struct, frozen=True):
    """How far a soak has come. Times in seconds, of the runs themselves; memory in bytes.

    ``behaviours`` are the orders of events, struck phases and ends that were seen, by which
    exploration knows what is new; ``moments`` is the course of it.
    ``starts`` counts how often it was started, ``since`` is the round with which the present
    queue began: the next one if each has an empty queue (``fresh``). ``warm_rss`` is the memory
    of this process after the first ``WARM_UP_S`` seconds, ``last_rss`` now; ``queue_rss`` and
    ``queue_disk`` are what the queue takes, outside of this process.
    """

    format: int
    scenarios: tuple[str, ...]
    backend: str
    driver: Driver
    seed: int
    fresh: bool = False
    starts: int = 0
    since: int = 0
    rounds: int = 0
    spent_s: float = 0.0
    jobs: int = 0
    strikes: int = 0
    verdicts: dict[str, int] = {}
    found: tuple[Violation, ...] = ()
    behaviours: frozenset[str] = frozenset()
    moments: tuple[Moment, ...] = ()
    warm_rss: int = 0
    last_rss: int = 0
    queue_rss: int = 0
    queue_disk: int = 0

    @property
    def verdict(self) -> str:
        """Violated if any round was; inconclusive if a finding vanished, or no round held."""
        if not all(found.vanished for found in self.found):
            return "violated"
        if self.found:
            return "inconclusive"
        return "held" if self.verdicts.get("held") else "inconclusive"


def begin(
    folder: Path,
    scenarios: tuple[str, ...],
    adapter: Adapter,
    driver: Driver,
    seed: int,
    fresh: bool = False,
) -> Soak:
    """The soak in that folder, where it was left, or a new one. Raises :class:`SoakError`."""
    wanted = Soak(FORMAT, scenarios, adapter.name, driver, seed, fresh)
    kept = _kept(folder) or wanted
    if _words(kept) != _words(wanted):
        raise SoakError(
            f"expected a soak of {_words(wanted)} in {folder}, found one of {_words(kept)}; "
            "name another folder"
        )
    if not kept.starts and (folder / QUEUE).exists():
        raise SoakError(
            f"expected no queue without a state in {folder}, found {QUEUE}; "
            "remove it, or name another folder"
        )
    soak = replace(kept, starts=kept.starts + 1)
    _write(soak, folder)
    return soak


def state_of(folder: Path) -> Soak:
    """The soak that is kept in the folder. Raises :class:`SoakError` if there is none."""
    if kept := _kept(folder):
        return kept
    raise SoakError(f"expected the state of a soak in {folder}, found none; name its folder")


def _kept(folder: Path) -> Soak | None:
    try:
        raw = read_whole(folder / STATE)
        found = msgspec.json.decode(raw, type=_Any).format
        if found != FORMAT:
            raise SoakError(
                f"expected the state of a soak of format {FORMAT} in {folder / STATE}, found "
                f"format {found}; go on with the jobquake that wrote it, or name another folder"
            )
        return msgspec.json.decode(raw, type=Soak)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SoakError(
            f"expected the state of a soak in {folder / STATE}, found: {error}; "
            "remove it, or name another folder"
        ) from error


def _words(soak: Soak) -> str:
    queue = "an empty queue each round" if soak.fresh else "one queue"
    return (
        f"{', '.join(soak.scenarios)} on {soak.backend} ({soak.driver}, seed {soak.seed}, {queue})"
    )


@contextmanager
def queue_of(
    soak: Soak, folder: Path, adapter: Adapter, time: Time | None = None
) -> Iterator[LongLivedQueue | None]:
    """The queue of the soak until the end of the block; None if every round has its own.

    Raises ``EnvironmentFault`` and ``Unavailable`` if it cannot be had.
    """
    see_driver(soak.driver, adapter)
    with blaming(adapter.name):
        if soak.fresh:
            yield None
            return
        own = "whose workers are its own" if isinstance(adapter, FrameworkSystem) else ""
        if isinstance(adapter, Bounding):
            own = "which is made for one plan, with the leases and the bound of its jobs"
        if own:
            raise UsageError(
                f"expected a queue that can stand through all rounds, found {adapter.name}, {own}; "
                "add --fresh, so that each round has a new one"
            )
        if isinstance(adapter, Retaining):
            adapter = adapter.retaining(RETENTION_S)
        with long_lived_queue(adapter, soak.driver, folder / QUEUE, time) as queue:
            yield queue


def remembered(queue: LongLivedQueue | None) -> int:
    """How many jobs the queue has from before."""
    measured = queue.measure() if queue else None
    return sum(d.count for d in measured.depths) if isinstance(measured, Measured) else 0


def go_on(
    soak: Soak,
    folder: Path,
    for_s: float,
    plan_of: Callable[[str, int], Plan],
    adapter: Adapter,
    queue: LongLivedQueue | None,
    keep: Callable[[Run, int], None],
    progress: Callable[[Soak], None],
    confirm_s: float = CONFIRM_S,
    time: Time | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Soak:
    """Run rounds on ``queue`` until ``for_s`` seconds of running are spent or it is ``stopped()``;
    the soak then.

    ``plan_of(scenario, seed)`` makes the plan of a round; ``keep(run, round)`` keeps one that
    broke a guarantee, the first ``MOST_KEPT`` of them; ``progress`` is told after each round.
    What those have shown in leaping time is repeated in real time unless it took longer than
    ``confirm_s``. ``time`` is that of rounds which have a queue each.
    Raises :class:`SoakError` about a plan that lasts longer than the queue remembers, and
    :class:`EnvironmentFault` after a round that the environment spoilt; the soak can go on.
    """
    process = psutil.Process()
    if not remembered(queue):
        soak = replace(soak, since=soak.rounds)
    elif queue and soak.spent_s < for_s:
        queue.settle(_plan(soak, plan_of))  # what the round left in which it was stopped
    while soak.spent_s < for_s and not stopped():
        number = soak.rounds
        plan = _plan(soak, plan_of)
        done = run(plan, adapter, soak.driver, on=queue, time=time)
        result = done.result
        if result.verdict == "violated" and len(soak.found) < MOST_KEPT:
            done, alone = _confirmed(done, adapter, soak.driver, queue, confirm_s)
            keep(done, number)
            result = done.result
            found = Violation(
                number, result.sentence, result.replay, alone, soak.since, result.confirmation
            )
            soak = replace(soak, found=(*soak.found, found))
        since = soak.since
        if queue is None:
            since = number + 1
        elif queue.settle(plan):
            queue.renew()
            since = number + 1
        rss = process.memory_info().rss
        verdicts = soak.verdicts | {result.verdict: soak.verdicts.get(result.verdict, 0) + 1}
        soak = replace(
            soak,
            since=since,
            rounds=number + 1,
            spent_s=soak.spent_s + result.duration_s,
            jobs=soak.jobs + len(plan.jobs),
            strikes=soak.strikes + sum(b.count for b in result.bites if b.phase != "nothing"),
            verdicts=verdicts,
            warm_rss=rss if soak.spent_s < WARM_UP_S else soak.warm_rss,
            last_rss=rss,
            queue_rss=queue.memory() if queue else 0,
            queue_disk=_size(folder / QUEUE),
            behaviours=soak.behaviours | _behaviours(done),
        )
        soak = replace(soak, moments=with_moment(soak.moments, _moment(soak)))
        _write(soak, folder)
        progress(soak)
        if result.environment_at_fault:
            raise EnvironmentFault(f"round {number}: {result.sentence}")
    return soak


def _behaviours(done: Run) -> frozenset[str]:
    """What of the round may be new, as text."""
    found = features(Facts(done.plan, done.claims, done.history), [])
    return frozenset(" ".join(map(str, one)) for one in found)


def _moment(soak: Soak) -> Moment:
    violated = soak.verdicts.get("violated", 0)
    return Moment(soak.spent_s, soak.rounds, violated, soak.strikes, len(soak.behaviours))


def _confirmed(
    found: Run,
    adapter: Adapter,
    driver: Driver,
    queue: LongLivedQueue | None,
    confirm_s: float,
) -> tuple[Run, str]:
    """The round, with what real time says of what it has found, and its plan's verdict alone.

    Real time is no judge of what needs the past of its queue.
    """

    plan, alone = found.plan, found

    def again() -> Run:
        return run(plan, adapter, driver, time="real")

    def hopeless() -> str | None:
        if broken(found.result) & broken(alone.result):
            return why_not(plan, adapter, driver, "real")
        return "its queue has stood through other rounds, and on an empty one it does not show"

    if queue is not None:
        alone = run(plan, adapter, driver, on=queue.empty())
    return confirmed(found, again, hopeless, confirm_s), alone.result.verdict


def _plan(soak: Soak, plan_of: Callable[[str, int], Plan]) -> Plan:
    """The plan of the next round, its jobs named for it and for this start of the soak."""
    number = soak.rounds
    plan = plan_of(soak.scenarios[number % len(soak.scenarios)], soak.seed + number)
    if soak.fresh:
        return plan
    if plan.deadline_s > RETENTION_S:
        raise SoakError(
            f"expected a plan that ends within {RETENTION_S:g} s, for so long the queue of a soak "
            f"remembers its jobs, found {plan.scenario} with {plan.deadline_s:g} s; use --fresh"
        )
    return replace(plan, label=f"s{soak.starts}-r{number}-")


def _size(folder: Path) -> int:
    """Bytes of the files in a folder in which others write and remove files meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += (Path(place) / name).stat().st_size
    return total


def _write(soak: Soak, folder: Path) -> None:
    """Whole or not at all."""
    write_whole(folder / STATE, msgspec.json.encode(soak))
