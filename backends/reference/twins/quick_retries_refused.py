"""A retry policy with a cap below a second is refused: the cap is read in whole seconds.

Somebody validates what producers send, and takes 0.5 s for 0. Producers that want quick retries are
told that their jobs are malformed, and their work never begins.

Bug class: validation that refuses what is legal. Found by: enqueues_accepted.
"""

from __future__ import annotations

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter


def unfit(job: Job) -> str | None:
    if unfit := core.unfit(job):
        return unfit
    if int(job.retry.cap_s) < 1:  # the mistake
        return f"expected a cap_s of at least 1, found {int(job.retry.cap_s)}"
    return None


TWIN = ReferenceAdapter(
    "twin-quick-retries-refused",
    "broken: a job whose retries wait less than a second is refused",
    violates="enqueues_accepted",
    decisions=core.CORRECT._replace(unfit=unfit),
    bug_class="validation that refuses what is legal",
    contract_test="test_every_legal_job_is_accepted",
)
