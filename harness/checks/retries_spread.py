"""Retries spread: jobs that failed together do not come back together.

Measured: the most retries in any quarter of a second, against what the same failures would give
if each retry were spread evenly over the time that its backoff allows (the perfect spread).
Chance makes crowds, so what is too many is what a perfect spread shows in one run of a million
at most (:func:`_most`). In lockstep the crowd is as large as the wave of failures was.
"""

from __future__ import annotations

import numpy as np

from ...backends.claims import Claim
from ..finding import Finding, Judged, judged, not_judged
from ..record.facts import Facts, Floats
from ..record.history import Event
from ..sight import Needs
from ..spec.backoff import ceiling_s
from ..spec.retries import retries
from ..units import seconds

TITLE = "retries do not come in lockstep"
RANK = 90
NEEDS: Needs = (Event.LEASED, Event.NACK_ANSWERED)
NEEDS_TIME = True
CLAIMS: tuple[Claim, ...] = ("retries",)

BIN_S = 0.25
SHORTEST_S = 1e-9  # a retry whose backoff is shorter is all in one place
CHANCE = 1e-6  # that a run with a perfect spread has such a crowd
TINY = 1e-12


def judge(facts: Facts) -> Judged:
    if facts.claims.timer_s >= BIN_S:
        return not_judged(f"the queue keeps time in steps of {seconds(facts.claims.timer_s)}")
    policy, t, found = facts.plan.retry, facts.history["t"], retries(facts)
    if len(found) < 2:
        return Judged("inconclusive", note="too little was retried to see a crowd")
    came = np.sort(t[[retry.again for retry in found]])
    failed = t[[retry.failed for retry in found]]
    ceiling = np.array([ceiling_s(policy, retry.counted) for retry in found])
    peak, at = _peak(came)
    perfect = _perfect_peak(failed, ceiling)
    most = _most(len(came), perfect)
    note = f"at most {peak} retries in {BIN_S:g} s, perfectly spread {perfect:.1f}, allowed {most}"
    if peak <= most:
        return judged([], note)
    sentence = (
        f"{peak} retries came within {BIN_S:g} s at {seconds(at)}, where a perfect spread has "
        f"{perfect:.1f}: they come in lockstep"
    )
    crowd = tuple(retry.again for retry in found if at <= float(t[retry.again]) < at + BIN_S)
    return judged([Finding(-1, sentence, crowd, float(peak))], note)


def _peak(times: Floats) -> tuple[int, float]:
    """The most of these sorted times in any span of ``BIN_S``, and where it begins."""
    counts = np.searchsorted(times, times + BIN_S, "left") - np.arange(len(times))
    most = int(np.argmax(counts))
    return int(counts[most]), float(times[most])


def _most(retries: int, perfect: float) -> int:
    """How many of these may come within ``BIN_S`` by chance, of which ``perfect`` are expected.

    A crowd begins with one of them, and so many of the others follow. Their number is at most as
    often that large as a binomial one of that mean (Hoeffding), and that as Chernoff's bound says.
    """
    others = retries - 1
    share = min(max(perfect / others, TINY), 1.0)
    return next(
        (
            following
            for following in range(int(np.ceil(perfect)), others + 1)
            if retries * np.exp(-others * _divergence(following / others, share)) <= CHANCE
        ),
        retries,
    )


def _divergence(found: float, expected: float) -> float:
    """Of Kullback and Leibler, of two shares, in nats."""
    if found <= expected:
        return 0.0
    missing = (1 - found) * np.log((1 - found) / (1 - expected)) if found < 1 else 0.0
    return float(found * np.log(found / expected) + missing)


def _perfect_peak(failed: Floats, ceiling: Floats) -> float:
    """The highest number expected in ``BIN_S`` if each retry is even over its upper half."""
    first, last = failed + ceiling / 2, failed + ceiling
    spread = last - first > SHORTEST_S
    begins, at_once = np.concatenate([first, last]), np.sort(last[~spread])
    ends = begins + BIN_S
    expected = _begun(ends, first[spread], last[spread])
    expected -= _begun(begins, first[spread], last[spread])
    expected += np.searchsorted(at_once, ends, "right") - np.searchsorted(at_once, begins, "left")
    return float(expected.max())


def _begun(times: Floats, first: Floats, last: Floats) -> Floats:
    """How many of these are expected by each time, if each is even from its first to its last."""
    by_first, by_last = np.argsort(first), np.argsort(last)
    rate = 1.0 / (last - first)
    share = np.zeros(len(times))
    for order, moments, sign in ((by_first, first, 1.0), (by_last, last, -1.0)):
        rates = np.concatenate([[0.0], np.cumsum(rate[order])])
        offsets = np.concatenate([[0.0], np.cumsum((rate * first)[order])])
        place = np.searchsorted(moments[order], times, "right")
        share += sign * (times * rates[place] - offsets[place])
    begun: Floats = share + np.searchsorted(np.sort(last), times, "right")
    return begun
