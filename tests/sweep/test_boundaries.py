"""Which round trips are a job's own, told from the idle loop by an idle time before it."""

from __future__ import annotations

from jobquake.harness.drivers.trips import Trip
from jobquake.harness.faults.fields import Side
from jobquake.sweep.boundaries import boundaries

BEGAN, SENT, OVER = 100.0, 160.0, 170.0


def trip(
    side: Side,
    name: str,
    asked_s: float,
    answered_s: float | None = None,
    asks: tuple[int, ...] = (),
    brings: tuple[int, ...] = (),
    service: str = "",
) -> Trip:
    at_s = asked_s + 0.001 if answered_s is None else answered_s
    return Trip(side, 0, 1, name, "Resp", asked_s, at_s, asks, brings, 10, 10, service)


IDLE = [trip("worker", "BRPOP q", 100.5 + n, 101.4 + n) for n in range(60)]
LAST = trip("worker", "BRPOP q", 160.5, 161.0, brings=(0,))
STARTS = [trip("worker", name, 90.0) for name in ("PING", "SADD bindings")]
LIFE = [
    trip("producer", "PING", 160.1),
    trip("producer", "LPUSH q", 160.2, asks=(0,)),
    trip("worker", "SADD bindings", 161.05),
    trip("worker", "HSET unacked", 161.1, asks=(0,)),
    trip("worker", "GET x", 161.2),
    trip("worker", "GET x", 161.3),
    trip("worker", "PUBLISH beat", 161.4),
]
BEATS = [trip("worker", "PUBLISH beat", 100.0 + 2 * n) for n in range(30)]
LEAVES = [trip("worker", "DEL q", 171.0)]


def found(trips: list[Trip]) -> list[str]:
    return [boundary.key for boundary in boundaries(trips, 0, BEGAN, SENT, OVER)]


def test_what_passes_in_idle_time_too_is_no_boundary_unless_it_carries_the_job() -> None:
    assert found([*STARTS, *IDLE[:60], *BEATS, LAST, *LIFE, *LEAVES]) == [
        "producer: PING",
        "producer: LPUSH q",
        "worker: BRPOP q",
        "worker: SADD bindings",
        "worker: HSET unacked",
        "worker: GET x",
        "worker: GET x (2)",
    ]


def test_the_one_that_brings_the_job_is_known_by_it_and_not_by_its_number() -> None:
    (pop,) = boundaries([*IDLE, LAST], 0, BEGAN, SENT, OVER)
    assert (pop.nth, pop.carries, round(pop.at_s, 3)) == (0, True, 1.0)


def test_a_worker_that_has_waited_since_it_started_waits_in_idle_time() -> None:
    waits = trip("worker", "BLMOVE q", 90.0, 160.4, brings=(0,))
    assert found([waits, *LIFE])[:3] == ["producer: PING", "producer: LPUSH q", "worker: BLMOVE q"]


def test_what_only_opens_a_connection_says_so() -> None:
    said = ("db: connect", "db: SELECT FROM jobs", "db: close", "SELECT")
    trips = [trip("worker", name, 162.0 + n, service=name[:2]) for n, name in enumerate(said)]
    opened = boundaries([*LIFE, *trips], 0, BEGAN, SENT, OVER)
    assert [b.label for b in opened if b.opens] == ["PING", "db: connect", "db: close", "SELECT"]


def test_trips_of_a_name_are_counted_since_the_run_began() -> None:
    trips = [
        trip("producer", "GET x", 90.0),
        *(trip("producer", "GET x", t) for t in (150.0, 161.0)),
    ]
    assert found(trips) == ["producer: GET x (2)"]
