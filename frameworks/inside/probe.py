"""The probe of this process: one for each process, made when it is first needed.

A child that was forked has the connections and counters of its parent; its probe is its own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ...protocol.probe import Probe, Taken, probe_here

_probes: dict[int, Probe] = {}


def probe() -> Probe:
    """Of the process that asks. There is one, or nobody would have been hooked."""
    here = os.getpid()
    if here not in _probes:
        _probes.clear()
        found = probe_here()
        assert found is not None
        _probes[here] = found
    return _probes[here]


class InHand:
    """The deliveries that this process works at, by the job's id; ``watching`` gives its probe."""

    def __init__(self, watching: Callable[[], Probe] = probe) -> None:
        self._watching = watching
        self._taken: dict[str, Taken] = {}

    def begins(self, identifier: str) -> None:
        """The library is about to call the job's function."""
        taken = self._taken[identifier] = self._watching().took(identifier)
        taken.begins()

    def ends(self, identifier: str, raised: bool) -> None:
        """The function is over; the broker has not been told by this process."""
        taken = self._taken.pop(identifier, None)
        if taken is None:
            return
        if raised:
            taken.raised()
        else:
            taken.returned()
        taken.over()

    @contextmanager
    def running(self, identifier: str) -> Iterator[None]:
        """The job's function is what runs inside."""
        self.begins(identifier)
        try:
            yield
        except BaseException:
            self.ends(identifier, raised=True)
            raise
        self.ends(identifier, raised=False)

    def playing(self, identifier: str) -> Taken:
        """The delivery under way of that job."""
        return self._taken[identifier]
