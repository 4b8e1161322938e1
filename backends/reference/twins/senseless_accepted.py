"""What producers send is taken as it is, and nobody looks whether it makes sense.

A job that allows no delivery, one whose pause has no end, one without an id: each is accepted, so
whoever sent it believes that it will run, and the mistake shows when a worker is given it.

Bug class: no validation. Found by: senseless_refused.
"""

from __future__ import annotations

from ....protocol.commands import Job
from .. import core
from ..adapter import ReferenceAdapter


def unfit(job: Job) -> str | None:
    return None  # the mistake


TWIN = ReferenceAdapter(
    "twin-senseless-accepted",
    "broken: jobs are accepted that make no sense",
    violates="senseless_refused",
    decisions=core.CORRECT._replace(unfit=unfit),
    bug_class="no validation",
    contract_test="test_a_senseless_job_is_refused",
)
