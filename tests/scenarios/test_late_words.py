"""What workers and operators say of a job that is done: a queue that listens to it is found out."""

from __future__ import annotations

import pytest
from jobquake.backends.reference import core
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.core import Ruling
from jobquake.backends.reference.record import Record
from jobquake.harness.explore.shard import explore_shard
from jobquake.harness.run import run
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace


def _revived(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    """An extension is welcome whatever became of the job."""
    ruling = core.extend(record, token, lease_s, now)
    return ruling if ruling.accepted else Ruling(None, record.state == "done", ruling.why)


def _again(record: Record, now: float) -> Ruling:
    """Whatever has ended runs again."""
    ended = replace(record, state="dead") if record.state == "done" else record
    return core.replay(ended, now)


MISTAKES = {
    "the heartbeat of a delivery that is over": core.CORRECT._replace(extend=_revived),
    "the replay of a job that is done": core.CORRECT._replace(replay=_again),
}


@pytest.mark.parametrize("said", MISTAKES)
def test_a_queue_that_believes_late_words_is_violated_by_the_scenario_and_by_exploration(
    said: str,
) -> None:
    queue = ReferenceAdapter("believes", "late words are believed", decisions=MISTAKES[said])
    result = run(scenarios.find("senseless-commands").plan(3), queue, "sim").result
    assert result.verdict == "violated"
    accepted = [f for c in result.checks if c.name == "senseless_refused" for f in c.findings]
    assert all(said in finding.sentence and finding.job >= 0 for finding in accepted)
    assert accepted

    found = explore_shard(queue, 1, 0, schedules=200).broken
    assert "senseless_refused" in found
