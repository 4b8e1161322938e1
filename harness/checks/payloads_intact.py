"""Payloads intact: a worker is given the bytes that were enqueued, all of them and no others.

What cuts them is a column that is too short, a protocol whose length has 16 bits, a string that
ends at its first NUL, a text that must be UTF-8. The job runs all the same, with the wrong data.
Each delivery's payload was hashed by whoever began it, and is held against the plan's.
"""

from __future__ import annotations

import numpy as np

from ...protocol.ledger import payload_hash
from ..finding import Finding, Judged, judged, not_judged
from ..record.facts import Facts
from ..record.history import Event
from ..sight import Needs
from ..units import seconds

TITLE = "payloads arrive as they were enqueued"
RANK = 45
NEEDS: Needs = (Event.STARTED,)
ALWAYS = True
CERTAIN = True


def judge(facts: Facts) -> Judged:
    history, plan, began = facts.history, facts.plan, facts.rows(Event.STARTED)
    job = history["job"]
    looked_at = began[history["key"][began] != 0]
    if not len(looked_at):
        if any(plan.jobs[index].payload_bytes for index in np.unique(job[began])):
            return not_judged("payloads are not shown")
        return Judged("inconclusive", note="no job with a payload began to run")
    wanted = {index: payload_hash(plan.payload(index)) for index in np.unique(job[looked_at])}
    findings = []
    for row in looked_at.tolist():
        index = int(job[row])
        if int(history["key"][row]) == wanted[index]:
            continue
        size, found = plan.jobs[index].payload_bytes, int(history["value"][row])
        what = "others" if size == found else f"{found:,} bytes"
        findings.append(
            Finding(
                index,
                f"job {index} was enqueued with a payload of {size:,} bytes; the worker that "
                f"began it at {seconds(history['t'][row])} was given {what}",
                (row,),
                float(abs(size - found)),
            )
        )
    return judged(findings, f"{len(looked_at)} payloads compared, {len(findings)} differ")
