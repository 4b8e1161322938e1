"""No phantoms: no worker is handed a job that nobody had enqueued by then.

A job whose enqueue was never answered is no phantom: it was sent. One that was refused is.
"""

from __future__ import annotations

from ..facts import Facts, seconds
from .finding import Finding, Judged, judged


def judge(facts: Facts) -> Judged:
    history = facts.history
    findings = [
        Finding(
            int(history["job"][i]),
            f"worker {int(history['node'][i]) + 1} was handed a job at {seconds(history['t'][i])} "
            "that nobody had enqueued",
            (int(i),),
        )
        for i in facts.phantoms
    ]
    return judged(findings, f"{len(findings)} deliveries of unknown jobs")
