"""What a job did to services, as the wire shows it, and the audit that is read off it."""

from __future__ import annotations

from jobquake.harness.drivers.trips import Trip
from jobquake.sweep.audit import BY_CONFLICT, BY_KEY, audit
from jobquake.sweep.boundaries import Boundary
from jobquake.sweep.effects import Difference, Effect, differences, effects
from jobquake.sweep.outcome import Outcome
from jobquake.sweep.swept import Swept
from msgspec.structs import replace
from support.swept import ACK, POP, cell, swept


def trip(
    service: str, name: str, at_s: float, guard: str = "", answered: bool = True, no: bool = False
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
        trip("pay", "GET /charges", 3.0, "GET, which may be repeated"),
        trip("pay", "POST /refunds", 4.0, answered=False),
        trip("pay", "POST /refunds", 5.0, no=True),
    ) == ["pay: POST /charges"]


def test_what_a_database_is_told_counts_when_it_is_committed() -> None:
    begin = trip("db", "BEGIN", 1.0, "nothing is written")
    insert, update = trip("db", "INSERT INTO a", 2.0), trip("db", "UPDATE b", 3.0)
    commit = trip("db", "COMMIT", 4.0, "nothing is written")
    undo = trip("db", "ROLLBACK", 4.0, "nothing is written")
    assert names(begin, insert, update) == names(begin, insert, undo) == []
    assert names(begin, insert, update, commit) == ["db: INSERT INTO a", "db: UPDATE b"]
    assert names(insert) == ["db: INSERT INTO a"], "without a transaction it stands at once"
    assert names(begin, insert, undo, trip("db", "UPDATE b", 5.0)) == ["db: UPDATE b"]
    assert names(trip("db", "BEGIN + INSERT INTO a", 1.0), commit) == ["db: INSERT INTO a"]


def keyed(*keys: str) -> list[Effect]:
    return [Effect("pay: POST /charges", f"Idempotency-Key {key}" if key else "") for key in keys]


def test_what_came_twice_with_one_key_is_harmless_and_with_two_is_not() -> None:
    clean = ["pay: POST /charges"]
    assert differences(clean, keyed("a", "b"), 1) == ()
    (same,) = differences(clean, keyed("a", "a", "b"), 1)
    assert (same.times, same.wanted, same.harmless) == (2, 1, "with the same Idempotency-Key")
    (other,) = differences(clean, keyed("a", "c", "b"), 1)
    (none,) = differences(clean, keyed("", "", ""), 1)
    assert other.harmless == none.harmless == ""
    (missing,) = differences(clean, keyed("b"), 1)
    assert (missing.missing, missing.repeated) == (True, False)


CHARGE = Boundary("worker", "pay: POST /charges", 1, service="pay")
UPDATE = Boundary("worker", "db: UPDATE orders", 1, service="db")


def audited(outcome: Outcome, *effects: Difference) -> Swept:
    found = swept(boundaries=(POP, CHARGE, UPDATE, ACK))
    struck = replace(cell(CHARGE, "killed after", outcome), effects=effects)
    return replace(found, cells=tuple(struck if c.key == struck.key else c for c in found.cells))


def test_the_audit_says_between_which_round_trips_and_what_prevents_it() -> None:
    twice = Difference("pay: POST /charges", 2, 1)
    answers = audit(audited("repeated", twice))
    assert len(answers) == 3
    told = answers[1]
    assert told.when == (
        "If the worker dies after pay: POST /charges was answered and before db: UPDATE orders was "
        "sent"
    )
    assert told.what.startswith("pay: POST /charges is carried out twice (nothing in it tells")
    assert told.prevents == BY_KEY
    assert answers[0].what == "nothing happens again, and nothing is missing"
    assert answers[2].when == "If the worker dies after db: UPDATE orders was answered"
    assert answers[2].what == answers[0].what, "and what follows on it with the same answer is one"


def test_the_audit_knows_what_does_no_harm_and_what_never_happens() -> None:
    same = Difference("pay: POST /charges", 2, 1, "with the same Idempotency-Key")
    (told,) = [a for a in audit(audited("done", same)) if "twice" in a.what]
    assert told.prevents == "" and "with the same Idempotency-Key" in told.what
    (told,) = [
        a
        for a in audit(audited("failed", Difference("db: UPDATE orders", 0, 1)))
        if "never happens" in a.what
    ]
    assert "the job fails, and nothing runs it again; db: UPDATE orders never happens" in told.what
    written = Difference("db: INSERT INTO payments", 2, 1)
    assert audit(audited("repeated", written))[1].prevents == BY_CONFLICT
