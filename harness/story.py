"""Tells what happened to one job in plain sentences, from the history."""

from __future__ import annotations

from .facts import Facts, seconds
from .history import PHASES, Answer, Event, Phase
from .strikes import fault_kind

_ANSWERS = {
    Answer.OK: "accepted",
    Answer.FAILED: "refused",
    Answer.UNKNOWN: "refused after an attempt that nobody answered",
}


def node_name(facts: Facts, node: int) -> str:
    """``w1`` for the first worker, ``p1`` for the first producer."""
    workers = len(facts.plan.workers)
    if node < 0:
        return "jobquake"
    return f"w{node + 1}" if node < workers else f"p{node - workers + 1}"


def tell(facts: Facts, job: int) -> list[str]:
    """The life of a job, one sentence for each event that matters."""
    return [line for i in facts.history.of_job(job) if (line := _sentence(facts, int(i)))]


def tell_loss(facts: Facts, job: int) -> str:
    """One sentence: accepted when, last seen where, and that nothing is left of it."""
    history = facts.history
    rows = facts.history.of_job(job)
    strikes = [i for i in rows if history["event"][i] == Event.FAULT_STRUCK]
    leases = [i for i in rows if history["event"][i] == Event.LEASED]
    text = f"job {job} was accepted at {seconds(facts.accepted_at[job])}"
    if leases:
        last = leases[-1]
        who = node_name(facts, int(history["node"][last]))
        text += f", handed to {who} at {seconds(history['t'][last])}"
    if strikes:
        text += f", {_strike(facts, int(strikes[-1]))} at {seconds(history['t'][strikes[-1]])}"
    settled = any(history["event"][i] == Event.SETTLED for i in rows)
    end = "the queue counts it as done" if settled else "the queue no longer holds it"
    return f"{text}; its effect never happened, there is no dead letter, and {end}"


def _strike(facts: Facts, i: int) -> str:
    history = facts.history
    phase = PHASES.get(Phase(int(history["phase"][i])), "idle")
    return f"struck by {fault_kind(facts.plan.faults[int(history['fault'][i])])} ({phase})"


def _sentence(facts: Facts, i: int) -> str | None:
    row = facts.history.rows[i]
    at, who = seconds(row["t"]), node_name(facts, int(row["node"]))
    event, token = Event(int(row["event"])), int(row["token"])
    answer = _ANSWERS.get(Answer(int(row["answer"])), "unknown")
    match event:
        case Event.ENQUEUE_SENT:
            return f"{at}: {who} sent the enqueue"
        case Event.ENQUEUE_ANSWERED:
            return f"{at}: the enqueue was {answer}"
        case Event.LEASED:
            return f"{at}: {who} was handed the job under token {token}, for {row['value']:.2f} s"
        case Event.STARTED:
            return f"{at}: {who} started to work"
        case Event.EFFECT:
            return f"{at}: {who} applied the effect"
        case Event.ACK_SENT:
            return f"{at}: {who} sent the ack under token {token}"
        case Event.ACK_ANSWERED:
            return f"{at}: the ack of {who} under token {token} was {answer}"
        case Event.NACK_ANSWERED:
            return f"{at}: {who} reported a failure under token {token}, {answer}"
        case Event.RELEASE_ANSWERED:
            return f"{at}: {who} handed the job back, {answer}"
        case Event.EXTEND_ANSWERED if answer != "accepted":
            return f"{at}: {who} was refused an extension of its lease"
        case Event.LEASE_LOST:
            return f"{at}: {who} gave the delivery up, its lease was lost"
        case Event.FAULT_STRUCK:
            return f"{at}: {who} was {_strike(facts, i)}"
        case Event.RESUMED:
            return f"{at}: {who} was resumed"
        case Event.HELD:
            return "at the end the queue still held the job"
        case Event.DEAD:
            return "at the end the job lay in the dead letters"
        case Event.SETTLED:
            return "at the end the queue counted the job as done"
        case _:
            return None
