"""What a node does with each want of its program: the same text for every driver.

The worker, the producer and the operator say what they want. Here that is written down, faults
at points strike, and what is left for a driver are six acts, which it carries out in its kind
of time. Nothing here waits, sends or dies.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, NamedTuple, assert_never

from ...protocol.events import PHASE_AT, Event
from ...protocol.producer import Client, Gone, Stray, WaitUntil
from ...protocol.repeat import Attempt, Sleep
from ...protocol.worker import ApplyEffect, At, Finished, Stopping, Work, Worker
from ..record.node_record import NodeRecord
from ..strikes import PointStrikes


class Labour(NamedTuple):
    """Work for so many seconds (infinite: it never comes back); ``timeout_s`` ends the worker."""

    work_s: float
    timeout_s: float
    behaviour: str


class Die(NamedTuple):
    """End here and now, as by SIGKILL."""


class Pause(NamedTuple):
    """Stand still for so many seconds, as by SIGSTOP and SIGCONT."""

    for_s: float


Act = Attempt | Sleep | WaitUntil | Labour | Die | Pause
Acts = Generator[Act, Any, None]


def acts(
    program: Worker | Client,
    record: NodeRecord,
    points: PointStrikes,
    stopping: Callable[[], bool],
) -> Acts:
    """What is to be done for the program, act by act; an attempt is sent its reply, or None.

    ``stopping()`` tells whether the node was told to stop.
    """
    ask, answer = program.send, None
    while True:
        try:
            want = ask(answer)
        except StopIteration:
            return
        answer = None
        if isinstance(want, Attempt):
            record.sending(want.command)
            answer = yield want
            record.answered(answer)
        elif isinstance(want, At):
            if want.delivery.job.id in points.jobs:
                yield from _strikes(want, record, points)
        elif isinstance(want, Work):
            work_s, timeout_s = record.begin_work(want)
            yield Labour(work_s, timeout_s, record.behaviour)
            answer = record.end_work(want, work_s, stopping())
        elif isinstance(want, Stopping):
            answer = stopping()
        elif isinstance(want, ApplyEffect):
            record.effect(want)
        elif isinstance(want, Finished):
            record.finished(want)
        elif isinstance(want, Sleep | WaitUntil):
            yield want
        elif isinstance(want, Stray):
            sent_at = record.now()
            reply = yield Attempt(want.command)
            record.strayed(want, sent_at, reply)
        elif isinstance(want, Gone):
            pass
        else:
            assert_never(want)


def _strikes(want: At, record: NodeRecord, points: PointStrikes) -> Acts:
    """The faults that strike the job at this point: each is written down before it strikes."""
    job, phase = record.job_index(want.delivery.job.id), PHASE_AT[want.point]
    for number, fault in points.at(job, want.point):
        record.struck(number, phase, job, fault.lasts_s)
        if fault.ends_worker:
            yield Die()
        yield Pause(fault.lasts_s)
        record.write(Event.RESUMED, job=job, fault=number)
