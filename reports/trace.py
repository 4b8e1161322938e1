"""A run as a trace for Perfetto and chrome://tracing, in the Trace Event Format as JSON.

    a thread for each worker and client, and in it
        slices (X)         deliveries, from the lease to their end
        instants (i)       faults: on the node that they struck, or everywhere
    async events (b n e)   jobs, from the enqueue to the last that was seen of them
    flows (s f)            from a delivery to the next one of the same job

One pass over the history. Times are microseconds since the start of the run. Slices of one thread
must not overlap, so a worker that holds several jobs at once gets a thread for each.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..harness.record.facts import Facts
from ..harness.record.history import Answer, Event
from ..harness.record.story import node_name, tell_strike
from ..harness.run import Run

NODES, JOBS = 1, 2  # process ids: whatever runs, and the jobs
HANDS = 64  # thread ids between one node and the next, for what it holds at once
ENDS = (Event.FINISHED, Event.LEASE_LOST)
JOB_EVENTS = (Event.ENQUEUE_ANSWERED, Event.EFFECT, Event.ACK_ANSWERED, Event.NACK_ANSWERED)
Traced = dict[str, Any]


@dataclass(frozen=True)
class Delivery:
    """A job in the hands of a node; ``hand`` tells apart what it holds at once."""

    node: int
    hand: int
    job: int
    token: int
    start_s: float
    end_s: float

    @property
    def thread(self) -> int:
        return _thread(self.node, self.hand)


def render(runs: Sequence[Run]) -> str:
    """The trace of the only run."""
    (run,) = runs
    facts = Facts(run.plan, run.claims, run.history)
    held = deliveries(facts)
    events = [
        *_names(facts, held),
        *(_slice(delivery) for delivery in held),
        *_flows(held),
        *_jobs(facts),
        *_faults(facts),
    ]
    result = run.result
    about = {
        "scenario": result.scenario,
        "backend": result.backend,
        "verdict": result.as_expected,
        "sentence": result.sentence,
        "replay": result.replay,
    }
    whole = {"displayTimeUnit": "ms", "otherData": about, "traceEvents": events}
    return json.dumps(whole, separators=(",", ":")) + "\n"


def deliveries(facts: Facts) -> list[Delivery]:
    """Every delivery, until it was finished or lost, its worker died, or the run was over."""
    open_: dict[tuple[int, int], dict[tuple[int, int], tuple[int, float]]] = defaultdict(dict)
    found = []

    def close(node: tuple[int, int], job: tuple[int, int], end_s: float) -> None:
        hand, start_s = open_[node].pop(job)
        found.append(Delivery(node[0], hand, *job, start_s, end_s))

    for row in facts.history.rows:
        node, job = (
            (int(row["node"]), int(row["incarnation"])),
            (int(row["job"]), int(row["token"])),
        )
        event, t_s = row["event"], float(row["t"])
        if event == Event.LEASED:
            busy = {
                hand for life in open_ if life[0] == node[0] for hand, _ in open_[life].values()
            }
            free = next(hand for hand in range(len(busy) + 1) if hand not in busy)
            if job not in open_[node]:
                open_[node][job] = (free, t_s)
        elif event in ENDS and job in open_[node]:
            close(node, job, t_s)
        elif event == Event.WORKER_EXITED:
            for left in list(open_[node]):
                close(node, left, t_s)
    for node, jobs in open_.items():
        for left in list(jobs):
            close(node, left, facts.ended_at)
    return sorted(found, key=lambda delivery: (delivery.start_s, delivery.end_s))


def _names(facts: Facts, held: Sequence[Delivery]) -> Iterator[Traced]:
    yield _meta("process_name", NODES, 0, "workers and clients")
    yield _meta("process_name", JOBS, 0, "jobs")
    nodes = {(int(node), 0) for node in facts.history["node"]}
    for node, hand in sorted(nodes | {(d.node, d.hand) for d in held}):
        name = "network" if node < 0 else node_name(facts, node)
        yield _meta(
            "thread_name", NODES, _thread(node, hand), f"{name} ({hand + 1})" if hand else name
        )


def _meta(what: str, process: int, thread: int, name: str) -> Traced:
    return {"ph": "M", "name": what, "pid": process, "tid": thread, "args": {"name": name}}


def _slice(delivery: Delivery) -> Traced:
    start = _us(delivery.start_s)
    return {
        "ph": "X", "cat": "delivery", "name": f"job {delivery.job}", "pid": NODES,
        "tid": delivery.thread, "ts": start, "dur": round(_us(delivery.end_s) - start, 3),
        "args": {"token": delivery.token},
    }  # fmt: skip


def _flows(held: Sequence[Delivery]) -> Iterator[Traced]:
    """An arrow for each redelivery. It must begin and end within the slices that it joins."""
    last: dict[int, Delivery] = {}
    for number, delivery in enumerate(held):
        if before := last.get(delivery.job):
            same = {"cat": "redelivery", "name": f"job {delivery.job}", "id": number, "pid": NODES}
            yield {**same, "ph": "s", "tid": before.thread, "ts": _us(before.start_s)}
            yield {
                **same,
                "ph": "f",
                "bp": "e",
                "tid": delivery.thread,
                "ts": _us(delivery.start_s),
            }
        last[delivery.job] = delivery


def _jobs(facts: Facts) -> Iterator[Traced]:
    """Each planned job that was submitted: its life, and what happened in it."""
    history = facts.history
    rows_of: dict[int, list[int]] = defaultdict(list)
    for row, job in enumerate(history["job"].tolist()):
        if 0 <= job < facts.jobs:
            rows_of[job].append(row)
    for job, rows in sorted(rows_of.items()):
        same = {
            "cat": "job", "name": f"job {job}", "id": f"job-{job}", "pid": JOBS, "tid": 0,
        }  # fmt: skip
        yield {**same, "ph": "b", "ts": _us(history["t"][rows[0]])}
        for row in rows:
            event = Event(int(history["event"][row]))
            if event in JOB_EVENTS:
                answer = Answer(int(history["answer"][row])).name.lower()
                arguments = {"event": event.name.lower(), "answer": answer}
                yield {**same, "ph": "n", "ts": _us(history["t"][row]), "args": arguments}
        outcome = facts.outcome(job)
        yield {**same, "ph": "e", "ts": _us(history["t"][rows[-1]]), "args": {"outcome": outcome}}


def _faults(facts: Facts) -> Iterator[Traced]:
    history = facts.history
    for row in history.where(Event.FAULT_STRUCK).tolist():
        node, job = int(history["node"][row]), int(history["job"][row])
        args: Traced = {"job": job} if job >= 0 else {}
        if (lasts_s := float(history["value"][row])) > 0.0:
            args["lasts_s"] = lasts_s
        yield {
            "ph": "i", "cat": "fault", "name": tell_strike(facts, row), "pid": NODES,
            "tid": _thread(node, 0), "ts": _us(history["t"][row]), "s": "t" if node >= 0 else "g",
            "args": args,
        }  # fmt: skip


def _thread(node: int, hand: int) -> int:
    return (node + 2) * HANDS + hand


def _us(t_s: float) -> float:
    """Microseconds, to the nanosecond that Perfetto counts in."""
    return round(float(t_s) * 1e6, 3)
