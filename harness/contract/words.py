"""Commands and replies in the few words in which a failing contract test tells them."""

from __future__ import annotations

from ...protocol.commands import (
    Ack,
    Command,
    DeadLetters,
    Delivery,
    Enqueue,
    Extend,
    Failed,
    Inspect,
    Job,
    Lease,
    Leased,
    ListDead,
    Measure,
    Nack,
    Refused,
    Release,
    Replay,
    Reply,
    Settled,
)

LONGEST = 40


def job_of(said: Command | Reply) -> str:
    """The id of the one job that it is about; "" if there is none."""
    match said:
        case Enqueue(job):
            return job.id
        case Ack(job_id) | Nack(job_id) | Extend(job_id) | Release(job_id) | Inspect(job_id):
            return job_id
        case Replay((job_id,)):
            return job_id
        case Leased(Delivery(job)):
            return job.id
    return ""


def spoken(command: Command) -> str:
    """The command without its job, as ``Ack(token 3)``."""
    match command:
        case Enqueue(job):
            unusual = _unusual(job)
            return f"Enqueue({unusual})" if unusual else "Enqueue"
        case Lease(worker, queues, lease_s):
            return f"Lease({worker} for {lease_s:g} s from {', '.join(queues)})"
        case Ack(token=token) | Release(token=token):
            return f"{type(command).__name__}(token {token})"
        case Nack(token=token, permanent=permanent):
            return f"Nack(token {token}{', permanent' if permanent else ''})"
        case Extend(token=token, lease_s=lease_s):
            return f"Extend(token {token} by {lease_s:g} s)"
        case ListDead(queue, reason):
            asked = {"queue": queue, "reason": reason}
            return f"ListDead({', '.join(f'{k} {v!r}' for k, v in asked.items() if v)})"
        case Replay(job_ids):
            return f"Replay({', '.join(map(repr, job_ids))})"
        case Inspect() | Measure():
            return type(command).__name__


def _unusual(job: Job) -> str:
    """The fields of a job, other than its id, that are not what they are by default."""
    fields = Job.__struct_fields__
    plain = Job("")
    values = {name: getattr(job, name) for name in fields if name != "id"}
    return ", ".join(f"{k}={brief(v)}" for k, v in values.items() if v != getattr(plain, k))


def brief(value: object) -> str:
    """Its representation; of long bytes or a long name the beginning, the end and the length."""
    if isinstance(value, str | bytes) and len(value) > LONGEST:
        return f"{value[: LONGEST // 2]!r}...{value[-LONGEST // 4 :]!r} ({len(value):,} long)"
    return repr(value)


def shown(found: object) -> str:
    """What was found, without what does not matter here."""
    match found:
        case Delivery(job, token, number, lease_s):
            return (
                f"job {brief(job.id)} handed out under token {token} as delivery {number} "
                f"for {lease_s:g} s"
            )
        case Leased(delivery):
            return "no job" if delivery is None else shown(delivery)
        case Settled(accepted, why):
            return "it accepted" if accepted else f"it refused: {why or 'no reason given'}"
        case Refused(error):
            return f"the command refused: {error}"
        case Failed(error):
            return f"an error of the queue's server: {error}"
        case DeadLetters(letters):
            return f"the dead letters {[letter.job.id for letter in letters]}"
    return str(found)
