"""What a check needs to see of a system, and how the lack of it is told.

A system shows events (``sees`` in :mod:`..backends.system`). A check whose needs are not met
judges nothing: it says which word of the system's life is missing.
"""

from __future__ import annotations

from ..protocol.events import Event

Needs = tuple[Event | tuple[Event, ...], ...]
"""Every one of these; of several in a tuple any one will do."""

HAND_OVER = (Event.LEASED, Event.STARTED)  # a job is in a worker's hands, at the latest

WORK_DONE = (Event.EFFECT, Event.RETURNED)  # what a job is there for was done

WORDS = {
    Event.ENQUEUE_SENT: "what is enqueued",
    Event.ENQUEUE_ANSWERED: "what it has accepted",
    Event.LEASED: "leases",
    Event.STARTED: "when a job begins",
    Event.FINISHED: "when a job is over",
    Event.EFFECT: "effects",
    Event.RETURNED: "when a job's function returns",
    Event.ACK_SENT: "acks",
    Event.ACK_ANSWERED: "acks",
    Event.EXTEND_ANSWERED: "extensions of leases",
    Event.RELEASE_ANSWERED: "hand-backs that it takes note of",
    Event.REPLAY_ANSWERED: "replays",
    Event.HANDBACK_SENT: "what its workers hand back",
    Event.NACK_ANSWERED: "failures that it takes note of",
    Event.HELD: "what it still holds",
    Event.DEAD: "dead letters",
    Event.DEAD_LISTED: "the list of dead letters",
    Event.SENSELESS_ANSWERED: "what it answers to commands that make no sense",
    Event.NOTHING_TO_DO: "when a worker finds nothing to do",
    Event.REPLAY_SENT: "replays",
}


def hidden(needs: Needs, sees: frozenset[Event]) -> str:
    """What of the needs is not to be seen, in words; nothing, if all of it is."""
    if all(sees.intersection(need) if isinstance(need, tuple) else need in sees for need in needs):
        return ""
    wanted = [need if isinstance(need, tuple) else (need,) for need in needs]
    unmet = [WORDS[need[0]] for need in wanted if not sees.intersection(need)]
    *first, last = dict.fromkeys(unmet)
    return f"{', '.join(first)} and {last}" if first else last
