"""The death that many bugs have in common: a worker that is killed while it runs a job.

The reply by which the worker is given the job is held on the wire for a moment, to know that it has
it; the worker is killed, with all that it started, while the job runs. Another one is started.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .backtest import Told
from .stage import Held, Stage, Worker


def killed_while_it_runs(
    s: Stage, taken: Held, command: Sequence[str], submit: Callable[[], object], order: str
) -> Worker | Told:
    """The other worker; what was seen instead, if the first one never got so far.

    ``submit`` enqueues the order, and the job notes that it began it.
    """
    first = s.worker(*command)
    submit()
    if not s.until(lambda: taken.struck):
        return Told("inconclusive", "the worker never took the job", tuple(first.log[-3:]))
    taken.release()
    if not s.until(lambda: f"began {order}" in s.ledger):
        return Told("inconclusive", "the job never began", tuple(first.log[-3:]))
    first.kill()
    return s.worker(*command)
