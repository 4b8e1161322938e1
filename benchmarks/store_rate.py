"""How long a lease takes in the SQLite store, by how many jobs lie in the way.

    python benchmarks/store_rate.py              (ready jobs: 0, 10,000 and 100,000)
    python benchmarks/store_rate.py --million    (and 1,000,000: some minutes more)

The p50 of a lease, and of the other calls, of a queue that holds what is asked for and nothing
else, beside the same queue behind a flood: in another queue, in its own, delayed with a higher
priority. The ratio is the figure: at most 1.5. First on a file that waits for the disk as the
broker does, then without that wait, which would hide what SQLite itself takes. At last a bounded
queue is filled: the time of an enqueue may not grow with what is in it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median

from jobquake.backends.reference import core
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import Ack, Enqueue, Job, Lease, Leased

CALLS = 300
BATCH = 10_000
BOUNDED = (5_000, 10_000, 20_000, 40_000)
FLOODS: dict[str, dict[str, object]] = {
    "in another queue": {"queue": "reports"},
    "in the same queue": {"queue": "mail", "priority": -1},
    "delayed, of a higher priority": {"queue": "mail", "priority": 9, "delay_s": 86_400.0},
}


def p50_us(work: Callable[[], object], calls: int) -> float:
    took = []
    for _ in range(calls):
        begun = time.perf_counter()
        work()
        took.append(time.perf_counter() - begun)
    return median(took) * 1e6


def figures(path: Path, flood: dict[str, object], size: int, waits: bool) -> dict[str, float]:
    """p50 of each call in microseconds, on a file with so many jobs of the flood."""
    store = SQLiteStore(path)
    if not waits:
        store._db.execute("PRAGMA synchronous=OFF")
    queue = ReferenceQueue(store, Clock(), Random(0))
    for first in range(0, size, BATCH):
        with store.transaction():
            for place in range(first, min(first + BATCH, size)):
                job = Job(f"flood-{place}", **flood)  # type: ignore[arg-type]
                store.insert(core.admit(job, queue.now()))
    store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ids = iter(range(CALLS))
    leased: Iterator[str] = iter(())

    def enqueue() -> object:
        return queue.call(Enqueue(Job(f"letter-{next(ids)}", "mail", max_waiting=10**9)))

    def lease() -> str:
        reply = queue.call(Lease("w", ("mail",), 3600.0))
        assert isinstance(reply, Leased) and reply.delivery
        return reply.delivery.job.id

    held: list[str] = []
    found = {
        "enqueue": p50_us(enqueue, CALLS),
        "lease": p50_us(lambda: held.append(lease()), CALLS),
        "next change": p50_us(lambda: store.next_change_at(("mail",)), CALLS),
    }
    leased = iter(held)
    found["ack"] = p50_us(lambda: queue.call(Ack(next(leased), 1)), CALLS)
    found["measure"] = p50_us(queue.measure, 5)
    store.close()
    return found


def fill_times(folder: Path) -> None:
    print("\nA bounded queue is filled, without waiting for the disk")
    before = 0.0
    for size in BOUNDED:
        store = SQLiteStore(folder / f"bounded-{size}.db")
        store._db.execute("PRAGMA synchronous=OFF")
        queue = ReferenceQueue(store, Clock(), Random(0))
        begun = time.perf_counter()
        for place in range(size):
            queue.call(Enqueue(Job(f"job-{place}", "mail", max_waiting=size)))
        took_s = time.perf_counter() - begun
        doubled = f"   {took_s / before:.2f} times the half" if before else ""
        print(f"  {size:>7,} jobs {took_s:8.2f} s {1e6 * took_s / size:8.1f} us a job{doubled}")
        before = took_s
        store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--million", action="store_true", help="also behind 1,000,000 jobs")
    parser.add_argument("--sizes", type=int, nargs="*", default=[10_000, 100_000])
    chosen = parser.parse_args()
    sizes = [*chosen.sizes, *([1_000_000] if chosen.million else [])]
    with tempfile.TemporaryDirectory(prefix="jobquake-bench-") as name:
        folder = Path(name)
        for waits in (True, False):
            alone = figures(folder / f"alone-{waits}.db", {}, 0, waits)
            print(f"\n{'With' if waits else 'Without'} the wait for the disk: p50 in us")
            print(f"{'':>10} {'':<32}" + "".join(f"{call:>20}" for call in alone))
            print(f"{0:>10,} {'':<32}" + "".join(f"{us:>20.0f}" for us in alone.values()))
            for where, flood in FLOODS.items():
                for size in sizes:
                    path = folder / "flood.db"
                    found = figures(path, flood, size, waits)
                    cells = [f"{us:.0f} ({us / alone[call]:.2f}x)" for call, us in found.items()]
                    print(f"{size:>10,} {where:<32}" + "".join(f"{cell:>20}" for cell in cells))
                    for file in folder.glob("flood.db*"):
                        file.unlink()
        fill_times(folder)


if __name__ == "__main__":
    main()
