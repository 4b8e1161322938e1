"""What the settings of Celery cannot give is said where it is so, and nowhere else."""

from __future__ import annotations

import pytest
from jobquake.frameworks.libraries.celery.advice import CHILD, TAKING, findings
from jobquake.frameworks.library import Looked


def proofs(worker: tuple[str, ...] = (), **settings: object) -> list[str]:
    looked = Looked("celery", "3.11.7", "5.7.0", "", worker=worker, settings=settings)
    return [one.scenario for one in findings(looked, 3600.0, 100.0)]


@pytest.mark.parametrize("words", [("-P", "solo"), ("--pool=solo",), ("--pool", "solo")])
def test_a_solo_worker_acknowledges_when_the_task_is_over(words: tuple[str, ...]) -> None:
    assert CHILD not in proofs(("celery", "-A", "shop", "worker", *words))


def test_the_pool_of_the_command_counts_and_then_that_of_the_settings() -> None:
    assert CHILD in proofs() and CHILD in proofs(("celery", "worker", "-P", "threads"))
    assert CHILD not in proofs(worker_pool="solo")
    assert CHILD in proofs(("celery", "-P", "threads"), worker_pool="solo")


def test_a_message_under_way_is_lost_with_any_settings() -> None:
    assert TAKING in proofs(task_acks_late=True, task_reject_on_worker_lost=True)
