"""Claims: what a system promises. Checks hold it to no more than that."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Claims(Struct, frozen=True):
    """What a backend promises; checks hold it to no more than that.

    ``caveat`` says in half a sentence what its configuration leaves open when its server
    crashes; a story of lost work quotes it. ``idempotent_settle``: an ack, nack or release
    may be repeated with the token that it was accepted under; it is accepted again and
    changes nothing. ``skips_completed_keys``: a job whose idempotency key has been completed
    is not handed out. ``bounded_backlog``: the queue honours ``Job.max_waiting``.
    ``durable``: what it acknowledged outlives a crash of its server. ``retries``: what fails
    comes back after its backoff. ``delays``: it honours ``Job.delay_s``. ``steady_time``: no
    wall clock that jumps ends a lease, a backoff or a delay sooner or later. ``prompt``: whoever
    asks for work is given a job that is ready, and whoever waits is woken when one becomes ready.
    """

    delivery: Literal["at-least-once", "at-most-once"] = "at-least-once"
    fencing: bool = True
    bounded_deliveries: bool = True
    dead_letters: bool = True
    priorities: bool = True
    idempotent_enqueue: bool = True
    caveat: str = ""
    idempotent_settle: bool = True
    skips_completed_keys: bool = True
    bounded_backlog: bool = True
    durable: bool = True
    retries: bool = True
    delays: bool = True
    steady_time: bool = True
    prompt: bool = True
