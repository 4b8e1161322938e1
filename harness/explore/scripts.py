"""Orders of faults that a plain draw seldom makes and that have broken real queues.

Each script adds its faults to a plan that has been drawn without any.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ...protocol.worker import POINTS
from ..faults.broker_crash import BrokerCrash
from ..faults.drawing import Sketch, moment_s
from ..faults.fault import Fault
from ..faults.fields import Call
from ..faults.kill_at import KillAt
from ..faults.kill_worker import KillWorker
from ..faults.net_fault import NetFault
from ..faults.pause_at import PauseAt
from ..faults.terminate import Terminate
from ..plan.plan import ReplayDead

Faults = list[Fault]
Script = Callable[[Random, Sketch], tuple[Faults, tuple[ReplayDead, ...]]]


def redelivered_while_paused(rng: Random, sketch: Sketch) -> tuple[Faults, tuple[ReplayDead, ...]]:
    """The first holder is paused past its lease; the second one dies, or is paused, too."""
    job = rng.randrange(sketch.jobs)
    first = PauseAt(job, rng.choice(POINTS[:4]), sketch.lease_s * rng.uniform(1.1, 3.0))
    second: Fault = KillAt(job, rng.choice(POINTS), 1, 2)
    if rng.random() < 0.3:
        second = PauseAt(job, rng.choice(POINTS), sketch.lease_s * rng.uniform(0.5, 2.0), 2)
    return [first, second], ()


def paused_killed_restarted(rng: Random, sketch: Sketch) -> tuple[Faults, tuple[ReplayDead, ...]]:
    """A worker is paused, killed while it sleeps, and comes back late, another one before it."""
    job, at_s = rng.randrange(sketch.jobs), moment_s(rng, sketch)
    faults: Faults = [PauseAt(job, rng.choice(POINTS), sketch.lease_s * 2.0)]
    for worker in rng.sample(range(sketch.workers), rng.randint(1, sketch.workers)):
        later_s = round(at_s + rng.uniform(0.0, sketch.lease_s), 3)
        faults.append(KillWorker(worker, later_s, rng.choice((0.01, sketch.lease_s * 1.5))))
    return faults, ()


def crash_inside_recovery(rng: Random, sketch: Sketch) -> tuple[Faults, tuple[ReplayDead, ...]]:
    """A worker dies, and when its job is given to the next the server or that worker dies."""
    job = rng.randrange(sketch.jobs)
    faults: Faults = [KillAt(job, rng.choice(POINTS[:4]))]
    if rng.random() < 0.5:
        faults.append(KillAt(job, rng.choice(POINTS[:4]), 1, 2))
    at_s = rng.choice(sketch.moments_s) + sketch.lease_s * rng.uniform(0.0, 1.3)
    faults.append(BrokerCrash(round(at_s, 3), round(rng.uniform(0.01, 0.3), 3)))
    if rng.random() < 0.5:
        later_s = at_s + rng.uniform(0.3, 2.0 * sketch.lease_s)
        faults.append(BrokerCrash(round(later_s, 3), 0.05))
    return faults, ()


def answered_and_gone(rng: Random, sketch: Sketch) -> tuple[Faults, tuple[ReplayDead, ...]]:
    """The answer to a call is lost, and right after it the one who waits for it, or the server."""
    call: Call = rng.choice(("enqueue", "lease", "ack", "nack", "extend", "release"))
    faults: Faults = [NetFault(call, rng.randint(1, sketch.jobs + 1), "lose_reply")]
    at_s = moment_s(rng, sketch)
    if rng.random() < 0.5:
        faults.append(BrokerCrash(at_s, 0.1))
    else:
        faults.append(KillWorker(rng.randrange(sketch.workers), at_s))
    return faults, ()


def replayed_while_it_burns(rng: Random, sketch: Sketch) -> tuple[Faults, tuple[ReplayDead, ...]]:
    """Dead letters are replayed while calls are lost, the server dies and workers are killed."""
    job = rng.randrange(sketch.jobs)
    at_s = round(rng.choice(sketch.moments_s) + rng.uniform(0.5, 6.0 * sketch.lease_s), 3)
    faults: Faults = [KillAt(job, rng.choice(POINTS[:4]), rng.choice((1, 4, 6)))]
    faults.append(
        rng.choice(
            (
                NetFault("replay", 1, rng.choice(("lose_request", "lose_reply", "duplicate"))),
                BrokerCrash(round(at_s + rng.choice((0.0, 0.001, 0.01, 0.05)), 3), 0.1),
            )
        )
    )
    return faults, (ReplayDead(at_s),)


def deploy_while_stuck(rng: Random, sketch: Sketch) -> tuple[Faults, tuple[ReplayDead, ...]]:
    """Workers are told to stop in the middle of a job, and their last words are lost."""
    workers = tuple(range(rng.randint(1, sketch.workers)))
    faults: Faults = [Terminate(workers, moment_s(rng, sketch), rng.choice((0.3, 2.0)))]
    call: Call = rng.choice(("release", "ack"))
    faults.append(NetFault(call, 1, rng.choice(("lose_request", "lose_reply"))))
    return faults, ()


SCRIPTS: tuple[Script, ...] = (
    redelivered_while_paused,
    paused_killed_restarted,
    crash_inside_recovery,
    answered_and_gone,
    replayed_while_it_burns,
    deploy_while_stuck,
)
