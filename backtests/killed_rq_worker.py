"""The death of a worker of RQ (:mod:`.killed_worker`): the next one cleans up after a wait."""

from __future__ import annotations

from .backtest import Told
from .killed_worker import killed_while_it_runs
from .stage import Stage, Worker


def killed_rq_worker(s: Stage, submit: str, order: str) -> Worker | Told:
    """The other worker, or what was seen instead.

    ``submit``: how the app enqueues the order, ``module:function``.
    """
    command = ("rq", "worker", "q", "-u", f"redis://{s.wire}/0")
    taken = s.hold_reply(f"rq:job:{order}")
    return killed_while_it_runs(s, taken, command, lambda: s.ask(submit, "q", order), order)
