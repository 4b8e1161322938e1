"""The lease is shorter than the job, and nobody extends it.

The queue takes the job from a living worker and gives it to the next one: the same
report goes out twice with no crash anywhere.

Bug class: lease shorter than the job. Found by: no_duplicated_effects.
"""

from __future__ import annotations

from msgspec.structs import replace

from ....protocol.worker import Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from ..adapter import ReferenceAdapter

LEASE_S = 0.2


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    # The mistake, both halves of it.
    yield from correct_worker(name, queues, replace(options, lease_s=LEASE_S), extends=False)


TWIN = ReferenceAdapter(
    "twin-lease-too-short",
    "broken: the lease is shorter than the job and is not extended",
    violates="no_duplicated_effects",
    worker=worker,
    bug_class="lease shorter than the job",
    contract_test="test_a_job_that_outlasts_its_lease_is_run_once",
)
