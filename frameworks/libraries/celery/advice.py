"""Which guarantees Celery cannot give as it is set, on Redis, and which setting decides it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from ...library import Finding, Looked

TASKS = "https://docs.celeryq.dev/en/stable/userguide/tasks.html"
REDIS = "https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/redis.html"
WORKERS = "https://docs.celeryq.dev/en/stable/userguide/workers.html"
OPTIMIZING = "https://docs.celeryq.dev/en/stable/userguide/optimizing.html"
CHILD, WORKER, TAKING = (
    f"worker-kill-before-ack --kill {what}" for what in ("child", "worker", "taking")
)


def findings(looked: Looked, visibility_s: float, sweep_s: float) -> Iterator[Finding]:
    """On Redis."""
    yield from of_acks(looked)
    yield from _of_the_visibility(looked, visibility_s, sweep_s)
    yield from of_pools(looked)
    yield from _of_redis(visibility_s)
    yield of_a_deploy()


def of_acks(looked: Looked) -> Iterator[Finding]:
    """On any broker."""
    late, reject = looked.setting("acks_late"), looked.setting("reject_on_worker_lost")
    if not late and not _in_the_loop(looked):
        yield Finding(
            "no accepted work is lost when a process dies",
            "task_acks_late=False: a task is acknowledged before it runs",
            "set task_acks_late=True and task_reject_on_worker_lost=True, and make the task safe "
            "to repeat",
            CHILD,
            TASKS,
        )
    elif late and not reject:
        yield Finding(
            "no accepted work is lost when a pool's process dies",
            "task_reject_on_worker_lost=False: a task whose process died is acknowledged as failed",
            "set task_reject_on_worker_lost=True",
            CHILD,
            TASKS,
        )


def _of_the_visibility(looked: Looked, visibility_s: float, sweep_s: float) -> Iterator[Finding]:
    yield Finding(
        "what a dead worker held is run again soon",
        f"visibility_timeout={visibility_s:g}: it comes back that long after it was taken, and up "
        f"to {sweep_s:g} s later, when a worker looks",
        "set broker_transport_options visibility_timeout to a little more than the longest task "
        "and ETA take",
        WORKER,
        REDIS,
    )
    limit_s = looked.setting("time_limit")
    if looked.setting("acks_late") and isinstance(limit_s, int | float) and limit_s > visibility_s:
        yield Finding(
            "a task that is still running is not run again",
            f"visibility_timeout={visibility_s:g} is below task_time_limit={limit_s:g}",
            "set visibility_timeout above the longest task",
            "slow-job-flood",
            REDIS,
        )


def of_pools(looked: Looked) -> Iterator[Finding]:
    """On any broker."""
    if looked.setting("time_limit") is None:
        yield Finding(
            "a task that hangs gives its process back",
            "task_time_limit is not set",
            "set task_time_limit",
            "stuck-job",
            WORKERS,
        )
    prefetch = looked.setting("worker_prefetch_multiplier")
    if prefetch != 1:
        yield Finding(
            "short tasks do not wait behind long ones",
            f"worker_prefetch_multiplier={prefetch}: each process reserves so many tasks, which "
            "wait, and are stuck with it when its worker dies",
            "set worker_prefetch_multiplier=1 where tasks are long",
            "slow-job-flood",
            OPTIMIZING,
        )


def _of_redis(visibility_s: float) -> Iterator[Finding]:
    yield Finding(
        "a message is never lost while a worker takes it",
        "none: on Redis Celery takes a message with BRPOP and notes it in unacked afterwards",
        "use RabbitMQ where that matters",
        TAKING,
        REDIS,
    )
    yield Finding(
        "a task that is due later than a message may be held runs once",
        f"visibility_timeout={visibility_s:g}: a task with an ETA or countdown beyond it is handed "
        "out again each time that it ends",
        "set visibility_timeout above the longest ETA, or enqueue the task when it is due",
        "delayed-past-lease",
        REDIS,
    )


def of_a_deploy() -> Finding:
    """On any broker."""
    return Finding(
        "a task that a deploy has renamed is kept",
        "none: a worker discards a task whose name it does not know",
        "keep the old name, too, for as long as the queue may hold it",
        "rolling-deploy",
        TASKS,
    )


def _in_the_loop(looked: Looked) -> bool:
    """Whether tasks run in the loop that sends acks, which it does when a task is over."""
    words = " ".join(looked.worker).replace("=", " ").split()
    pools = [pool for word, pool in pairwise(words) if word in ("-P", "--pool")]
    return (pools or [looked.setting("worker_pool")])[-1] == "solo"
