"""Whoever dies when its broker has just handed it a job: what becomes of that is each library's."""

from __future__ import annotations

import pytest
from jobquake.harness.faults.kill_taking import KillTaking
from jobquake.harness.run import run
from jobquake.protocol.events import Event
from support.frameworks import LATE, app_on, jobs, plan, shop


@pytest.mark.slow
def test_a_message_that_celery_has_taken_and_not_noted_is_lost_with_any_settings() -> None:
    # Two workers, since whoever lives on must not touch it.
    for settings in ({}, LATE):
        done = run(plan(KillTaking(2), workers=2), shop(settings, {"worker_concurrency": 1}))
        (lost,) = (fate for fate in done.result.fates if 2 in fate.jobs)
        assert lost.outcome == "lost" and lost.detail.endswith("had taken it and not noted it")
        between = "was killed after BRPOP had answered with it and before HSET unacked was sent"
        (told,) = (f.sentence for f in done.result.findings if f.job == 2)
        assert between in told, told


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "fate"), [("", "dead-lettered"), ('{"retry": 3}', "recovered")]
)
def test_what_rq_has_moved_to_its_list_in_between_is_found_there(options: str, fate: str) -> None:
    struck = plan(KillTaking(2), workers=2, deadline_s=2000.0)
    result = run(struck, jobs(task="", options=options)).result
    (found,) = (one.outcome for one in result.fates if 2 in one.jobs)
    assert found == fate and not result.outcomes["lost"], result.sentence


@pytest.mark.slow
def test_each_handing_out_of_a_job_may_kill() -> None:
    arq = app_on("arq", "waiters:WorkerSettings", "", settings={"job_timeout": 5})
    done = run(plan(KillTaking(2, times=2), workers=2, deadline_s=90.0), arq)
    struck = done.history.where(Event.FAULT_STRUCK)
    assert done.history["job"][struck].tolist().count(2) == 2
    (found,) = (one.outcome for one in done.result.fates if 2 in one.jobs)
    assert found == "recovered", done.result.sentence
