"""What ``jobquake demo`` shows of libraries that people run: a small app, and what strikes it."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from . import apps
from .environments.cache import environment
from .frameworks.app import App
from .frameworks.sign import sign
from .frameworks.system import AppSystem
from .harness.faults.kill_at import KillAt
from .harness.faults.kill_process_at import KillProcessAt
from .harness.plan.plan import Plan, PlannedJob, Pool, Queue
from .skipping import Experiment

SHOP = Path(__file__).parent / "frameworks" / "demo"
JOBS, EVERY_S = 8, 0.25
HOUR_S = 3600.0


def celery(safe: bool) -> tuple[Experiment, AppSystem]:
    """Celery at its defaults, whose worker's child is killed as the kernel does when memory is
    short; or ``safe``, with late acks, whose whole worker is killed, as a host that dies would.

    Without Celery in this environment one is made, which takes a while the first time.
    """
    here = all(map(find_spec, ("celery", "redis")))
    python = sys.executable if here else str(environment(*sign("celery").pins))
    env = {"SHOP": "safe" if safe else "default"}
    system = apps.system_of(App("shop:app", "shop.charge", python, SHOP, None, "[7]", env=env))
    return Experiment(_plan(safe), None, apps.DRIVER), system


def _plan(safe: bool) -> Plan:
    kind = KillAt if safe else KillProcessAt
    return Plan(
        scenario="demo-celery",
        variant="safe" if safe else "default",
        seed=0,
        queues=(Queue("celery"),),
        pools=(Pool("all", ("celery",), 1),),
        jobs=tuple(PlannedJob(EVERY_S * number, 0, 0.2) for number in range(JOBS)),
        faults=(kind(2, "after_lease"),),
        guarantees=("no_lost_work", "progress_after_heal", "faults_hit"),
        must_hit=((kind.label, "leased"),),
        sink="blind",
        lease_s=HOUR_S if safe else 30.0,
        deadline_s=60.0 + (1.2 * HOUR_S if safe else 0.0),
        producers=1,
    )
