"""What is given up: what cannot succeed is not retried, and dead letters tell why.

Each violation is planted in a legal run; the check must find it, and name its job.
"""

from __future__ import annotations

from hypothesis import assume, given
from jobquake.harness.record.history import row
from jobquake.protocol.events import Answer, Event
from support.legal import Legal
from support.planted import blamed, end_of, judge, of, planted, runs


@planted
@given(runs)
def test_permanent_failures_rejects_a_retry_of_what_failed_for_good(run: Legal) -> None:
    leases = of(run, Event.LEASED)
    assume(leases)
    job, end = leases[0][7], end_of(run)
    held = row(end, Event.LEASED, since=end, node=0, job=job, token=98)
    failed = row(
        end, Event.NACK_ANSWERED, since=end, answer=Answer.OK, node=0, job=job, token=98, value=1.0
    )
    again = row(end + 1, Event.LEASED, since=end, job=job, token=99)
    late = row(end + 1, Event.LEASED, since=end - 9, job=job, token=97)
    before, after = (row(end + s, Event.REPLAY_SENT, job=job) for s in (-0.5, 0.5))
    rest = [r for r in run.rows if r[2] != Event.NACK_ANSWERED]
    for rows in ([held, failed, again], [before, held, failed, again]):
        assert blamed(judge("permanent_failures", run, [*rest, *rows])) == {job}
    for rows in ([held, failed, after, again], [held, failed, late]):  # operator; older grant
        assert judge("permanent_failures", run, [*rest, *rows]).verdict == "held"


@planted
@given(runs)
def test_dead_letters_explained_rejects_one_without_its_reason(run: Legal) -> None:
    assume(run.plan.jobs)
    rows = [*run.rows, row(end_of(run), Event.DEAD, job=0, answer=Answer.FAILED)]
    assert blamed(judge("dead_letters_explained", run, rows)) == {0}
