"""How long jobs took in a run, as percentiles: until a worker had them, until their effect.

Read off the history. It judges nothing, and jobs that never got so far are not counted, which
is why each row says how many were.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..harness.record.facts import Facts
from ..harness.run import Run

PERCENTILES = (50, 95, 99, 100)


class Latency(NamedTuple):
    """``seconds`` are those of PERCENTILES, over ``jobs`` jobs."""

    what: str
    jobs: int
    seconds: tuple[float, ...]


def latencies(run: Run) -> list[Latency]:
    """From the moment a job was accepted to its first lease, and to its first effect."""
    facts = Facts(run.plan, run.claims, run.history)
    found = []
    for what, ends in (
        ("wait for a worker", facts.leased_at),
        ("until the effect", facts.effect_at),
    ):
        took = ends - facts.accepted_at
        # A worker may have a job before its producer hears that it was accepted.
        took = np.maximum(took[~np.isnan(took)], 0.0)
        if len(took):
            values = tuple(float(v) for v in np.percentile(took, PERCENTILES))
            found.append(Latency(what, len(took), values))
    return found
