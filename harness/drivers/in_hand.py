"""What living workers still have in hand at the end of a run, as their own rows say.

A library that forgets a job when it hands it out, as Celery does at its defaults, holds nothing of
one that hangs. It is not lost: the worker that runs it has it, and is here to be named.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from ...protocol.events import Event, Row
from .observe import Observation

BEGUN = (Event.LEASED, Event.STARTED)
OVER = (Event.FINISHED, Event.LEASE_LOST, Event.PROCESS_DIED)
Life = tuple[int, int]  # a node and its incarnation


def in_hand(
    rows: Iterable[Row], living: Collection[Life], seen: Sequence[Observation]
) -> Iterator[Observation]:
    """One for each living worker and each job that it runs.

    What it has received and not begun counts where ``seen``, the broker's word, tells of nothing
    else: a worker's own queue may be all that holds it.
    """
    runs, received = defaultdict[int, list[int]](list), dict[int, int]()
    for row in rows:
        if (row.node, row.incarnation) not in living or row.job < 0:
            continue
        if row.event in BEGUN:
            received.pop(row.job, None)
            if row.node not in runs[row.job]:
                runs[row.job].append(row.node)
        elif row.event in OVER and row.node in runs[row.job]:
            runs[row.job].remove(row.node)
        elif row.event == Event.RECEIVED:
            received[row.job] = row.node
        elif row.event == Event.ACK_ANSWERED:
            received.pop(row.job, None)  # it was discarded
    for job, nodes in sorted(runs.items()):
        for node in nodes:
            yield Observation(Event.HELD, job, 1.0, node=node)
    known = {one.job for one in seen} | {job for job, nodes in runs.items() if nodes}
    for job, node in sorted(received.items()):
        if job not in known:
            yield Observation(Event.HELD, job, 0.0, node=node)
