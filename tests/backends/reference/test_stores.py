"""Every store is the memory store, only elsewhere: the same calls give the same answers.

And what only a shared store can get wrong: two processes that claim at once, an answer
that is lost after the commit, a waiter whom nobody wakes.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from random import Random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from jobquake.backends import registry
from jobquake.backends.reference import core, places
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.claiming import is_shared
from jobquake.backends.reference.direct import DirectConnection
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.backends.reference.record import Record
from jobquake.backends.reference.stores.memory import MemoryStore
from jobquake.backends.reference.stores.sqlite import SQLiteStore
from jobquake.backends.reference.stores.store import (
    LOOK_BYTES,
    Proposal,
    SharedStore,
    Store,
    StoreError,
    due,
    in_order,
)
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import (
    Ack,
    DeadLetters,
    Enqueue,
    Job,
    Lease,
    Leased,
    ListDead,
    Replay,
    Replayed,
    RetryPolicy,
    Settled,
    Unanswered,
)
from msgspec.structs import replace
from support.relay import Lost, Relay, relay
from support.servers_here import KINDS, address, fresh_store

QUEUES = ("mail", "späte: {Post}")
IDS = st.sampled_from(["a", "ä:{c}", "000:d", "f*?[g]"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=5
)
JOBS = st.builds(
    Job,
    id=IDS,
    queue=st.sampled_from(QUEUES),
    payload=st.binary(max_size=4),
    key=st.none() | st.sampled_from(["k1", "k2", "k:3"]),
    priority=st.integers(-2, 2),
    delay_s=st.sampled_from([0.0, 0.0, 1.5, 0.1 + 0.2]),
    max_deliveries=st.integers(1, 3),
    timeout_s=st.just(20.0),
    retry=st.just(RetryPolicy(0.5, 2.0, 5.0, "full")),
)


def plain(record: Record | None) -> Record | None:
    """Without the sequence: it orders records, and stores may leave gaps in it."""
    return record and replace(record, sequence=0)


def identified(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record.job.id)


class StoreMachine(RuleBasedStateMachine):
    """Random life of a queue in ``make()`` and in memory; every answer must be equal."""

    kind = "sqlite"

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.model = MemoryStore()
        self.store: Store = (
            SQLiteStore(":memory:")
            if self.kind == "sqlite"
            else self.open.enter_context(fresh_store(self.kind))
        )
        self.now = 1000.0
        self.rng = Random(0)
        self.stale: list[tuple[Record, Record]] = []

    def teardown(self) -> None:
        self.open.close()

    def swap(self, old: Record, new: Record | None, key: str | None = None) -> None:
        if new is None:
            return
        answers = [store.swap(old, new, key) for store in (self.model, self.store)]
        assert answers[0] == answers[1]
        self.stale.append((old, new))

    @rule(seconds=st.sampled_from([0.0, 0.3, 1.0, 7.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(jobs=st.lists(JOBS, min_size=1, max_size=5))
    def insert(self, jobs: list[Job]) -> None:
        for job in jobs:
            record = core.admit(job, self.now)
            assert self.model.insert(record) == self.store.insert(record)

    @rule(queues=st.sampled_from([QUEUES, QUEUES[:1], QUEUES[1:]]), lease_s=st.floats(0.1, 5))
    def claim(self, queues: tuple[str, ...], lease_s: float) -> None:
        expected = self.model.next_ready(queues, self.now)
        assert plain(self.store.next_ready(queues, self.now)) == plain(expected)
        if expected:
            self.swap(expected, core.lease(expected, "w", lease_s, self.now))

    @rule(
        queues=st.sampled_from([QUEUES, QUEUES[:1]]),
        most=st.integers(1, 4),
        first=st.integers(0, 2),
        outdated=st.booleans(),
    )
    def claim_in_one_step(
        self, queues: tuple[str, ...], most: int, first: int, outdated: bool
    ) -> None:
        """It takes the first proposal that fits, unless somebody who was not proposed is ahead."""
        store = self.store
        if not is_shared(store):
            return
        look = store.look(queues, self.now, most)
        expired = identified(self.model.expired(self.now))
        assert [*map(plain, identified(look.expired))] == [*map(plain, expired)]
        ready = [r for r in self.known() if r.state == "ready" and r.ready_at <= self.now]
        ready = sorted((r for r in ready if r.job.queue in queues), key=in_order)
        assert [*map(plain, look.next)] == [*map(plain, ready[:most])]
        heads = look.next[first:]
        if outdated and heads:
            heads[0] = replace(heads[0], version=heads[0].version + 7)
        proposals = [Proposal(record, core.lease(record, "w", 2.0, self.now)) for record in heads]
        claim = store.claim(queues, self.now, proposals)

        fit = [r for r in heads if plain(self.model.get(r.job.id)) == plain(r)]
        done = [r for r in fit if r.job.key is not None and self.model.key_done(r.job.key)]
        free = next((r for r in fit if r not in done), None)
        proposed = {r.job.id for r in fit}
        ahead = next((r.job.id for r in ready if r.job.id not in proposed), None)
        order = [r.job.id for r in ready]
        if free is None or (ahead and order.index(ahead) < order.index(free.job.id)):
            assert claim.taken is None
            return
        assert claim.taken == heads.index(free)
        before = {heads.index(r) for r in done if heads.index(r) < claim.taken}
        assert before <= set(claim.duplicates)
        held = self.model.get(free.job.id)
        assert held and self.model.swap(held, core.lease(held, "w", 2.0, self.now))

    @rule(queues=st.sampled_from([QUEUES, QUEUES[1:]]), by_s=st.sampled_from([-3.0, 3.0]))
    def who_asks_with_a_wrong_clock_changes_nothing(
        self, queues: tuple[str, ...], by_s: float
    ) -> None:
        seen = [s.next_ready(queues, self.now + by_s) for s in (self.model, self.store)]
        assert plain(seen[0]) == plain(seen[1])

    @rule(how=st.sampled_from(["ack", "nack", "permanent", "extend", "release"]), job=JOBS)
    def settle(self, how: str, job: Job) -> None:
        held = [r for r in self.known() if r.state == "leased"]
        if not held:
            return
        record = held[len(job.payload) % len(held)]
        ruling = {
            "ack": lambda: core.ack(record, record.token, self.now),
            "nack": lambda: core.nack(record, record.token, "no", False, self.now, self.rng),
            "permanent": lambda: core.nack(record, record.token, "no", True, self.now, self.rng),
            "extend": lambda: core.extend(record, record.token, 3.0, self.now),
            "release": lambda: core.release(record, record.token, self.now),
        }[how]()
        self.swap(record, ruling.successor, record.job.key if how == "ack" else None)

    @rule()
    def reap(self) -> None:
        expired = identified(self.model.expired(self.now))
        found = identified(self.store.expired(self.now))
        assert [*map(plain, found)] == [*map(plain, expired)]
        for record in expired:
            self.swap(record, core.reap(record, self.now, self.rng))

    @rule()
    def replay_the_dead(self) -> None:
        for record in self.model.dead():
            self.swap(record, core.replay(record, self.now).successor)

    @rule(place=st.integers(0, 100))
    def a_stale_swap_changes_nothing(self, place: int) -> None:
        if self.stale:
            old, new = self.stale[place % len(self.stale)]
            assert self.model.swap(old, new, "stale") == self.store.swap(old, new, "stale")

    @rule(age_s=st.sampled_from([0.0, 1.0, 5.0]))
    def forget(self, age_s: float) -> None:
        before = self.now - age_s
        assert self.model.forget(before) == self.store.forget(before)
        self.stale.clear()  # versions start anew then; nobody keeps a record for so long

    def known(self) -> list[Record]:
        return identified([*self.model._records.values()])

    @invariant()
    def they_hold_the_same(self) -> None:
        for record in self.known():
            assert plain(self.store.get(record.job.id)) == plain(record)
        assert self.store.get("never heard of") is None
        assert self.store.depths(self.now) == self.model.depths(self.now)
        assert [*map(plain, self.store.dead())] == [*map(plain, self.model.dead())]
        for key in ("k1", "k2", "k:3", "stale"):
            assert self.store.key_done(key) == self.model.key_done(key)

    @invariant()
    def it_names_the_next_change(self) -> None:
        coming = [
            due(record)
            for record in self.known()
            if record.state == "leased" or (record.state == "ready" and record.job.queue == "mail")
        ]
        assert self.store.next_change_at(("mail",)) == min(coming, default=None)

    @invariant()
    def it_names_the_last_time_that_a_job_came_or_ended(self) -> None:
        known = self.known()
        ended = [due(record) for record in known if record.state in ("done", "dead")]
        came = [record.enqueued_at for record in known]
        assert self.model.last_change_at() == max(came + ended, default=None)
        assert self.store.last_change_at() == self.model.last_change_at()


@pytest.mark.parametrize("kind", ["sqlite", *KINDS])
def test_every_store_answers_like_the_memory_store(kind: str) -> None:
    if kind in KINDS:
        address(kind)
    machine = type(f"Machine_{kind}", (StoreMachine,), {"kind": kind})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    address(request.param)
    return str(request.param)


def queue_on(store: SharedStore) -> ReferenceQueue:
    return ReferenceQueue(store, store.clock, Random(0))


CLAIMER = """
import sys
from random import Random
from jobquake.protocol.commands import Ack, Lease
from jobquake.backends.reference import places
from jobquake.backends.reference.claiming import is_shared
from jobquake.backends.reference.queue import ReferenceQueue
kind, url, name = sys.argv[1:]
store = places.open_store(kind, url, name, 5.0)
queue = ReferenceQueue(store, store.clock, Random())
print("ready", flush=True)
sys.stdin.readline()
while (delivery := queue.call(Lease("w", ("mail",), 600.0)).delivery) is not None:
    print(delivery.job.id, delivery.token)
"""


def test_processes_that_claim_at_once_never_get_the_same_job(kind: str) -> None:
    with fresh_store(kind) as store:
        jobs = {f"job-{number}" for number in range(200)}
        for job_id in jobs:
            store.insert(core.admit(Job(job_id, "mail"), 0.0))
        command = [
            sys.executable,
            "-c",
            CLAIMER,
            kind,
            places.url_of(kind, address(kind)),
            store.name,
        ]
        claimers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        for claimer in claimers:
            assert claimer.stdout and claimer.stdout.readline() == "ready\n"
        for claimer in claimers:
            assert claimer.stdin
            claimer.stdin.write("go\n")
            claimer.stdin.flush()
        claims = [line.split() for one in claimers for line in one.communicate()[0].splitlines()]
    assert all(claimer.returncode == 0 for claimer in claimers)
    assert sorted(job_id for job_id, _ in claims) == sorted(jobs), "each exactly once"
    assert {token for _, token in claims} == {"1"}


@pytest.mark.parametrize("delay_s", [0.0, 0.5])
def test_who_comes_first_goes_first_though_clocks_differ_a_little(
    kind: str, delay_s: float
) -> None:
    """Three clients enqueue one after the other, each with a clock behind the one before."""
    with fresh_store(kind) as store:
        for name, now in (("first", 10.02), ("second", 10.01), ("third", 10.0)):
            store.insert(core.admit(Job(name, "mail", delay_s=delay_s), now))
            if name == "second":  # whoever has left the queue is remembered, too
                look = store.look(("mail",), 99.0, 1)
                claim = [Proposal(r, core.lease(r, "w", 600.0, 99.0)) for r in look.next]
                assert store.claim(("mail",), 99.0, claim).taken == 0
        store.insert(core.admit(Job("far behind", "mail"), 1.0))
        order = [record.job.id for record in store.look(("mail",), 99.0, 9).next]
        late = ["third", "first"] if delay_s else ["second", "third"]
        assert order == ["far behind", *late]
        first = store.next_ready(("mail",), 99.0)
        assert first and first.job.id == "far behind"


# -- lost answers ---------------------------------------------------------------------------


Cuttable = tuple[SharedStore, SharedStore, Relay]


@pytest.fixture
def cuttable(kind: str) -> Iterator[Cuttable]:
    """A store behind a relay, the same store straight, and the relay."""
    with relay(address(kind)) as cutter, fresh_store(kind) as straight:
        url = places.url_of(kind, cutter.address)
        behind = places.open_store(kind, url, straight.name, 2.0)
        # The first write teaches the server its statements; the cut must hit a later one.
        behind.insert(core.admit(Job("first"), 0.0))
        first = behind.get("first")
        assert first is not None
        behind.swap(first, core.lease(first, "w", 1.0, 0.0))
        yield behind, straight, cutter
        behind.close()


def ready_job(store: SharedStore) -> Record:
    store.insert(core.admit(Job("the-job"), 0.0))
    record = store.get("the-job")
    assert record is not None
    return record


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_swap_whose_answer_was_lost_is_found_out_and_counts_once(
    cuttable: Cuttable, lost: Lost
) -> None:
    behind, straight, cutter = cuttable
    old = ready_job(straight)
    new = core.lease(old, "mine", 5.0, 0.0)
    cutter.lose(lost, b"the-job")
    assert behind.swap(old, new, "some key")
    assert cutter.struck.is_set()
    assert straight.get("the-job") == new
    assert straight.key_done("some key")


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_an_insert_whose_answer_was_lost_is_known_as_ours(cuttable: Cuttable, lost: Lost) -> None:
    behind, _, cutter = cuttable
    cutter.lose(lost, b"the-job")
    assert behind.insert(core.admit(Job("the-job"), 0.0)) is True
    assert cutter.struck.is_set()
    assert behind.insert(core.admit(Job("the-job"), 0.0)) is False


@pytest.mark.parametrize("lost", ["request", "answer"])
def test_a_claim_whose_answer_was_lost_takes_no_second_job(cuttable: Cuttable, lost: Lost) -> None:
    behind, straight, cutter = cuttable
    for name in ("the-job", "another", "third"):
        straight.insert(core.admit(Job(name, "mail"), 0.0))
    look = behind.look(("mail",), 1.0, 3)
    assert [record.job.id for record in look.next] == ["the-job", "another", "third"]
    cutter.lose(lost, b"lease/the-job")
    proposals = [Proposal(record, core.lease(record, "w", 5.0, 1.0)) for record in look.next]
    assert behind.claim(("mail",), 1.0, proposals).taken == 0
    assert cutter.struck.is_set()
    assert [depth.count for depth in straight.depths(1.0) if depth.state == "leased"] == [1, 1]


def test_who_lost_the_race_for_the_first_job_takes_the_second(cuttable: Cuttable) -> None:
    behind, straight, _ = cuttable
    for name in ("the-job", "another", "third"):
        straight.insert(core.admit(Job(name, "mail"), 0.0))
    seen = behind.look(("mail",), 1.0, 2).next
    proposals = [Proposal(record, core.lease(record, "w", 5.0, 1.0)) for record in seen]
    assert straight.claim(("mail",), 1.0, proposals).taken == 0
    assert behind.claim(("mail",), 1.0, proposals).taken == 1
    assert behind.claim(("mail",), 1.0, proposals).taken is None, "the third was not proposed"


def test_a_look_is_no_larger_than_it_says_but_shows_a_job_of_any_size(kind: str) -> None:
    with fresh_store(kind) as store:
        for number in range(4):
            payload = bytes(LOOK_BYTES if number < 2 else 10)
            store.insert(core.admit(Job(f"job-{number}", "mail", payload), float(number)))
        assert [r.job.id for r in store.look(("mail",), 9.0, 4).next] == ["job-0"]


def test_a_lost_request_that_somebody_else_overtook_is_a_plain_no(cuttable: Cuttable) -> None:
    behind, straight, cutter = cuttable
    old = ready_job(straight)
    theirs = core.lease(old, "theirs", 5.0, 0.0)
    cutter.lose("request", b"the-job", lambda: straight.swap(old, theirs))
    assert behind.swap(old, core.lease(old, "mine", 5.0, 0.0), "never done") is False
    assert cutter.struck.is_set()
    assert straight.get("the-job") == theirs
    assert not straight.key_done("never done")


def test_a_lost_answer_whose_trace_is_overwritten_is_left_open(cuttable: Cuttable) -> None:
    behind, straight, cutter = cuttable
    old = ready_job(straight)
    mine = core.lease(old, "mine", 5.0, 0.0)
    after = core.release(mine, mine.token, 0.0).successor
    assert after is not None
    cutter.lose("answer", b"the-job", lambda: straight.swap(mine, after))
    with pytest.raises(Unanswered, match="may or may not"):
        behind.swap(old, mine)
    assert straight.get("the-job") == after


def test_a_server_that_is_gone_leaves_the_call_unanswered(cuttable: Cuttable) -> None:
    behind, straight, cutter = cuttable
    old = ready_job(straight)
    cutter.close()
    with pytest.raises(Unanswered, match="may or may not"):
        behind.swap(old, core.lease(old, "mine", 5.0, 0.0))
    with pytest.raises(Unanswered):
        behind.next_ready(("mail",), 0.0)


def test_reading_survives_a_lost_connection(cuttable: Cuttable) -> None:
    behind, straight, cutter = cuttable
    old = ready_job(straight)
    cutter.cut()
    assert behind.get("the-job") == old


# -- waiting --------------------------------------------------------------------------------


def connection_to(store: SharedStore) -> DirectConnection:
    return DirectConnection(lambda: (queue_on(store), store))


def wait_until_silent(cutter: Relay, before: int) -> None:
    """Until the waiter has looked, found nothing, and asks no more."""
    seen, looks = before, 0
    while seen == before or looks < 20:
        time.sleep(0.02)
        looks = looks + 1 if cutter.requests == seen else 0
        seen = cutter.requests


def test_a_waiting_lease_does_not_poll(cuttable: Cuttable) -> None:
    behind, _, cutter = cuttable
    connection = connection_to(behind)
    connection.attempt(Lease("w", ("mail",), 5.0))
    before = cutter.requests
    assert connection.attempt(Lease("w", ("mail",), 5.0, wait_s=1.5)) == Leased(None)
    assert cutter.requests - before < 25, "a look every 50 ms would be 60 requests and more"


@pytest.mark.parametrize("delay_s", [0.0, 0.4])
def test_whoever_waits_is_woken_by_an_enqueue(cuttable: Cuttable, delay_s: float) -> None:
    behind, straight, cutter = cuttable
    connection = connection_to(behind)
    connection.attempt(Lease("w", ("mail",), 5.0))
    before = cutter.requests
    answers: list[object] = []
    waiter = threading.Thread(
        target=lambda: answers.append(connection.attempt(Lease("w", ("mail",), 5.0, wait_s=600.0)))
    )
    waiter.start()
    wait_until_silent(cutter, before)
    queue_on(straight).call(Enqueue(Job("the-job", "mail", delay_s=delay_s)))
    waiter.join(60.0)
    assert not waiter.is_alive(), "nobody woke it"
    (reply,) = answers
    assert isinstance(reply, Leased) and reply.delivery
    assert reply.delivery.job.id == "the-job"


def test_whoever_waits_gets_the_job_of_an_expired_lease(cuttable: Cuttable) -> None:
    behind, straight, _ = cuttable
    queue = queue_on(straight)
    queue.call(Enqueue(Job("the-job", "mail", retry=RetryPolicy(0.1, 1.0, 0.1, "none"))))
    queue.call(Lease("crashed", ("mail",), 0.3))
    reply = connection_to(behind).attempt(Lease("w", ("mail",), 5.0, wait_s=600.0))
    assert isinstance(reply, Leased) and reply.delivery
    assert (reply.delivery.job.id, reply.delivery.token) == ("the-job", 2)


def test_a_wait_whose_line_breaks_ends_without_an_answer(cuttable: Cuttable) -> None:
    behind, _, cutter = cuttable
    connection = connection_to(behind)
    connection.attempt(Lease("w", ("mail",), 5.0))
    before = cutter.requests
    answers: list[object] = []
    waiter = threading.Thread(
        target=lambda: answers.append(connection.attempt(Lease("w", ("mail",), 5.0, wait_s=600.0)))
    )
    waiter.start()
    wait_until_silent(cutter, before)
    cutter.close()
    waiter.join(60.0)
    assert answers == [None]


# -- what a store refuses -------------------------------------------------------------------


def test_a_redis_that_evicts_is_refused() -> None:
    import redis

    server = redis.Redis.from_url(places.url_of("redis", address("redis")))
    server.config_set("maxmemory", "1gb")
    server.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(StoreError, match="noeviction"), fresh_store("redis"):
            pass
    finally:
        server.config_set("maxmemory-policy", "noeviction")
        server.config_set("maxmemory", "0")


def test_what_postgres_cannot_hold_is_refused_in_one_sentence() -> None:
    with fresh_store("postgres") as store, pytest.raises(StoreError, match="expected"):
        store.insert(core.admit(Job("nul\0"), 0.0))


def test_a_schema_of_somebody_else_is_refused() -> None:
    url = places.url_of("postgres", address("postgres"))
    with pytest.raises(StoreError, match="expected a jobquake queue"):
        places.open_store("postgres", url, "public", 5.0)


def test_who_alters_a_step_of_a_lease_goes_through_each_of_them(kind: str) -> None:
    with fresh_store(kind) as store:
        asked = ReferenceQueue(store, Clock(), Random(0))
        assert asked._claiming
        for twin in ("twin-no-lease", "twin-key-before-effect", "twin-pop-then-push"):
            adapter = registry.find(twin)
            assert isinstance(adapter, ReferenceAdapter)
            assert not ReferenceQueue(store, Clock(), Random(0), adapter.decisions)._claiming


# -- a record that cannot be read -----------------------------------------------------------


def damage(store: Store, job_id: str) -> None:
    """Somebody else has written into the place where the record lies."""
    if isinstance(store, SQLiteStore):
        store._db.execute("UPDATE jobs SET body=? WHERE id=?", (b"\xc1 no record", job_id))
    elif store.__class__.__name__ == "RedisStore":
        server, key = store._server, store._key("job", job_id)  # type: ignore[attr-defined]
        server.hset(key, "body", b"\xc1 no record")
    else:
        query = "UPDATE {schema}.jobs SET body = %s WHERE id = %s"
        store._ask(query, (b"\xc1 no record", job_id), rows=False)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["sqlite", *KINDS])
def test_a_record_that_cannot_be_read_is_set_aside_and_the_queue_goes_on(kind: str) -> None:
    with ExitStack() as stack:
        store: Store = (
            SQLiteStore(":memory:") if kind == "sqlite" else stack.enter_context(fresh_store(kind))
        )
        queue = ReferenceQueue(store, Clock(), Random(0))
        for name, priority in (("ready", 7), ("leased", 9), ("good", 0)):
            queue.call(Enqueue(Job(name, "mail", priority=priority, max_deliveries=1)))
        assert queue.call(Lease("w", ("mail",), 600.0)) != Leased(None)
        damage(store, "ready")
        damage(store, "leased")
        settled = ReferenceQueue(store, Clock(), Random(0)).call(Ack("leased", 1))
        assert isinstance(settled, Settled) and "cannot be read" in settled.why
        reply = queue.call(Lease("w", ("mail",), 600.0))
        assert isinstance(reply, Leased) and reply.delivery and reply.delivery.job.id == "good"

        def dead() -> dict[str, str]:
            found = queue.call(ListDead())
            assert isinstance(found, DeadLetters)
            return {letter.job.id: letter.reason for letter in found.letters}

        assert list(dead()) == ["ready"]
        assert "'ready' cannot be read" in dead()["ready"]
        assert queue.call(Replay(("ready",))) == Replayed(())
        queue.reap(queue.now() + 1000.0)
        assert "'leased' cannot be read" in dead()["leased"]
        held = store.get("ready")
        assert held and held.remains == b"\xc1 no record"
        assert [(d.state, d.count) for d in store.depths(queue.now())] == [("dead", 3)]
