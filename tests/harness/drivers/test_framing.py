"""How the network knows the job of a message: from the message, or from those before it."""

from __future__ import annotations

from typing import Any

import pytest
from jobquake.backends import registry
from jobquake.errors import BackendFailed, UsageError
from jobquake.faults import NetFault
from jobquake.harness.drivers.calltap import DOWN, UP, CallTap, OrderedTap, Wire
from jobquake.harness.drivers.watched import Watched
from jobquake.harness.faults import CallFault
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.run import run
from jobquake.harness.strikes import CallStrikes
from jobquake.protocol.events import Phase
from jobquake.proxy.applied import Direction
from jobquake.scenarios import registry as scenarios
from support import tagged_here

LOST = (
    ("lease lose reply", "leased"),
    ("ack lose request", "after effect, before ack"),
    ("ack lose reply", "after ack"),
)


def plan(*faults: CallFault, must_hit: tuple[tuple[str, str], ...] = ()) -> Plan:
    return Plan(
        scenario="tags",
        variant="default",
        seed=0,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), 1),),
        jobs=tuple(PlannedJob(0.0, 0, 0.01) for _ in range(5)),
        faults=faults,
        guarantees=("no_lost_work", "no_duplicated_effects", "faults_hit"),
        must_hit=must_hit,
        lease_s=0.8,
        call_timeout_s=0.2,
        deadline_s=30.0,
    )


STRUCK = plan(
    NetFault("lease", 2, "lose_reply"),
    NetFault("ack", 1, "lose_request"),
    NetFault("ack", 3, "lose_reply"),
    must_hit=LOST,
)


def test_acks_that_name_only_a_tag_are_struck_with_their_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tagged_here.installed(monkeypatch)
    result = run(STRUCK, registry.find("tagged"), "process").result
    assert result.verdict == "held", result.sentence
    assert {(bite.fault, bite.phase): bite.count for bite in result.bites} == dict.fromkeys(LOST, 1)


@pytest.mark.slow
def test_the_cells_of_network_timeout_are_filled(monkeypatch: pytest.MonkeyPatch) -> None:
    tagged_here.installed(monkeypatch)
    whole = scenarios.find("network-timeout").plan(0)
    result = run(whole, registry.find("tagged"), "process").result
    assert result.verdict == "held", result.sentence


def test_a_session_that_raises_ends_the_run_with_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    tagged_here.installed(monkeypatch)
    tagged = registry.find("tagged")

    def reply(self: object, message: bytes) -> tuple[int, str, str]:
        raise LookupError("no such tag")

    monkeypatch.setattr("tagged_queue.TaggedSession.reply", reply)
    with pytest.raises(BackendFailed, match=r"reply\(.*LookupError: no such tag"):
        run(STRUCK, tagged, "process")


def test_an_adapter_that_its_workers_cannot_find_is_told_before_they_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tagged_here.installed(monkeypatch)
    tagged = registry.find("tagged")
    monkeypatch.setattr(type(tagged), "name", "nobody")
    with pytest.raises(
        UsageError, match="found none that is called 'nobody'; name it in the entry"
    ):
        run(STRUCK, tagged, "process")


# -- the taps ---------------------------------------------------------------------------------


class Line:
    """One connection's other end: what came through, and whether the connection was reset."""

    number = 1

    def __init__(self) -> None:
        self.passed: list[bytes] = []

    def forward(self, direction: Direction, data: bytes) -> None:
        self.passed.append(data)

    def end(self, direction: Direction) -> None: ...
    def pause(self, direction: Direction) -> None: ...
    def resume(self, direction: Direction) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...


class Pushing:
    """Jobs come unasked, ``job-3 7``: the job and its tag. ``ack 7`` is answered ``ok 7``."""

    numbered = True

    def split(self, buffer: bytearray) -> list[bytes]:
        *lines, rest = bytes(buffer).split(b"\n")
        buffer[:] = rest
        return [line + b"\n" for line in lines]

    def describe(self, message: bytes) -> tuple[int, str, str]:
        raise NotImplementedError("the session tells")

    def session(self) -> Pushing:
        self.jobs: dict[str, str] = {}
        return self

    def request(self, message: bytes) -> tuple[int, str, str]:
        call, tag = message.decode().split()
        return int(tag), call, self.jobs[tag]

    def reply(self, message: bytes) -> tuple[int, str, str]:
        word, tag = message.decode().split()
        if word == "ok":
            return int(tag), "", ""
        self.jobs[tag] = word
        return -1, "lease", word


class Shown(Pushing):
    """The same, answered in order; a reply begins with ``<`` and ends with it."""

    numbered = False

    def split_replies(self, buffer: bytearray) -> list[bytes]:
        *whole, rest = bytes(buffer).split(b">")
        buffer[:] = rest
        return [b"%s>" % reply for reply in whole]

    def session(self) -> Shown:
        super().session()
        return self

    def reply(self, message: bytes) -> tuple[int, str, str]:
        return super().reply(message.strip(b"<>"))


class Forgetful:
    """The same without a session."""

    numbered = False

    def split(self, buffer: bytearray) -> list[bytes]:
        return Shown().split(buffer)

    def describe(self, message: bytes) -> tuple[int, str, str]:
        return 0, message.decode().split()[0], ""


def tapped(framing: Any, *faults: CallFault) -> tuple[Any, Line, list[tuple[int, Phase, int]]]:
    """A tap of that framing in a plan with these faults, its line, and what was struck."""
    strikes: list[tuple[int, Phase, int]] = []

    def struck(
        fault: int, node: int, phase: Phase, job: int, length_s: float = 0.0, words: str = ""
    ) -> None:
        strikes.append((fault, phase, job))

    watched, whole, line = Watched(framing), plan(*faults), Line()
    wire = Wire(watched, CallStrikes(whole), lambda node: None, struck, whole.job_index)
    tap = CallTap if framing.numbered else OrderedTap
    return tap(wire, 0, line), line, strikes


def test_a_job_that_was_handed_out_unasked_is_known_by_its_tag() -> None:
    framing = Pushing()
    faults = NetFault("lease", 2, "lose_reply"), NetFault("ack", 1, "lose_reply")
    tap, line, strikes = tapped(framing, *faults)
    first, second = (plan().job_id(index).encode() for index in (3, 4))
    tap.received(DOWN, first + b" 7\n" + second)
    tap.received(DOWN, b" 8\n")
    tap.received(UP, b"ack 7\n")
    tap.received(DOWN, b"ok 7\n")
    assert line.passed == [first + b" 7\n", b"ack 7\n"]
    assert strikes == [(0, Phase.LEASED, 4), (1, Phase.ACKED, 3)]


def test_a_reply_in_order_that_hands_out_a_job_takes_the_rest_of_its_connection_along() -> None:
    tap, line, strikes = tapped(Shown(), NetFault("lease", 2, "lose_reply"))
    first, second = (plan().job_id(index).encode() for index in (3, 4))
    tap.received(DOWN, b"<" + first + b" 7><" + second + b" 8><ok 9>")
    tap.received(UP, b"ack 7\n")
    assert line.passed == [b"<" + first + b" 7>"]
    assert strikes == [(0, Phase.LEASED, 4)]


@pytest.mark.parametrize(("framing", "known"), [(Shown(), 3), (Forgetful(), -1)])
def test_an_ack_is_struck_with_the_job_of_its_tag_where_tags_are_remembered(
    framing: Any, known: int
) -> None:
    tap, _, strikes = tapped(framing, NetFault("ack", 1, "lose_request"))
    tap.received(DOWN, b"<" + plan().job_id(3).encode() + b" 7>")
    tap.received(UP, b"ack 7\n")
    assert strikes == [(0, Phase.AFTER_EFFECT, known)]
