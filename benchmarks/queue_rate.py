"""Jobs per second of worker processes: the reference queue beside four that many use.

    python benchmarks/queue_rate.py
    python benchmarks/queue_rate.py --systems celery reference-redis --workers 1 4 --jobs 400

Celery (acks_late, one job fetched at a time), RQ and Dramatiq on Redis, Procrastinate on
PostgreSQL, and the reference queue on each; the servers are ours and durable: an answer means that
the disk has it. All jobs are there before the first worker starts. Each job writes one line when
it has run, and the rate is that of the middle of these lines, when all workers are at work. The
libraries come from `jobquake env`, each in an environment of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from jobquake.backends.reference import places
from jobquake.servers import running

PATIENCE_S = 240.0
FROM, TO = 0.3, 0.9
# What every system is given to run: one line when it is done, as good as no work before it.
JOB = """
import os, time
LINES = os.open(os.environ["LINES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def work(seconds):
    if seconds:
        time.sleep(seconds)
    os.write(LINES, b"%.6f\\n" % time.monotonic())
"""
REFERENCE = """
import os, sys, uuid
from random import Random
from jobquake.backends.reference import places
from jobquake.backends.reference.queue import ReferenceQueue
from jobquake.protocol.commands import Ack, Enqueue, Job, Lease
from job import work
kind, url = os.environ["KIND"], os.environ["URL"]
store = places.open_store(kind, url, "bench", 10.0)
queue = ReferenceQueue(store, store.clock, Random())
if sys.argv[1] == "enqueue":
    for number in range(int(sys.argv[2])):
        queue.call(Enqueue(Job(f"job-{number}", payload=sys.argv[3].encode())))
else:
    while True:
        delivery = queue.call(Lease(uuid.uuid4().hex, ("default",), 60.0)).delivery
        if delivery is None:
            break
        work(float(delivery.job.payload))
        queue.call(Ack(delivery.job.id, delivery.token))
"""
CELERY = """
import os, sys
from celery import Celery
from job import work
app = Celery(broker=os.environ["URL"])
app.conf.update(task_acks_late=True, worker_prefetch_multiplier=1, task_ignore_result=True)
task = app.task(name="work")(work)
if __name__ == "__main__":
    for _ in range(int(sys.argv[2])):
        task.delay(float(sys.argv[3]))
"""
RQ = """
import os, sys
from redis import Redis
from rq import Queue
import job
queue = Queue(connection=Redis.from_url(os.environ["URL"]))
for _ in range(int(sys.argv[2])):
    queue.enqueue(job.work, float(sys.argv[3]), result_ttl=0)
"""
DRAMATIQ = """
import os, sys
import dramatiq
from dramatiq.brokers.redis import RedisBroker
import job
dramatiq.set_broker(RedisBroker(url=os.environ["URL"]))
actor = dramatiq.actor(job.work)
if __name__ == "__main__":
    for _ in range(int(sys.argv[2])):
        actor.send(float(sys.argv[3]))
"""
PROCRASTINATE = """
import os, sys
import procrastinate
import job
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["URL"]))
task = app.task(name="work")(job.work)
if __name__ == "__main__":
    sync = procrastinate.SyncPsycopgConnector(conninfo=os.environ["URL"])
    with app.replace_connector(sync) as enqueuing, enqueuing.open():
        enqueuing.schema_manager.apply_schema()
        for _ in range(int(sys.argv[2])):
            enqueuing.configure_task("work").defer(seconds=float(sys.argv[3]))
"""


class Library(NamedTuple):
    """How a system is run: its text, its packages (none: ours), and one command a worker.

    ``forks``: one command with so many processes (``{n}``) instead of so many commands.
    """

    kind: str
    text: str
    packages: tuple[str, ...]
    worker: tuple[str, ...]
    forks: bool = False


SYSTEMS = {
    "reference-redis": Library("redis", REFERENCE, (), ("system.py", "work")),
    "celery": Library(
        "redis", CELERY, ("celery==5.7.0", "packaging==26.3", "redis==7.4.1"),
        ("-m", "celery", "-A", "system", "worker", "-c", "{n}", "--without-gossip",
         "--without-mingle", "-l", "ERROR"), forks=True,
    ),
    "rq": Library("redis", RQ, ("redis==7.4.1", "rq==3.0.0"), ("-m", "rq.cli", "worker", "-q")),
    "dramatiq": Library(
        "redis", DRAMATIQ, ("dramatiq==2.2.1", "redis==7.4.1"),
        ("-m", "dramatiq", "system", "-p", "{n}", "-t", "1"), forks=True,
    ),
    "reference-postgres": Library("postgres", REFERENCE, (), ("system.py", "work")),
    "procrastinate": Library(
        "postgres", PROCRASTINATE,
        ("procrastinate==3.10.0", "psycopg==3.3.9", "psycopg-binary==3.3.9"),
        ("-m", "procrastinate", "--app", "system.app", "worker", "--concurrency", "1"),
    ),
}  # fmt: skip


def python_with(packages: tuple[str, ...]) -> str:
    """The Python of an environment with exactly these; ours, if there are none."""
    if not packages:
        return sys.executable
    made = subprocess.run(
        [sys.executable, "-m", "jobquake", "env", "make", *packages],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return made.stdout.strip().splitlines()[-1]


@contextmanager
def workers(
    library: Library, python: str, number: int, folder: Path, env: dict[str, str]
) -> Iterator[None]:
    words = [word.format(n=number) for word in library.worker]
    log = (folder / "workers.log").open("ab")
    processes = [
        subprocess.Popen([python, *words], cwd=folder, env=env, stdout=log, stderr=log)
        for _ in range(1 if library.forks else number)
    ]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        log.close()


def rate(name: str, number: int, jobs: int, seconds: float) -> float:
    """Jobs per second that so many workers of this system carry out."""
    library = SYSTEMS[name]
    python = python_with(library.packages)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="jobquake-q-")))
        server = running.start(library.kind, folder / "server", careless=False, lifeline=True)
        stack.callback(running.stop, server)
        url = places.url_of(library.kind, server.address)
        (folder / "system.py").write_text(library.text)
        (folder / "job.py").write_text(JOB)
        lines = folder / "lines"
        env = dict(os.environ) | {
            "URL": url, "KIND": library.kind, "LINES": str(lines), "RQ_REDIS_URL": url,
            "PYTHONPATH": str(folder), "REDIS_URL": url,
        }  # fmt: skip
        told = [python, "system.py", "enqueue", str(jobs), str(seconds)]
        with (folder / "enqueue.log").open("wb") as log:
            subprocess.run(
                told, cwd=folder, env=env, check=True, timeout=PATIENCE_S, stdout=log, stderr=log
            )
        with workers(library, python, number, folder, env):
            until = time.monotonic() + PATIENCE_S
            while time.monotonic() < until:
                done = lines.read_text().splitlines() if lines.exists() else []
                if len(done) >= jobs:
                    break
                time.sleep(0.05)
            else:
                tail = (folder / "workers.log").read_text()[-500:]
                raise SystemExit(f"{name}: {len(done)} of {jobs} jobs were done; {tail}")
        at = sorted(map(float, done))
        first, last = int(FROM * jobs), int(TO * jobs)
        return (last - first) / (at[last] - at[first])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", nargs="*", default=list(SYSTEMS))
    parser.add_argument("--workers", nargs="*", type=int, default=[1, 4, 16])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seconds", nargs="*", type=float, default=[0.0, 0.01])
    chosen = parser.parse_args()
    for seconds in chosen.seconds:
        print(f"\nJobs of {1e3 * seconds:g} ms, jobs/s by workers")
        print(f"{'':<20}" + "".join(f"{number:>10}" for number in chosen.workers))
        for name in chosen.systems:
            found = [rate(name, number, chosen.jobs, seconds) for number in chosen.workers]
            print(f"{name:<20}" + "".join(f"{one:>10.0f}" for one in found), flush=True)


if __name__ == "__main__":
    main()
