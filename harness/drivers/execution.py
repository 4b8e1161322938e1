"""What a driver hands back: everything that is known of a run before it is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ..plan.plan import Plan
from ..properties import Judgement
from ..record.history import History


class Execution(NamedTuple):
    """The history, the ledger as it was written (None in sim), what network and time were.

    ``where``: of jobs, by number, what the system says that holds them, or has recorded of them.
    ``logged``: what the worker wrote to its log when a fault had struck the job. ``judgements``:
    what is proved of what a team says of its own app.
    """

    history: History
    ledger: bytes | None
    network: str
    where: Mapping[int, str] = {}
    time: str = "virtual"
    logged: Mapping[int, tuple[str, ...]] = {}
    judgements: Sequence[Judgement] = ()


class Shaken(Protocol):
    """A queue that plans are carried out on."""

    def shake(self, plan: Plan) -> Execution:
        """Carry the plan out."""
