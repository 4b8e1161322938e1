"""What the sink decides: a charge once for its key, none for a refusal, exact counts."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake.effects.sink.payments import Counts, Entry, Payments, SinkBehaviour

BEHAVIOURS = st.builds(
    SinkBehaviour,
    honour_keys=st.booleans(),
    refuse_every=st.integers(0, 4),
    hang_every=st.integers(0, 4),
    hang=st.sampled_from(["after", "before"]),
)
NAMES = st.sampled_from(["", "a", "b", "c"])
REQUESTS = st.lists(st.tuples(NAMES, NAMES), max_size=30)


def asked(payments: Payments, *requests: tuple[str, str]) -> list[Entry]:
    entries = []
    for identifier, key in requests:
        entries.append(payments.decide(identifier, key))
        payments.take(entries[-1])
    return entries


def test_a_key_that_was_seen_brings_the_first_charge_again() -> None:
    payments = Payments(SinkBehaviour())
    first, again, other = asked(payments, ("a", "k1"), ("a", "k1"), ("b", "k2"))
    assert (first.outcome, again.outcome, other.outcome) == ("applied", "repeated", "applied")
    assert (again.charge, again.status) == (first.charge, first.status)
    assert payments.charges == {"a": 1, "b": 1}


def test_ignored_keys_and_charges_without_one_are_applied_each_time() -> None:
    payments = Payments(SinkBehaviour(honour_keys=False))
    asked(payments, ("a", "k"), ("a", "k"))
    without_key = Payments(SinkBehaviour())
    asked(without_key, ("a", ""), ("a", ""))
    assert payments.charges == without_key.charges == {"a": 2}


def test_a_new_key_for_the_same_work_shows_as_a_second_charge() -> None:
    payments = Payments(SinkBehaviour())
    asked(payments, ("a", "k1"), ("a", "k2"))
    assert payments.charges == {"a": 2}


def test_a_key_that_was_used_for_another_charge_is_refused() -> None:
    payments = Payments(SinkBehaviour())
    _, wrong = asked(payments, ("a", "k"), ("b", "k"))
    assert (wrong.outcome, wrong.status) == ("refused", 422)
    assert payments.charges == {"a": 1}


def test_what_was_refused_is_charged_when_it_comes_again() -> None:
    payments = Payments(SinkBehaviour(refuse_every=2, refuse_status=500))
    _, refused, again = asked(payments, ("a", "k1"), ("b", "k2"), ("b", "k2"))
    assert (refused.outcome, refused.status, again.outcome) == ("refused", 500, "applied")
    assert payments.charges == {"a": 1, "b": 1}


@pytest.mark.parametrize(("hang", "charged"), [("after", {"a": 1}), ("before", {})])
def test_what_hangs_was_charged_or_not_as_told(hang: str, charged: dict[str, int]) -> None:
    payments = Payments(SinkBehaviour(hang_every=1, hang=hang))  # type: ignore[arg-type]
    (entry,) = asked(payments, ("a", "k"))
    assert entry.hangs
    assert payments.charges == charged
    assert payments.counts.hanging == 1


@given(BEHAVIOURS, REQUESTS, st.integers(0, 30))
def test_counts_are_exact_and_entries_are_all_the_state(
    behaviour: SinkBehaviour, requests: list[tuple[str, str]], cut: int
) -> None:
    payments = Payments(behaviour)
    entries = asked(payments, *requests)
    of = Counter(entry.outcome for entry in entries)
    hanging = sum(entry.hangs for entry in entries)
    counts = Counts(len(requests), of["applied"], of["repeated"], of["refused"], hanging)
    assert payments.counts == counts
    assert payments.charges.total() == of["applied"]
    resumed = Payments(behaviour, entries[:cut])
    assert asked(resumed, *requests[cut:]) == entries[cut:]
    assert (resumed.counts, resumed.charges) == (payments.counts, payments.charges)


@given(REQUESTS)
def test_with_honoured_keys_no_key_is_charged_twice(requests: list[tuple[str, str]]) -> None:
    applied = [e for e in asked(Payments(SinkBehaviour()), *requests) if e.outcome == "applied"]
    keys = [entry.key for entry in applied if entry.key]
    assert len(keys) == len(set(keys))
