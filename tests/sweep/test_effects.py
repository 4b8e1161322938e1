"""What a job did to services, as the wire shows it, and the audit that is read off it."""

from __future__ import annotations

from collections import Counter

import pytest
from jobquake.harness.drivers.trips import Trip
from jobquake.sweep.audit import (
    BY_ACK,
    BY_CONFLICT,
    BY_KEY,
    BY_RETRY,
    BY_TIMEOUT,
    NOTHING,
    Answer,
    audit,
)
from jobquake.sweep.boundaries import Boundary
from jobquake.sweep.effects import NO_CHANGE, Difference, Effect, differences, effects
from jobquake.sweep.judging import by_effects
from jobquake.sweep.outcome import Outcome
from jobquake.sweep.swept import Swept
from jobquake.wires.http1 import NO_KEY, OTHER_KEY, SAME_KEY
from jobquake.wires.sql import NO_CONFLICT
from jobquake.wires.wire import READS, UNGUARDED, Guard
from msgspec.structs import replace
from support.swept import ACK, POP, cell, swept


def trip(
    service: str,
    name: str,
    at_s: float,
    guard: Guard = UNGUARDED,
    answered: bool = True,
    no: bool = False,
) -> Trip:
    named = f"{service}: {name}" if service else name
    ends_s = at_s + 0.01 if answered else -1.0
    return Trip("worker", 0, 1, named, "Http1", at_s, ends_s, (), (), 9, 9, service, guard, no)


def names(*trips: Trip) -> list[str]:
    return [effect.name for effect in effects(trips)]


def test_an_effect_is_what_was_answered_not_refused_and_writes() -> None:
    assert names(
        trip("", "LPUSH q", 1.0),
        trip("pay", "POST /charges", 2.0),
        trip("pay", "GET /charges", 3.0, READS),
        trip("pay", "POST /refunds", 4.0, answered=False),
        trip("pay", "POST /refunds", 5.0, no=True),
    ) == ["pay: POST /charges"]


def test_what_a_database_is_told_counts_when_it_is_committed() -> None:
    begin = trip("db", "BEGIN", 1.0, READS)
    insert, update = trip("db", "INSERT INTO a", 2.0), trip("db", "UPDATE b", 3.0)
    commit = trip("db", "COMMIT", 4.0, READS)
    undo = trip("db", "ROLLBACK", 4.0, READS)
    assert names(begin, insert, update) == names(begin, insert, undo) == []
    assert names(begin, insert, update, commit) == ["db: INSERT INTO a", "db: UPDATE b"]
    assert names(insert) == ["db: INSERT INTO a"], "without a transaction it stands at once"
    assert names(begin, insert, undo, trip("db", "UPDATE b", 5.0)) == ["db: UPDATE b"]
    assert names(trip("db", "BEGIN + INSERT INTO a", 1.0), commit) == ["db: INSERT INTO a"]


def keyed(*keys: str) -> list[Effect]:
    """Charges with these keys; "": without one."""
    guards = [Guard(SAME_KEY, key, OTHER_KEY) if key else Guard(lacks=NO_KEY) for key in keys]
    return [Effect("pay: POST /charges", guard) for guard in guards]


def test_what_came_twice_with_one_key_is_harmless_and_with_two_is_not() -> None:
    clean = ["pay: POST /charges"]
    behind = Counter(clean)
    assert differences(clean, keyed("a", "b"), behind) == ()
    (same,) = differences(clean, keyed("a", "a", "b"), behind)
    assert (same.times, same.wanted, same.harmless) == (2, 1, SAME_KEY)
    (other,) = differences(clean, keyed("a", "c", "b"), behind)
    (none,) = differences(clean, keyed("", "", ""), behind)
    assert (other.harmless, other.lacks) == ("", OTHER_KEY)
    assert (none.harmless, none.lacks) == ("", NO_KEY)
    (missing,) = differences(clean, keyed("b"), behind)
    assert (missing.missing, missing.repeated, missing.harmless) == (True, False, "")


def test_what_came_again_and_changed_nothing_is_harmless() -> None:
    first, again = keyed(""), [effect._replace(changed=False) for effect in keyed("")]
    (told,) = differences(["pay: POST /charges"], first + again, {})
    assert (told.times, told.harmless) == (2, NO_CHANGE)
    (told,) = differences(["pay: POST /charges"], keyed("a") + again, {})
    assert told.harmless == f"{SAME_KEY}, and {NO_CHANGE}"
    (told,) = differences(["pay: POST /charges"], first + first + again, {})
    assert (told.harmless, told.lacks) == ("", NO_KEY)


def test_the_job_behind_need_not_do_what_the_first_one_does() -> None:
    clean = ["pay: POST /charges"]
    assert differences(clean, keyed(""), {}) == ()
    (told,) = differences(clean, keyed("", ""), {})
    assert told.repeated


@pytest.mark.parametrize(
    ("outcome", "times", "judged", "found"),
    [
        ("lost", 1, True, "cut short"),
        ("lost", 0, True, "lost"),
        ("lost", 1, False, "lost"),
        ("lost", 2, True, "repeated"),
        ("failed", 1, True, "failed"),
        ("done", 0, True, "missing"),
    ],
)
def test_a_job_that_was_lost_when_all_was_done_is_cut_short(
    outcome: Outcome, times: int, judged: bool, found: Outcome
) -> None:
    differs = () if times == 1 else (Difference("pay: POST /charges", times, 1, lacks=NO_KEY),)
    assert by_effects(outcome, differs, judged) == found


CHARGE = Boundary("worker", "pay: POST /charges", 1, service="pay")
UPDATE = Boundary("worker", "db: UPDATE orders", 1, service="db")


DONE = ("pay: POST /charges", "db: UPDATE orders")


def audited(outcome: Outcome, *effects: Difference, way: str = "killed after") -> Swept:
    """The charge was broken in that way, with that outcome."""
    found = swept(boundaries=(POP, CHARGE, UPDATE, ACK))
    struck = replace(cell(CHARGE, way, outcome), effects=effects)
    cells = tuple(struck if c.key == struck.key else c for c in found.cells)
    return replace(found, cells=cells, effects=DONE)


def answer(found: Swept, start: str) -> Answer:
    (told,) = [answer for answer in audit(found) if answer.when.startswith(start)]
    return told


AFTER_CHARGE = "If the worker dies after POST /charges (pay) was answered"


def test_the_audit_says_between_which_round_trips_and_what_prevents_it() -> None:
    found = audited("repeated", Difference("pay: POST /charges", 2, 1, lacks=NO_KEY))
    told = answer(found, AFTER_CHARGE)
    assert told.when == f"{AFTER_CHARGE} and before UPDATE orders (db)"
    assert told.what == f"POST /charges (pay) is carried out twice: {NO_KEY}"
    assert told.prevents == BY_KEY
    before = answer(found, "If the worker dies after BRPOP q")
    last = answer(found, "If the worker dies after UPDATE orders")
    assert before.what == last.what == NOTHING
    assert last.when == "If the worker dies after UPDATE orders (db) was answered", "one of two"
    written = Difference("db: INSERT INTO payments", 2, 1, lacks=NO_CONFLICT)
    assert answer(audited("repeated", written), AFTER_CHARGE).prevents == BY_CONFLICT


def test_the_audit_knows_what_does_no_harm() -> None:
    same = Difference("pay: POST /charges", 2, 1, SAME_KEY)
    told = answer(audited("done", same), AFTER_CHARGE)
    assert told.what == f"POST /charges (pay) is carried out twice ({SAME_KEY})"
    assert told.prevents == ""


@pytest.mark.parametrize(
    ("outcome", "what", "prevents"),
    [
        ("failed", "the job fails, and nothing runs it again", BY_RETRY),
        ("stuck", "the job is held for ever", BY_TIMEOUT),
        ("lost", "the job is lost", BY_ACK),
    ],
)
def test_the_audit_says_what_was_half_done(outcome: Outcome, what: str, prevents: str) -> None:
    missing = Difference("db: UPDATE orders", 0, 1)
    half = "POST /charges (pay) was carried out by then; UPDATE orders (db) never is"
    told = answer(audited(outcome, missing), AFTER_CHARGE)
    assert (told.what, told.prevents) == (f"{what}; {half}", prevents)
    whole = answer(audited(outcome), AFTER_CHARGE).what
    assert whole == (what if outcome == "lost" else f"{what}; all that it does was done by then")
    never = [Difference(name, 0, 1) for name in DONE]
    assert answer(audited(outcome, *never), AFTER_CHARGE).what == what, "nothing was begun"


def test_the_audit_says_what_an_answer_that_does_not_come_leaves() -> None:
    missing = Difference("db: UPDATE orders", 0, 1)
    told = answer(audited("failed", missing, way="answer lost"), "If the answer to POST")
    assert told.when == "If the answer to POST /charges (pay) never comes"
    assert told.prevents == BY_RETRY
    told = answer(
        audited("failed", missing, way="reset after"),
        "If the connection is reset in place of the answer to POST",
    )
    assert told.what.startswith("the job fails")


def test_a_job_that_was_acked_before_it_ran_should_not_be() -> None:
    found = swept(boundaries=(POP, ACK, CHARGE, UPDATE))
    lost = cell(CHARGE, "killed after", "cut short")
    cells = tuple(lost if c.key == lost.key else c for c in found.cells)
    told = answer(replace(found, cells=cells, effects=DONE), AFTER_CHARGE)
    assert told.what == "the job is lost, but all that it does was done"
    assert told.prevents == BY_ACK
