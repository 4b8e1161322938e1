"""The queue under a soak: one that lives through all rounds, in virtual or in real time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from ...backends.adapter import Adapter
from ...backends.system import Time
from ..drivers.long_lived import LongLivedQueue


def long_lived_queue(
    adapter: Adapter, driver: str, folder: Path, time: Time | None = None
) -> AbstractContextManager[LongLivedQueue]:
    """Such a queue, until the end of the block. Raises ``EnvironmentFault`` and ``Unavailable``.

    With real processes it keeps its files in ``folder`` and goes on with those that are there;
    in virtual time it lives in memory and starts empty. ``time`` is as in :func:`..run.run`.
    """
    if driver == "sim":
        from ..drivers.long_lived_sim import simulated

        return simulated(adapter)
    from ..drivers.long_lived_process import served

    return served(adapter, folder, time)
