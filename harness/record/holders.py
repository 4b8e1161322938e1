"""Who still had a job at the end: the queue, by its own word, or living workers, by their rows."""

from __future__ import annotations

from .facts import Facts, Flags
from .history import Event
from .story import node_name


def held_by_queue(facts: Facts) -> Flags:
    """Jobs that the queue itself still held; others only a living worker had in hand."""
    history, flags = facts.history, facts.held & False
    rows = facts.rows(Event.HELD)
    flags[history["job"][rows[history["node"][rows] < 0]]] = True
    return flags


def still_has(facts: Facts, job: int) -> str:
    """Which living workers still had the job in hand at the end, and how; "" if none."""
    history, rows = facts.history, facts.rows(Event.HELD)
    theirs = rows[(history["job"][rows] == job) & (history["node"][rows] >= 0)]
    who = [node_name(facts, node) for node in sorted(history["node"][theirs].tolist())]
    if not who:
        return ""
    one, runs = len(who) == 1, bool((history["value"][theirs] > 0).any())
    has = ("still runs it" if one else "still run it") if runs else "has not begun it"
    return f"{' and '.join(who)}, which {has}"
