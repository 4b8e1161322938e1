"""The metrics: every number is what was done, whoever exports it."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest
from jobquake.backends.adapter import Unavailable
from jobquake.backends.metrics.exported import exported, page_of
from jobquake.backends.metrics.families import COUNTERS, Family, families
from jobquake.backends.reference import places
from jobquake.backends.reference.core import CORRECT
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.backends.reference.stores.memory import MemoryStore
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.backends.reference.tally import WORKER_KNOWN_S
from jobquake.protocol import commands as c
from jobquake.protocol.clock import Clock
from support.broker_process import Broker, running, wait_until
from support.scrape import LONG_S, Samples, get, live_through_everything, of, read, refused, scrape
from support.servers_here import KINDS, address

EMPTY = c.Measured((), {})


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path / "queue.db", 0, "--metrics-port", "0") as broker:
        yield broker
        assert "Traceback" not in broker.errors.read_text()


def port_of(url: str) -> int:
    return int(url.split(":")[2].split("/")[0])


# -- the numbers ------------------------------------------------------------------------


def counted(samples: Samples, queue: str) -> dict[tuple[str, str], float]:
    """The counters of one queue that are not 0, by name and cause."""
    found = {}
    for (name, labels), value in samples.items():
        told = dict(labels)
        if name.endswith("_total") and told.pop("queue") == queue and value:
            found[name, "".join(told.values())] = value
    return found


def test_every_counter_is_what_was_done(broker: Broker) -> None:
    client = broker.client()
    took_s = live_through_everything(client, "mail")
    refused(client, c.Lease("w", ("mail",), 0.0))
    client.call(c.Ack("never heard of", 1))
    samples = scrape(broker.metrics)
    found = counted(samples, "mail")
    busy_s = found.pop(("jobquake_busy_seconds_total", ""))
    assert found == {
        ("jobquake_enqueued_total", ""): 9,
        ("jobquake_enqueue_repeated_total", ""): 1,
        ("jobquake_leased_total", ""): 8,
        ("jobquake_lease_extended_total", ""): 1,
        ("jobquake_completed_total", ""): 1,
        ("jobquake_retried_total", "failed"): 1,
        ("jobquake_retried_total", "lease_expired"): 1,
        ("jobquake_retried_total", "timed_out"): 1,
        ("jobquake_leases_expired_total", "lease_expired"): 1,
        ("jobquake_leases_expired_total", "timed_out"): 1,
        ("jobquake_dead_lettered_total", "permanent"): 1,
        ("jobquake_dead_lettered_total", "exhausted"): 1,
        ("jobquake_handed_back_total", ""): 1,
        ("jobquake_replayed_total", ""): 1,
        ("jobquake_duplicates_skipped_total", ""): 1,
        ("jobquake_settled_again_total", ""): 1,
        ("jobquake_refused_total", "ack"): 1,
        ("jobquake_refused_total", "enqueue"): 1,
    }
    assert {name for name, _ in found} == {f"{counter[0]}_total" for counter in COUNTERS.values()}
    assert counted(samples, "") == {
        ("jobquake_refused_total", "lease"): 1,
        ("jobquake_refused_total", "ack"): 1,
    }
    assert 0.1 <= busy_s <= 2 * took_s, "two leases ran out at 0.05 s; two at most were held"


def test_every_gauge_is_what_is_there(broker: Broker) -> None:
    client = broker.client()
    client.call(c.Lease("idle", ("mail", "reports"), LONG_S))
    began = time.monotonic()
    live_through_everything(client, "mail")
    samples = scrape(broker.metrics)
    passed_s = time.monotonic() - began
    there = {"ready": 5, "leased": 1, "done": 2, "dead": 1}
    for state, number in there.items():
        assert of(samples, "jobquake_jobs", queue="mail", state=state) == number
        age_s = of(samples, "jobquake_oldest_age_seconds", queue="mail", state=state)
        assert 0 < age_s <= passed_s
    assert of(samples, "jobquake_jobs_waiting", queue="mail") == 2
    assert 0 < of(samples, "jobquake_oldest_wait_seconds", queue="mail") <= passed_s
    assert of(samples, "jobquake_workers", queue="mail") == 2
    assert of(samples, "jobquake_workers", queue="reports") == 1
    assert of(samples, "jobquake_jobs", queue="reports", state="ready") == 0


def test_a_job_waits_from_when_it_is_due_and_not_from_when_it_was_enqueued() -> None:
    now = 1000.0
    queue = ReferenceQueue(MemoryStore(), Clock(*[lambda: now] * 3), Random(0))
    queue.enqueue(c.Job("later", "q", delay_s=60.0))
    now += 50.0
    (depth,) = queue.measure().depths
    assert (depth.count, depth.oldest_s, depth.waiting, depth.waiting_s) == (1, 50.0, 0, 0.0)
    now += 30.0
    (depth,) = queue.measure().depths
    assert (depth.count, depth.oldest_s, depth.waiting, depth.waiting_s) == (1, 80.0, 1, 20.0)


def test_a_worker_is_known_while_it_asks_or_holds_a_job_and_then_forgotten() -> None:
    now = 1000.0
    queue = ReferenceQueue(MemoryStore(), Clock(*[lambda: now] * 3), Random(0))

    def known() -> dict[str, int]:
        usages = queue.measure().usage
        assert usages is not None
        return {usage.queue: usage.workers for usage in usages}

    queue.enqueue(c.Job("j", "q", timeout_s=900.0))
    queue.lease("busy", ("q",), 300.0)
    queue.lease("idle", ("q", "r", "r"), 1.0)
    assert known() == {"q": 2, "r": 1}
    now += WORKER_KNOWN_S
    assert known() == {"q": 1}, "who holds a job need not ask"
    queue.call(c.Extend("j", 1, 300.0))
    now += 299.0
    assert known() == {"q": 1}
    now += 1.0
    assert known() == {}


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("timeout_s", [0.05, 0.1, 0.7, 12.3, 300.0])
def test_a_timeout_is_told_from_a_crash_at_any_time_of_day(
    timeout_s: float, extended: bool
) -> None:
    now = 0.0
    queue = ReferenceQueue(MemoryStore(), Clock(*[lambda: now] * 3), Random(0))
    for n in range(50):
        now = 1_790_000_000.0 + n * 1000.1
        for job in ("hangs", "crashes"):
            queue.enqueue(c.Job(f"{job}-{n}", job, timeout_s=timeout_s, max_deliveries=1))
        queue.lease("w", ("hangs",), timeout_s / 2 if extended else 1000.0)
        queue.lease("w", ("crashes",), timeout_s / 2)
        if extended:
            queue.call(c.Extend(f"hangs-{n}", 1, 1000.0))
        now += timeout_s + 1.0
        queue.reap()
    counts = queue.measure().counts
    assert counts is not None
    expired = {(x.queue, x.cause): x.count for x in counts if "expired" in x.event}
    assert expired == {("hangs", "timed_out"): 50, ("crashes", "lease_expired"): 50}


def test_what_is_not_committed_is_not_counted(tmp_path: Path) -> None:
    queue = ReferenceQueue(
        SQLiteStore(tmp_path / "queue.db"), Clock(*[lambda: 1000.0] * 3), Random(0)
    )
    queue.enqueue(c.Job("kept", "q"))
    queue.lease("w", ("q",), 9.0)
    before = queue.measure()
    with contextlib.suppress(OSError), queue.transaction():
        queue.call(c.Ack("kept", 1))
        queue.enqueue(c.Job("lost", "q"))
        assert queue.measure() != before
        raise OSError("the disk is full")
    assert queue.measure() == before
    queue.store.close()


def test_a_known_queue_has_every_sample_from_the_start_so_that_its_first_event_is_seen() -> None:
    shown = families(c.Measured((), {}, (c.Count("q", "enqueued", "", 1),), ()))
    assert {family.name for family in shown if not family.samples} == set()
    assert [f.name for f in shown if any(f.samples.values())] == ["jobquake_enqueued"]


def test_what_a_queue_does_not_count_is_left_out_and_not_told_as_0() -> None:
    counts_little = c.Measured((c.Depth("q", "ready", 3, 1.0), c.Depth("r", "done", 1, 1.0)), {})
    shown = {family.name: set(family.samples) for family in families(counts_little)}
    assert shown.keys() == {
        "jobquake_jobs",
        "jobquake_oldest_age_seconds",
        "jobquake_jobs_waiting",
        "jobquake_oldest_wait_seconds",
    }
    assert shown["jobquake_jobs_waiting"] == {("r",)}, "three are ready; whether due is not known"


def test_no_queue_no_samples() -> None:
    assert not [family for family in families(EMPTY) if family.samples]


@pytest.mark.parametrize("name", ["", 'a "quoted" \\ one\n', "späte: {Post}", "x" * 5000])
def test_any_queue_name_can_be_read_back(name: str) -> None:
    queue = ReferenceQueue(MemoryStore(), Clock(*[lambda: 1000.0] * 3), Random(0))
    queue.enqueue(c.Job("j", name))
    with exported(lambda: queue.call(c.Measure())) as url:
        assert of(scrape(url), "jobquake_jobs", queue=name, state="ready") == 1


def test_an_answer_of_a_queue_that_counts_less_can_still_be_read() -> None:
    depth = {"queue": "q", "state": "ready", "count": 3, "oldest_s": 1.0}
    old = {"type": "measured", "depths": [depth], "counters": {"enqueued": 3}}
    told = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=c.Reply)
    assert told == c.Measured((c.Depth("q", "ready", 3, 1.0),), {"enqueued": 3})


# -- any queue that answers Measure -----------------------------------------------------


def test_a_long_run_exports_the_same_as_the_broker_itself(broker: Broker) -> None:
    live_through_everything(broker.client(), "mail")
    watcher = broker.client()
    with exported(lambda: watcher.attempt(c.Measure())) as url:
        outside, inside = scrape(url), scrape(broker.metrics)
    assert outside.keys() == inside.keys()
    steady = {key for key in inside if not key[0].endswith("_seconds")}
    assert {key: outside[key] for key in steady} == {key: inside[key] for key in steady}


@pytest.mark.parametrize("place", ["sqlite", *KINDS])
def test_on_a_shared_store_depths_are_exported_and_no_counters_of_one_process(
    place: str, tmp_path: Path
) -> None:
    home = str(tmp_path) if place == "sqlite" else address(place)
    connection = places.PLACES[place].connect(home, LONG_S, CORRECT)
    queue = f"test-{uuid.uuid4().hex}"
    assert connection.attempt(c.Enqueue(c.Job(queue, queue))) == c.Enqueued(True)
    page = page_of(lambda: connection.attempt(c.Measure()))()
    connection.close()
    samples = read(page.body.decode())
    assert of(samples, "jobquake_jobs_waiting", queue=queue) == 1
    assert not [name for name, _ in samples if name.endswith("_total")]
    assert "jobquake_workers" not in {name for name, _ in samples}


def test_a_queue_that_does_not_answer_makes_a_scrape_fail_and_a_later_one_succeed() -> None:
    answers: list[c.Reply | Exception | None] = [None, c.Refused("no"), c.Unanswered(), EMPTY]

    def measure() -> c.Reply | None:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    with exported(measure) as url:
        assert get(url) == (503, "the queue did not answer\n")
        wait_until(lambda: get(url)[0] == 200)


def test_who_has_more_to_tell_tells_it_whether_the_queue_answers_or_not() -> None:
    more = Family("jobquake_soak_rounds", "counter", "Rounds", ("verdict",), {("held",): 3})
    queue = ReferenceQueue(MemoryStore(), Clock(*[lambda: 1000.0] * 3), Random(0))
    queue.enqueue(c.Job("j", "q"))
    answers: list[c.Reply | None] = [queue.measure()]
    with exported(lambda: answers[0], more=lambda: [more]) as url:
        both = scrape(url)
        assert of(both, "jobquake_soak_rounds_total", verdict="held") == 3
        assert of(both, "jobquake_jobs", queue="q", state="ready") == 1
        answers[0] = None
        wait_until(lambda: {name for name, _ in scrape(url)} == {"jobquake_soak_rounds_total"})


def test_the_page_ends_with_its_block_and_its_port_is_free_again() -> None:
    with exported(lambda: EMPTY) as url:
        assert get(url)[0] == 200
    assert "metrics" not in {thread.name for thread in threading.enumerate()}
    with exported(lambda: EMPTY, port_of(url)) as again:
        assert again == url


def test_a_port_in_use_is_told_in_one_sentence() -> None:
    with exported(lambda: EMPTY) as url:
        with (
            pytest.raises(Unavailable, match="found: Address already in use; choose another"),
            exported(lambda: EMPTY, port_of(url)),
        ):
            pass
        assert get(url)[0] == 200


def test_many_scrapes_of_a_queue_that_is_slow_to_measure_share_one_measurement() -> None:
    asked = 0

    def measure() -> c.Measured:
        nonlocal asked
        asked += 1
        time.sleep(0.05)  # the cost itself
        return EMPTY

    page = page_of(measure)
    began = time.monotonic()
    while time.monotonic() - began < 0.3:
        page()
    assert asked == 1, "for ten times as long as it took"
    wait_until(lambda: page() and asked == 2)
