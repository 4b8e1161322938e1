"""Kinds of fields that hold whole numbers: of jobs, workers and nodes, of passings and trips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from .drawing import Sketch
from .kind import Gone, Kind

SERVER = -1  # where a node's number is asked for: the machine of the queue's server


class Number(Kind):
    """A whole number that is not below ``least``."""

    least = 0

    def wrong(self, value: int) -> str:
        return "" if value >= self.least else f"a number of at least {self.least}"


class JobNumber(Number):
    """The index of a job of the plan."""

    rank = 4

    def drawn(self, rng: Random, sketch: Sketch) -> int:
        return rng.randrange(sketch.jobs)

    def moved(self, rng: Random, value: int, sketch: Sketch) -> int:
        return self.drawn(rng, sketch)

    def folded(self, value: int, jobs: int, workers: int, server_crashes: bool) -> int:
        return value % jobs

    def without_jobs(self, value: int, place: Mapping[int, int]) -> int:
        if value not in place:
            raise Gone
        return place[value]

    def narrower(self, value: int) -> Iterator[int]:
        if value > 0:
            yield 0


class WorkerNumber(Number):
    """The number of one worker."""

    rank = 5

    def drawn(self, rng: Random, sketch: Sketch) -> int:
        return rng.randrange(sketch.workers)

    def moved(self, rng: Random, value: int, sketch: Sketch) -> int:
        return self.drawn(rng, sketch)

    def folded(self, value: int, jobs: int, workers: int, server_crashes: bool) -> int:
        return value % max(1, workers)

    def without_worker(self, value: int, gone: int) -> int:
        if value == gone:
            raise Gone
        return value - (value > gone)

    def narrower(self, value: int) -> Iterator[int]:
        if value > 0:
            yield 0


class WorkerNumbers(Kind):
    """The numbers of several workers."""

    rank = 2

    def wrong(self, value: tuple[int, ...]) -> str:
        return "" if all(worker >= 0 for worker in value) else "worker numbers of at least 0"

    def drawn(self, rng: Random, sketch: Sketch) -> tuple[int, ...]:
        count = rng.randint(1, sketch.workers)
        return tuple(sorted(rng.sample(range(sketch.workers), count)))

    def moved(self, rng: Random, value: tuple[int, ...], sketch: Sketch) -> tuple[int, ...]:
        return self.drawn(rng, sketch)

    def folded(
        self, value: tuple[int, ...], jobs: int, workers: int, server_crashes: bool
    ) -> tuple[int, ...]:
        return tuple(sorted({worker % max(1, workers) for worker in value}))

    def without_worker(self, value: tuple[int, ...], gone: int) -> tuple[int, ...]:
        left = tuple(worker - (worker > gone) for worker in value if worker != gone)
        if not left:
            raise Gone
        return left

    def narrower(self, value: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(value) > 1:
            for worker in value:
                yield tuple(other for other in value if other != worker)


class NodeNumber(Number):
    """The number of a worker, or ``SERVER``.

    If the server crashes, its clock is right and a worker's is wrong: after a crash the wall
    clock is all that a queue can ask, and no queue could know that it jumped meanwhile.
    """

    least = SERVER

    def drawn(self, rng: Random, sketch: Sketch) -> int:
        return SERVER if rng.random() < 0.4 else rng.randrange(sketch.workers)

    def moved(self, rng: Random, value: int, sketch: Sketch) -> int:
        return self.drawn(rng, sketch)

    def folded(self, value: int, jobs: int, workers: int, server_crashes: bool) -> int:
        if value == SERVER and not server_crashes:
            return value
        return max(0, value) % max(1, workers)

    def without_worker(self, value: int, gone: int) -> int:
        if value == gone:
            raise Gone
        return value - (value > gone)


class Ordinal(Number):
    """The how manieth passing of a point, from 1."""

    rank = 1
    least = 1

    def drawn(self, rng: Random, sketch: Sketch) -> int:
        """Mostly the first delivery, now and then a later one."""
        return 1 + (rng.random() < 0.25) + (rng.random() < 0.1)

    def moved(self, rng: Random, value: int, sketch: Sketch) -> int:
        return rng.choice((1, 2, 3))

    def narrower(self, value: int) -> Iterator[int]:
        yield from (less for less in dict.fromkeys((1, value // 2, value - 1)) if 0 < less < value)


class Trip(Ordinal):
    """The ordinal of a round trip, counted over all nodes, from 1."""

    says_when = True

    def drawn(self, rng: Random, sketch: Sketch) -> int:
        return 1 + min(int(rng.expovariate(0.5)), 2 * sketch.jobs)

    def moved(self, rng: Random, value: int, sketch: Sketch) -> int:
        return max(1, value + rng.choice((-2, -1, 1, 2)))

    def counted_without(self, value: int, jobs: int) -> int:
        return max(1, value - jobs)


class NamedTrip(Ordinal):
    """The ordinal of a round trip among those of its name, from 1; 0: the one with the job."""

    least = 0

    def counted_without(self, value: int, jobs: int) -> int:
        return max(1, value - jobs) if value else 0

    def narrower(self, value: int) -> Iterator[int]:
        return iter(())


class Repetitions(Number):
    """How many times in a row."""

    rank = 0
    least = 1

    def drawn(self, rng: Random, sketch: Sketch) -> int:
        return rng.choice((1, 1, 1, 2, 5))

    def moved(self, rng: Random, value: int, sketch: Sketch) -> int:
        return rng.choice((1, 2, 4))

    def narrower(self, value: int) -> Iterator[int]:
        if value > 1:
            yield from dict.fromkeys((1, value // 2, value - 1))
