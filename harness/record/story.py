"""Tells what happened to one job in plain sentences, from the history."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from functools import partial

import numpy as np

from ...protocol.events import CALLS
from ..faults.fault import Fault, Strike
from ..plan.senseless import ALL_NAMES
from ..units import seconds
from .facts import Facts
from .history import Answer, Event, Phase
from .same_key import taken_for, taken_for_other_work

_ANSWERS = {
    Answer.OK: "accepted",
    Answer.FAILED: "refused",
    Answer.UNKNOWN: "refused after an attempt that nobody answered",
    Answer.ERROR: "answered with an error of the queue",
}
_WHILE = {
    Phase.IDLE: "while it held no job",
    Phase.BEFORE_LEASE: "before it was handed the job",
    Phase.LEASED: "before it started the job",
    Phase.RUNNING: "while it ran the job",
    Phase.AFTER_EFFECT: "after the effect and before its ack",
    Phase.ACKED: "after its ack",
    Phase.ON_THE_WIRE: "in the middle of a round trip",
}
ANSWERED = (
    Event.ENQUEUE_ANSWERED, Event.ACK_ANSWERED, Event.NACK_ANSWERED, Event.RELEASE_ANSWERED,
    Event.EXTEND_ANSWERED,
)  # fmt: skip
HANDED_BACK = (Event.NACK_ANSWERED, Event.RELEASE_ANSWERED)


def node_name(facts: Facts, node: int) -> str:
    """``w1`` for the first worker, ``p1`` for the first producer, ``operator``."""
    workers = len(facts.plan.workers)
    if node < 0:
        return "jobquake"
    if node >= workers + facts.plan.clients:
        return "a fresh worker"
    if node >= workers + facts.plan.producers:
        return "the operator"
    return f"w{node + 1}" if node < workers else f"p{node - workers + 1}"


def tell(facts: Facts, job: int, pointed_at: Iterable[int] = ()) -> list[str]:
    """The life of a job, one sentence for each event that matters.

    Rows that a finding points at are told, whatever job they are of.
    """
    elsewhere = {*_crashes(facts, job), *_skews(facts, job), *exits_with(facts, job)}
    pointed = set(pointed_at)
    elsewhere |= _submissions(facts, job, pointed)
    rows = sorted({*facts.history.of_job(job).tolist(), *elsewhere, *pointed})
    lines = []
    for i, more in _errors_at_once(facts, rows):
        if line := _sentence(facts, i, job, i in pointed):
            at = seconds(facts.history["t"][more[-1]]) if more else ""
            lines.append(f"{line} ({len(more)} times more until {at})" if more else line)
    return lines


def _errors_at_once(facts: Facts, rows: list[int]) -> list[tuple[int, list[int]]]:
    """The rows, each with those right behind it in which the same call met the same error."""
    history, found = facts.history, list[tuple[int, list[int]]]()
    same = ("node", "incarnation", "job", "token", "key", "value")
    for i in rows:
        if found and history["event"][i] == Event.ERRED == history["event"][found[-1][0]]:
            first = found[-1][0]
            if all(history[column][i] == history[column][first] for column in same):
                found[-1][1].append(i)
                continue
        found.append((i, []))
    return found


def _submissions(facts: Facts, job: int, pointed: set[int]) -> set[int]:
    """How the same work came to the queue under the other names that are pointed at."""
    history, own = facts.history, (Event.ENQUEUE_SENT, Event.ENQUEUE_ANSWERED, Event.LEASED)
    others = {int(history["job"][row]) for row in pointed} - {job, -1}
    return {
        row
        for other in others
        if max(other, job) < facts.jobs and facts.work[other] == facts.work[job]
        for row in history.of_job(other).tolist()
        if history["event"][row] in own
    }


def delivery_end(facts: Facts, lease: int) -> int:
    """The row that ends the delivery of this lease: it was over, or its worker was; -1: none."""
    history = facts.history
    row = history.rows[lease]
    own = history.of_job(row["job"])
    over = own[np.isin(history["event"][own], (Event.FINISHED, Event.LEASE_LOST))]
    ends = [over[history["token"][over] == row["token"]], history.where(Event.WORKER_EXITED)]
    later = np.sort(np.concatenate(ends))
    later = later[np.searchsorted(later, lease) :]
    theirs = history["node"][later] == row["node"]
    theirs &= history["incarnation"][later] == row["incarnation"]
    found = later[theirs]
    return int(found[0]) if len(found) else -1


def exits_with(facts: Facts, job: int) -> list[int]:
    """Rows in which a worker ended with the job in hand, and not by a fault, which is told."""
    history, found = facts.history, []
    rows = facts.history.of_job(job)
    for lease in rows[history["event"][rows] == Event.LEASED].tolist():
        end = delivery_end(facts, lease)
        if end < 0 or history["event"][end] != Event.WORKER_EXITED:
            continue
        events, nodes = history["event"][lease:end], history["node"][lease:end]
        may_tell = np.isin(events, (*HANDED_BACK, Event.FAULT_STRUCK))
        mine = lease + np.flatnonzero(may_tell & (nodes == history["node"][lease]))
        if not any(_told(facts, i) for i in mine.tolist()):
            found.append(end)
    return found


def _told(facts: Facts, i: int) -> bool:
    """Does this row say by itself why a worker has the job no longer?"""
    event, fault = int(facts.history["event"][i]), int(facts.history["fault"][i])
    struck = event == Event.FAULT_STRUCK
    return event in HANDED_BACK or (struck and facts.plan.faults[fault].ends_worker)


def tell_exit(facts: Facts, i: int) -> str:
    """Of such a row: who ended, and how."""
    row = facts.history.rows[i]
    status = int(row["value"])
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return f"{node_name(facts, int(row['node']))} {how} while it had the job"


def _crashes(facts: Facts, job: int) -> list[int]:
    """Rows in which the queue itself was struck while it had the job."""
    rows = facts.history.of_job(job)
    first = int(rows[0]) if len(rows) else 0
    return facts.server_strikes[bisect_right(facts.server_strikes, first) :]


def _skews(facts: Facts, job: int) -> list[int]:
    """Rows in which a clock was put wrong while the queue had the job.

    By whose clock the job was judged nobody knows. One row for each, though it struck many.
    """
    history, skews = facts.history, dict[int, int]()
    rows = history.of_job(job)
    if not len(rows):
        return []
    struck = rows[history["event"][rows] == Event.FAULT_STRUCK]
    told = set(history["fault"][struck].tolist())
    first, last = history["t"][rows[0]], history["t"][rows[-1]]
    for i in history.where(Event.FAULT_STRUCK).tolist():
        number, at = int(history["fault"][i]), history["t"][i]
        fault = facts.plan.faults[number]
        if fault.skew_s and at <= last and at + fault.lasts_s >= first:
            skews.setdefault(number, i)
    return [i for number, i in skews.items() if number not in told]


def tell_loss(facts: Facts, job: int) -> str:
    """One sentence: accepted when, last seen where, and that nothing is left of it."""
    history = facts.history
    rows = facts.history.of_job(job)
    strikes = [i for i in rows if history["event"][i] == Event.FAULT_STRUCK]
    crashes = [] if strikes else _crashes(facts, job)[:1]
    strikes = strikes or crashes
    leases = [i for i in rows if history["event"][i] == Event.LEASED]
    taken = "" if strikes or leases else _tell_taken(facts, job)
    text = f"job {job} was accepted at {seconds(facts.accepted_at[job])}"
    if leases:
        last = leases[-1]
        who = node_name(facts, int(history["node"][last]))
        text += f", handed to {who} at {seconds(history['t'][last])}"
    if strikes:
        text += f"; at {seconds(history['t'][strikes[-1]])} {tell_strike(facts, int(strikes[-1]))}"
    text += taken
    if (mistaken := taken_for_other_work(facts, job)) >= 0:
        at, why = seconds(history["t"][mistaken]), _under_the_key_of_other_work(facts, mistaken)
        text += f"; at {at} its effect was asked for {why}"
    if any(history["event"][i] == Event.RETURNED for i in rows):
        text += "; its function returned"
    settled = any(history["event"][i] == Event.SETTLED for i in rows)
    end = "the queue counts it as done" if settled else "the queue no longer holds it"
    text = f"{text}; its effect never happened, there is no dead letter, and {end}"
    return f"{text}: {facts.claims.caveat}" if crashes and facts.claims.caveat else text


def _under_the_key_of_other_work(facts: Facts, row: int) -> str:
    other = int(facts.history["job"][taken_for(facts)[row]])
    return f"under the idempotency key of job {other}, which the world knew: nothing changed"


def taken_and_not_begun(facts: Facts, job: int) -> int:
    """The row in which the job last passed on the wire of a worker that ended after it, if the job
    was neither begun nor acknowledged since the broker handed it out; -1: there is none.
    """
    history, rows = facts.history, facts.history.of_job(job)
    events = history["event"][rows]
    workers = history["node"][rows] < len(facts.plan.workers)
    passed = rows[(events == Event.PASSED) & workers]
    handed = passed[history["value"][passed] > 0]
    began = rows[np.isin(events, (Event.STARTED, Event.ACK_ANSWERED))]
    if not len(passed) or (len(began) and not (handed > began[-1]).any()):
        return -1
    ends = history.where(Event.WORKER_EXITED)
    theirs = ends[history["node"][ends] == history["node"][passed[-1]]]
    return int(passed[-1]) if (theirs >= passed[-1]).any() else -1


def _tell_taken(facts: Facts, job: int) -> str:
    """That a worker took the job from its list and died before it had noted it, if it was so."""
    passed = taken_and_not_begun(facts, job)
    if passed < 0:
        return ""
    history = facts.history
    who, at = node_name(facts, int(history["node"][passed])), seconds(history["t"][passed])
    return f"; at {at} {history.words(passed).error}, and {who} ended before it came"


def tell_strike(facts: Facts, i: int) -> str:
    """What the fault in row ``i`` did, to whom, and where in the job's life."""
    row = facts.history.rows[i]
    fault: Fault = facts.plan.faults[int(row["fault"])]
    who, when = node_name(facts, int(row["node"])), _WHILE[Phase(int(row["phase"]))]
    words = facts.history.words(i).error if fault.on_network and row["key"] else ""
    return fault.sentence(Strike(who, when, partial(node_name, facts), words))


def tell_error(facts: Facts, i: int) -> str:
    """What met the error of row ``i``: ``the ack of job 3 by w1``, or that the server ended."""
    history = facts.history
    job, node = int(history["job"][i]), int(history["node"][i])
    if history["event"][i] == Event.UNTOLD:
        return f"the question at the end what became of job {job}"
    if node < 0:
        replaced = history["value"][i] > 0
        return f"the queue's server {'was replaced' if replaced else 'ended by itself'}"
    call, who = CALLS[int(history["value"][i])], node_name(facts, node)
    return f"the {call} of job {job} by {who}" if job >= 0 else f"the {call} of {who}"


def _sentence(facts: Facts, i: int, of_job: int, pointed_at: bool) -> str | None:
    """What row ``i`` tells to a reader who knows which job the story is about."""
    row = facts.history.rows[i]
    at, who = seconds(row["t"]), node_name(facts, int(row["node"]))
    if int(row["job"]) not in (of_job, -1):
        at = f"{at}, job {int(row['job'])}"
    event, token = Event(int(row["event"])), int(row["token"])
    answer = _ANSWERS.get(Answer(int(row["answer"])), "unknown")
    if row["key"] and event in ANSWERED and row["answer"] != Answer.OK:
        answer = f"{answer}: {facts.history.words(i).error}"
    match event:
        case Event.ENQUEUE_SENT:
            return f"{at}: {who} sent the enqueue"
        case Event.ENQUEUE_ANSWERED:
            return f"{at}: the enqueue was {answer}"
        case Event.LEASED:
            return (
                f"{at}: {who} was handed the job under token {token}, for {seconds(row['value'])}"
            )
        case Event.STARTED:
            return f"{at}: {who} started to work"
        case Event.EFFECT if i in taken_for(facts):
            return f"{at}: {who} asked for the effect {_under_the_key_of_other_work(facts, i)}"
        case Event.EFFECT if i in facts.absorbed:
            return f"{at}: {who} asked for the effect again, which was known: nothing changed"
        case Event.EFFECT:
            return f"{at}: " + (
                "the effect happened" if row["node"] < 0 else f"{who} applied the effect"
            )
        case Event.COUNTED:
            return f"at the end the effect of the job was counted {int(row['value'])} times"
        case Event.ACK_SENT:
            return f"{at}: {who} sent the ack under token {token}"
        case Event.ACK_ANSWERED:
            return f"{at}: the ack of {who} under token {token} was {answer}"
        case Event.NACK_ANSWERED:
            return f"{at}: {who} reported a failure under token {token}, {answer}"
        case Event.RELEASE_ANSWERED:
            return f"{at}: {who} handed the job back, {answer}"
        case Event.EXTEND_ANSWERED if row["answer"] == Answer.NONE:
            return f"{at}: {who} had no answer to its heartbeat"
        case Event.EXTEND_ANSWERED if row["answer"] == Answer.ERROR:
            return f"{at}: the heartbeat of {who} was {answer}"
        case Event.ERRED if row["node"] < 0:
            return f"{at}: {tell_error(facts, i)}: {facts.history.words(i).error}"
        case Event.ERRED:
            call = tell_error(facts, i)
            return f"{at}: {call} was answered with an error: {facts.history.words(i).error}"
        case Event.EXTEND_ANSWERED if answer != "accepted":
            return f"{at}: {who} was refused an extension of its lease"
        case Event.EXTEND_ANSWERED if pointed_at:
            return f"{at}: the heartbeat of {who} under token {token} was accepted"
        case Event.LEASE_LOST:
            return f"{at}: {who} gave the delivery up, {why_given_up(facts, i)}"
        case Event.FAULT_STRUCK:
            return f"{at}: {tell_strike(facts, i)}"
        case Event.WORKER_EXITED:
            return f"{at}: {tell_exit(facts, i)}"
        case Event.RESUMED:
            return f"{at}: {who} was resumed"
        case Event.REPLAY_SENT:
            return f"{at}: {who} asked for the dead letter to be replayed"
        case Event.REPLAY_ANSWERED:
            return f"{at}: the replay was {answer}"
        case Event.SENSELESS_ANSWERED:
            return f"{at}: somebody sent {ALL_NAMES[int(row['key'])]}, which was {answer}"
        case Event.CONTRADICTED:
            return f"{at}: the queue counted no job and held this one: it contradicts itself"
        case Event.PASSED:
            return f"{at}: {who}: {facts.history.words(i).error}"
        case Event.RECEIVED:
            return f"{at}: {who} received it, to run it when a process is free"
        case Event.RETURNED:
            return f"{at}: the job's function returned in {who}"
        case Event.RAISED:
            return f"{at}: the job's function raised in {who}"
        case Event.PROCESS_DIED:
            return f"{at}: the process {int(row['value'])} of {who} was found dead with the job"
        case Event.DUE:
            return f"what holds it gives it back by itself {seconds(row['value'])} later"
        case Event.HELD if row["node"] >= 0:
            return f"at the end {who} {'still ran it' if row['value'] else 'had not begun it'}"
        case Event.HELD:
            return "at the end the queue still held the job"
        case Event.DEAD:
            return "at the end the job lay in the dead letters"
        case Event.UNTOLD if row["key"]:
            words = facts.history.words(i).error
            return f"at the end the queue did not say what became of the job, but: {words}"
        case Event.UNTOLD:
            return "at the end the queue did not say what became of the job"
        case Event.SETTLED:
            return "at the end the queue counted the job as done"
        case _:
            return None


def why_given_up(facts: Facts, i: int) -> str:
    """Why the worker let the delivery go that ends in row ``i``: what it last heard about it."""
    history = facts.history
    rows = history.of_job(int(history["job"][i]))
    rows = rows[(rows < i) & (history["node"][rows] == history["node"][i])]
    said = (*ANSWERED, Event.ERRED, Event.ACK_SENT, Event.HANDBACK_SENT)
    said_or_heard = rows[np.isin(history["event"][rows], said)]
    last = said_or_heard[-1] if len(said_or_heard) else i
    if history["event"][last] in (Event.ACK_SENT, Event.HANDBACK_SENT):
        return "since nobody answered"
    if history["event"][last] == Event.ERRED or history["answer"][last] == Answer.ERROR:
        return "since the queue answered with an error"
    return "its lease was lost"
