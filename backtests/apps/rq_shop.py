"""A shop on RQ: it charges orders and then mails receipts. Run by RQ's own worker command."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from redis import Redis
from rq import Queue, Retry
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry

SERVICE_S, SLOW_S, TIMEOUT_S = 0.2, 60.0, 120
broker = Redis.from_url(os.environ["SHOP_BROKER"])


def note(line: str) -> None:
    """Append to the shop's ledger; it is there whatever happens next."""
    file = os.open(os.environ["SHOP_LEDGER"], os.O_WRONLY | os.O_APPEND)
    os.write(file, line.encode() + b"\n")
    os.close(file)


def charge(order: str) -> str:
    time.sleep(SERVICE_S)
    note(f"charged {order}")
    return order


def charge_slowly(order: str) -> None:
    """The first try takes too long for whoever kills its worker meanwhile."""
    again = f"began {order}" in Path(os.environ["SHOP_LEDGER"]).read_text().splitlines()
    note(f"began {order}")
    time.sleep(0.0 if again else SLOW_S)
    note(f"charged {order}")


def refund(job: Job, *_: Any) -> None:
    note(f"refunded {job.id}")


def mail(order: str) -> None:
    note(f"mailed {order}")


# -- what a client asks -------------------------------------------------------------------


def submit(queue: str, order: str) -> None:
    Queue(queue, connection=broker).enqueue(charge, order, job_id=order)


def submit_mail(queue: str, order: str) -> None:
    """The receipt of that order, to be mailed when it has been charged."""
    Queue(queue, connection=broker).enqueue(mail, order, job_id=f"mail-{order}", depends_on=order)


def submit_slow(queue: str, order: str) -> None:
    """Charge it; a refund if that fails."""
    Queue(queue, connection=broker).enqueue(
        charge_slowly, order, job_id=order, job_timeout=TIMEOUT_S, on_failure=refund
    )


def submit_patient(queue: str, order: str) -> None:
    """Charge it, and try it twice again if that fails."""
    Queue(queue, connection=broker).enqueue(
        charge_slowly, order, job_id=order, job_timeout=TIMEOUT_S, retry=Retry(max=2)
    )


def failed(queue: str) -> list[str]:
    """The jobs that RQ has put down as failed."""
    return [name.decode() for name in broker.zrange(f"rq:failed:{queue}", 0, -1)]


def blocked() -> list[str]:
    """The commands in which workers wait for a job."""
    waits = ("blpop", "blmove", "brpoplpush")
    return [one["cmd"] for one in broker.client_list() if one["cmd"] in waits]


def look(queue: str, order: str) -> dict[str, Any]:
    """What RQ says of the order, and which of RQ's places hold it."""
    places = {
        "queued": Queue(queue, connection=broker).job_ids,
        "failed": FailedJobRegistry(queue, connection=broker).get_job_ids(cleanup=False),
        "finished": FinishedJobRegistry(queue, connection=broker).get_job_ids(cleanup=False),
        "started": _names(broker.zrange(f"rq:wip:{queue}", 0, -1)),
        "intermediate": _names(broker.lrange(f"rq:queue:{queue}:intermediate", 0, -1)),
    }
    told = Job.fetch(order, connection=broker).get_status()
    return {
        "status": getattr(told, "value", told),
        "held": sorted(place for place, jobs in places.items() if order in jobs),
    }


def _names(members: list[bytes]) -> list[str]:
    return [member.decode().partition(":")[0] for member in members]
