"""Legal runs, drawn by Hypothesis: plans, and what an honest queue may make of them.

The rows come from the model in ``legal_world.py``; here a run begins and ends, and a plan is
drawn that it keeps. Nothing here knows how the checks judge.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hypothesis import strategies as st
from jobquake.backends.adapter import Claims
from jobquake.harness.checks import GUARANTEES
from jobquake.harness.faults.kill_worker import KillWorker
from jobquake.harness.faults.net_timeout import NetTimeout
from jobquake.harness.plan.plan import Behaviour, Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts, Outcome
from jobquake.harness.record.history import Answer, Event, History, Phase, Row, row
from jobquake.protocol.commands import Jitter, RetryPolicy

from support.legal_world import CALL_TIMEOUT, Held, Job, Who, Worker, World

JITTERS: tuple[Jitter, ...] = ("full", "equal", "none", "decorrelated")
BEHAVIOURS: tuple[Behaviour, ...] = ("ok", "ok", "fail", "fail", "permanent")


@dataclass(repr=False)
class Legal:
    """A legal run. ``fates``: the outcome of each job, as the model knows it."""

    plan: Plan
    claims: Claims
    rows: list[Row]
    fates: list[Outcome]
    held: list[Held]

    @property
    def facts(self) -> Facts:
        return Facts(self.plan, self.claims, History(self.rows))

    def __repr__(self) -> str:
        fields = ("t", "since", "event", "answer", "phase", "node", "incarnation", "job", "token")
        lines = [
            " ".join(
                f"{name}={getattr(value, 'name', value)}"
                for name, value in zip(fields, r, strict=False)
            )
            for r in self.rows
        ]
        return "\n".join([repr(self.plan), repr(self.claims), *lines, repr(self.fates)])


all_claims = st.builds(
    Claims,
    delivery=st.sampled_from(("at-least-once", "at-most-once")),
    fencing=st.booleans(),
    bounded_deliveries=st.booleans(),
    dead_letters=st.booleans(),
    idempotent_enqueue=st.booleans(),
)


@st.composite
def legal_runs(
    draw: st.DrawFn,
    claims: st.SearchStrategy[Claims] = st.just(Claims()),  # noqa: B008
) -> Legal:
    """A plan and a history that a queue with these claims may make of it."""
    said = draw(claims)
    max_deliveries = draw(st.integers(1, 4))
    limit = max_deliveries + (0 if said.bounded_deliveries else 2)
    jitter = draw(st.sampled_from(JITTERS))
    retry = RetryPolicy(draw(st.integers(1, 50)) / 500, 2.0, 0.2, jitter)
    world = World(draw, said, draw(st.integers(50, 400)), limit, retry)
    workers = [Worker(node) for node in range(draw(st.integers(1, 3)))]
    for worker in workers:
        world.write(Event.WORKER_STARTED, node=worker.node, incarnation=1)
    behaviours = st.sampled_from(BEHAVIOURS)
    jobs = [
        Job(
            index,
            index % 2 if draw(st.booleans()) else 0,
            draw(behaviours),
            draw(st.sampled_from((30_000, 600, 100))),
            draw(st.sampled_from((0, 0, 5))),
            draw(st.sampled_from((0, 0, 700))),
        )
        for index in range(draw(st.integers(1, 5)))
    ]
    for job in jobs:
        world.enqueue(job, len(workers) + job.index % 2)
    while ready := [job for job in jobs if job.ready_at is not None]:
        worker = min(workers, key=lambda worker: worker.free_at)
        if world.rarely(20):
            world.now = worker.free_at
            fault = KillWorker(worker.node, world.now / 1000)
            who = Who(node=worker.node, incarnation=worker.incarnation)
            world.strike("worker kill", fault, Phase.IDLE, **who)
            world.write(Event.WORKER_EXITED, value=-9.0, **who)
            worker.incarnation, worker.asked_at = worker.incarnation + 1, None
        if chosen := world.next_for(worker, ready):
            world.deliver(worker, chosen)
    return _finish(world, jobs, len(workers), max_deliveries)


def _refusals_made_legal(world: World, jobs: list[Job], queue: int) -> int | None:
    """The limit by which all refusals of the queue are legal; None if there were none.

    Where nobody else waited the refusal never reached its producer.
    """
    limits = []
    for job in jobs:
        if job.queue != queue or job.refused_at is None or job.sent_at is None:
            continue
        others = sum(
            other.known_at is not None
            and other.known_at <= job.refused_at
            and world.leased.get(other.index, math.inf) > job.sent_at
            for other in jobs
            if other.queue == queue and other is not job
        )
        if others:
            limits.append(others)
            continue
        world.rows = [
            r for r in world.rows if not (r[2] == Event.ENQUEUE_ANSWERED and r[7] == job.index)
        ]
        job.refused_at = None
    return min(limits, default=None)


def _most_waiting(world: World, jobs: list[Job], queue: int) -> int:
    """How many jobs of the queue waited at once to be handed out for the first time."""
    stays = [
        (job.known_at, world.leased.get(job.index, math.inf))
        for job in jobs
        if job.queue == queue and job.known_at is not None
    ]
    return max((sum(came <= at < left for came, left in stays) for at, _ in stays), default=0)


def _finish(world: World, jobs: list[Job], workers: int, max_deliveries: int) -> Legal:
    """End the run: quiet, or at a deadline that comes while a fault still lasts."""
    draw = world.draw
    limits = [_refusals_made_legal(world, jobs, queue) for queue in range(2)]
    at, cut = world.latest + world.pick(0, 200), world.rarely(3)
    if cut:
        at = world.pick(0, at)
        start = world.pick(0, at)
        world.faults.append(NetTimeout(start / 1000, (at - start + world.pick(1, 999)) / 1000))
    rows = sorted((r for r in world.rows if r[0] <= at / 1000), key=lambda r: r[0])
    rows.append(row(at / 1000, Event.DEADLINE if cut else Event.QUIET))
    rows.append(row(at / 1000, Event.DEAD_LISTED, answer=Answer.OK))
    fates = []
    longest = [0, 0]
    for job in jobs:
        seen, fate = world.observe(job, at)
        fates.append(fate)
        if seen:
            told = Answer.OK if seen == Event.DEAD else Answer.NONE
            rows.append(row(at / 1000, seen, answer=told, job=job.index))
            if seen == Event.DEAD:
                listed = row(
                    at / 1000, Event.DEAD_LISTED, answer=told, job=job.index,
                    value=float(job.token), key=job.token,
                )  # fmt: skip
                rows.append(listed)
        if job.answered_at is not None:
            got = min(at, world.leased.get(job.index, at))
            longest[job.queue] = max(longest[job.queue], got - job.answered_at)
    cells = sorted({cell for t, cell in world.cells if t <= at})
    once = all(len(times) == 1 for times in world.effects.values())
    plan = Plan(
        scenario="legal",
        variant="",
        seed=0,
        queues=tuple(
            Queue(
                f"q{n}",
                (wait + 1 + world.pick(0, 99)) / 1000 if world.rarely(2) else None,
                limits[n]
                or (
                    max(1, _most_waiting(world, jobs, n) - world.pick(0, 1))
                    if world.rarely(2)
                    else None
                ),
            )
            for n, wait in enumerate(longest)
        ),
        pools=(Pool("all", ("q0", "q1"), workers),),
        jobs=tuple(
            PlannedJob(
                0.0,
                job.queue,
                0.1,
                job.behaviour,
                priority=job.priority,
                timeout_s=job.timeout / 1000,
                delay_s=job.delay / 1000,
                payload_bytes=job.payload_bytes,
            )
            for job in jobs
        ),
        faults=tuple(world.faults),
        guarantees=GUARANTEES,
        must_hit=tuple(draw(st.lists(st.sampled_from(cells), unique=True))) if cells else (),
        sink=draw(st.sampled_from(("keyed", "upsert", "blind") if once else ("keyed", "upsert"))),
        lease_s=world.lease / 1000,
        call_timeout_s=CALL_TIMEOUT / 1000,
        deadline_s=at / 1000 if cut else 60.0,
        max_deliveries=max_deliveries,
        retry=world.retry,
    )
    held = [h for h in world.held if max(h.until, h.told) <= at]
    return Legal(plan, world.claims, rows, fates, held)
