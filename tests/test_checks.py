"""Checks: they accept every legal history, and each names the job that breaks its promise."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from jobquake.harness.checks import CHECKS
from legal import Legal, all_claims, legal_runs

UNJUDGED = {
    "no_lost_work": "no job was accepted, so none could be lost",
    "no_duplicated_effects": "no effect was applied, so none could be repeated",
    "no_starvation": "no job with a bounded wait was accepted",
    "progress_after_heal": "the last fault would be over",
}
properties = settings(deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))


@properties
@given(legal_runs(all_claims))
def test_every_check_accepts_every_legal_history(run: Legal) -> None:
    for name, check in CHECKS.items():
        judged = check.judge(run.facts)
        if judged.verdict == "inconclusive":
            assert judged.note.startswith(UNJUDGED[name])
        else:
            assert judged.verdict == "held", (name, judged)
        assert not judged.findings


@properties
@given(legal_runs(all_claims))
def test_every_outcome_is_the_one_that_the_model_knows(run: Legal) -> None:
    facts = run.facts
    assert [facts.outcome(job) for job in range(facts.jobs)] == run.fates
