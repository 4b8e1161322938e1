"""Real RQ on a real Redis: what its registries hold after its processes died."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jobquake import apps
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.kill_process_at import KillProcessAt
from jobquake.harness.run import run
from support.frameworks import jobs, plan

HORSE = (KillProcessAt(1, "after_lease"),)
WHOLE = (KillAt(1, "after_lease"),)


def test_a_killed_horse_s_job_is_in_the_failed_registry_and_not_lost() -> None:
    result = run(plan(*HORSE), jobs()).result
    assert result.verdict == "held", result.sentence
    assert (result.outcomes["dead-lettered"], result.outcomes["done"]) == (1, 3)
    assert "rq:failed:payments" in result.where[1]
    assert "Work-horse terminated unexpectedly" in result.where[1]


@pytest.mark.slow
def test_with_a_retry_it_is_run_again() -> None:
    result = run(plan(*HORSE), jobs(options='{"retry": 3}')).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 3), result.sentence
    assert result.outcomes["recovered"] == 1


@pytest.mark.slow
def test_what_a_killed_worker_ran_stays_in_the_registry_of_started_jobs() -> None:
    result = run(plan(*WHOLE), jobs()).result
    assert result.verdict == "inconclusive", result.sentence
    assert (result.outcomes["stuck"], result.outcomes["lost"]) == (1, 0)
    assert "rq:wip:payments" in result.where[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "worker",
    [
        "python -m rq.cli worker payments -w rq.SimpleWorker",
        "python -m rq.cli worker-pool payments -n 2",
    ],
    ids=["simple", "pool"],
)
def test_workers_of_other_kinds_do_their_jobs(worker: str) -> None:
    mine = jobs()
    command = worker.replace("python", mine.app.python, 1)
    result = run(plan(), jobs(worker=command)).result
    assert (result.verdict, result.outcomes["done"]) == ("held", 4), result.sentence


@pytest.mark.slow
def test_jobs_of_several_queues_are_done_by_workers_of_all_of_them() -> None:
    mine = jobs()
    several = apps.system_of(replace(mine.app, target="jobs:queues"))
    assert several.looked.queues == ("urgent", "payments")
    result = run(plan(*HORSE), several).result
    assert (result.outcomes["dead-lettered"], result.outcomes["done"]) == (1, 3), result.sentence
    assert "rq:failed:payments" in result.where[1]
