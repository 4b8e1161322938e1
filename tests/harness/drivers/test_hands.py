"""Who is to be killed takes no job at that moment; what it was given before, it has noted."""

from __future__ import annotations

import json
from threading import Timer
from typing import cast

from jobquake.frameworks.brokers.resp import RedisCalls
from jobquake.frameworks.libraries.celery.outside import Commands
from jobquake.harness.drivers.calltap import DOWN, UP, OrderedTap, Wire
from jobquake.harness.drivers.hands import WITHIN_S, Hands
from jobquake.harness.drivers.pace import RealTime
from jobquake.harness.drivers.takings import Takings
from jobquake.harness.drivers.watched import Watched
from jobquake.harness.faults.kill_taking import KillTaking
from jobquake.harness.strikes import CallStrikes
from jobquake.protocol.events import Phase
from jobquake.proxy.applied import Direction
from jobquake.proxy.tap import Tapped
from msgspec.structs import replace
from support.small_plan import SMALL

NOTHING = b"*-1\r\n"
BODY = json.dumps({"headers": {"id": "job-0"}}).encode()


def words(*said: bytes) -> bytes:
    return b"*%d\r\n" % len(said) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in said)


ASK = words(b"BRPOP", b"celery", b"1")
NOTE = words(b"HSET", b"unacked", b"tag", b"[" + BODY + b", 1]")


class Link:
    """The connection behind a tap: what has passed."""

    def __init__(self) -> None:
        self.passed: list[bytes] = []

    def forward(self, direction: Direction, data: bytes) -> None:
        self.passed.append(data)

    def end(self, direction: Direction) -> None: ...
    def reset(self) -> None: ...


def tap_of(hands: Hands) -> tuple[OrderedTap, Link]:
    link = Link()
    wire = Wire(
        Watched(RedisCalls(Commands)), CallStrikes(SMALL), lambda node: None,
        lambda *_: None, SMALL.job_index, hands=hands,
    )  # fmt: skip
    return OrderedTap(wire, 0, cast("Tapped", link)), link


def test_who_is_to_die_with_a_job_that_it_is_handed_never_hears_of_it() -> None:
    jobs = (SMALL.jobs[0],) * 2
    plan = replace(SMALL, jobs=jobs, faults=(KillTaking(0, times=1, nth=2),))
    struck = list[tuple[int, int, Phase, int, str]]()

    def strikes(
        fault: int, node: int, phase: Phase, job: int, length_s: float = 0.0, words: str = ""
    ) -> None:
        struck.append((fault, node, phase, job, words))

    link, hands = Link(), Hands()
    wire = Wire(
        Watched(RedisCalls(Commands)), CallStrikes(plan), lambda node: None, strikes,
        plan.job_index, hands=hands, takings=Takings(plan),
    )  # fmt: skip
    tap = OrderedTap(wire, 3, cast("Tapped", link))
    answer, other = (words(b"celery", body) for body in (BODY, BODY.replace(b"job-0", b"job-1")))
    for reply in (answer, other, answer, other):
        tap.received(UP, ASK)
        tap.received(DOWN, reply)
        for job in ("job-0", "job-1"):
            hands.noted(3, job)
    between = "after BRPOP had answered with it and before HSET unacked was sent"
    assert struck == [(0, 3, Phase.LEASED, 0, between)]
    assert link.passed == [ASK, answer, ASK, other, ASK], "and nothing after it"
    assert not hands.taking(3), "what it took before is noted, so it can be killed at once"


def test_a_worker_takes_a_job_from_its_asking_until_it_has_noted_it() -> None:
    hands = Hands()
    taking, _ = tap_of(hands)
    noting, _ = tap_of(hands)  # on another connection, as Celery does
    taking.received(UP, ASK)
    assert hands.taking(0) and not hands.taking(1)
    taking.received(DOWN, NOTHING)
    assert not hands.taking(0)
    taking.received(UP, ASK)
    taking.received(DOWN, words(b"celery", BODY))
    assert hands.taking(0), "it has it, and has not noted it"
    noting.received(UP, NOTE)
    assert not hands.taking(0)
    taking.received(UP, ASK)
    taking.closed()
    assert not hands.taking(0)


def test_who_is_to_be_killed_asks_for_nothing_and_has_time_to_note() -> None:
    hands = Hands()
    taking, link = tap_of(hands)
    taking.received(UP, ASK)
    taking.received(DOWN, words(b"celery", BODY))
    noting, noted = tap_of(hands)
    Timer(0.05, noting.received, (UP, NOTE)).start()
    with hands.settled(0):
        assert noted.passed == [NOTE]
        fresh, unsent = tap_of(hands)
        fresh.received(UP, ASK)
        assert unsent.passed == [], "it is not asked any more"
    after, sent = tap_of(hands)
    after.received(UP, ASK)
    assert sent.passed == [ASK], "its successor may ask"
    assert len(link.passed) == 2


def test_nobody_is_waited_for_for_ever() -> None:
    hands, pace = Hands(), RealTime()
    taking, _ = tap_of(hands)
    taking.received(UP, ASK)
    began_s = pace.now_s()
    with hands.settled(0):
        assert pace.now_s() - began_s >= WITHIN_S
