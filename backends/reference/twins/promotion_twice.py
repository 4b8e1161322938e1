"""Each worker takes due jobs from the delayed ones by itself, and does not ask who removed them.

Look which are due, then remove one: two workers look at the same moment, both remove, one of
them removes nothing, and both run the job. The more workers, the more often a delayed e-mail
goes out twice, with no fault anywhere.

Bug class: promoted twice by a check that is not one step with its act.
Found by: no_duplicated_effects.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from msgspec.structs import replace

from ....protocol.commands import Extend
from ....protocol.repeat import until_answered
from ....protocol.worker import At, Worker, WorkerOptions
from ....protocol.worker import worker as correct_worker
from .. import core
from ..adapter import ReferenceAdapter
from ..altered import altered_worker
from ..core import Ruling
from ..record import Record


def lease(record: Record, worker: str, lease_s: float, now: float) -> Record:
    leased = core.lease(record, worker, lease_s, now)
    # The mistake: a delayed job is seen by whoever looks, until somebody removes it.
    return replace(leased, state="ready") if record.job.delay_s > 0 else leased


def extend(record: Record, token: int, lease_s: float, now: float) -> Ruling:
    seen = record.state == "ready" and record.token == token != record.settled_token
    return core.extend(replace(record, state="leased") if seen else record, token, lease_s, now)


def worker(name: str, queues: tuple[str, ...], options: WorkerOptions) -> Worker:
    def carry(want: Any) -> Generator[Any, Any, Any]:
        answer = yield want
        if isinstance(want, At) and want.point == "after_lease" and want.delivery.job.delay_s > 0:
            job, token = want.delivery.job, want.delivery.token
            yield from until_answered(Extend(job.id, token, options.lease_s))  # the removal
        return answer

    return altered_worker(correct_worker(name, queues, options), carry)


TWIN = ReferenceAdapter(
    "twin-promotion-twice",
    "broken: workers take due jobs from the delayed ones and do not ask who removed them",
    violates="no_duplicated_effects",
    decisions=core.CORRECT._replace(lease=lease, extend=extend),
    worker=worker,
    bug_class="promoted twice by a check that is not one step with its act",
    contract_test="test_a_delayed_job_is_handed_out_to_one",
)
