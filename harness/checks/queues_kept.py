"""Queues kept: a worker is handed jobs of the queues that it serves, and no others.

A pool of its own is what keeps the mail away from the reports; a worker that is given somebody
else's job may not even have the code for it. Where the names of two queues are taken for one
another, nothing is lost and nothing fails: it is merely the wrong worker.
"""

from __future__ import annotations

from ..finding import Finding, Judged, judged
from ..record.facts import Facts
from ..sight import HAND_OVER, Needs
from ..units import seconds

TITLE = "workers are given jobs of their queues only"
RANK = 46
NEEDS: Needs = (HAND_OVER,)
ALWAYS = True
CERTAIN = True


def judge(facts: Facts) -> Judged:
    plan, history, rows = facts.plan, facts.history, facts.rows(facts.hand_over)
    if not len(rows):
        return Judged("inconclusive", note="no job was handed out")
    names = [plan.queues[job.queue].name for job in plan.jobs]
    pools = plan.workers
    findings = []
    for row, node, job in zip(
        rows.tolist(), history["node"][rows].tolist(), history["job"][rows].tolist(), strict=True
    ):
        if not 0 <= node < len(pools) or names[job] in pools[node].queues:
            continue
        findings.append(
            Finding(
                job,
                f"job {job} of queue {names[job]!r} was handed at {seconds(history['t'][row])} "
                f"to w{node + 1}, which serves {', '.join(map(repr, pools[node].queues))}",
                (row,),
            )
        )
    return judged(findings, f"{len(rows)} deliveries, {len(findings)} to a worker of other queues")
