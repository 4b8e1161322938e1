"""Which answer of a broker kills whoever it hands a job to, before he hears it."""

from __future__ import annotations

from collections import Counter

from ..faults.kill_taking import KillTaking
from ..plan.plan import Plan

MOMENT = "after its broker had handed it out and before anything about it was sent"


class Takings:
    """Those of the plan; what all taps of a run share. Each time of a fault strikes once."""

    def __init__(self, plan: Plan) -> None:
        self._faults = [(n, f) for n, f in enumerate(plan.faults) if isinstance(f, KillTaking)]
        self._ids = {f.job: plan.job_id(f.job).encode() for _, f in self._faults}
        self._handed = Counter[int]()

    def struck(self, answer: bytes, identifier: str) -> tuple[int, int] | None:
        """The number of the fault that strikes this answer, and its job.

        The answer hands out the job of that id, and whatever other one stands in it.
        """
        answer += identifier.encode()
        handed = [job for job, name in self._ids.items() if name in answer]
        self._handed.update(handed)
        for number, fault in self._faults:
            times = self._handed[fault.job]
            if fault.job in handed and fault.nth <= times < fault.nth + fault.times:
                return number, fault.job
        return None
