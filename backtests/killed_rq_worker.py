"""The death that several bugs of RQ have in common: a worker that is killed while it runs a job.

The answer to what the worker asks of the job is held on the wire for a moment, to know that it has
it; the worker is killed, with its work-horse, while that runs the job. Another one is started,
which cleans up when it has waited for a while.
"""

from __future__ import annotations

from .backtest import Told
from .stage import Stage, Worker


def killed_while_it_runs(s: Stage, submit: str, order: str) -> Worker | Told:
    """The other worker; what was seen instead, if the first one never got so far.

    ``submit``: how the app enqueues the order, ``module:function``.
    """
    url = f"redis://{s.wire}/0"
    taken = s.hold_reply(f"rq:job:{order}")
    first = s.worker("rq", "worker", "q", "-u", url)
    s.ask(submit, "q", order)
    if not s.until(lambda: taken.struck):
        return Told("inconclusive", "the worker never took the job", tuple(first.log[-3:]))
    taken.release()
    if not s.until(lambda: f"began {order}" in s.ledger):
        return Told("inconclusive", "the job never began", tuple(first.log[-3:]))
    first.kill()
    return s.worker("rq", "worker", "q", "-u", url)
