"""The process driver: real workers, real SIGKILLs, a real network; no orphan ever.

What the tool says of itself is not believed here: kills are counted in the ledger, and
the ledger's kills against the exit statuses that the supervisor saw.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from jobquake.backends import registry as backends
from jobquake.harness.drivers.clean import MARK
from jobquake.harness.drivers.tree import kill_tree
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.history import Event, Phase
from jobquake.harness.run import run
from jobquake.protocol.commands import RetryPolicy
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from support import tagged_here

ROW = [
    "t", "since", "event", "answer", "phase", "node", "incarnation", "job", "token", "fault",
    "key", "value",
]  # fmt: skip


def ledger_rows(ledger: bytes | None) -> list[dict[str, float]]:
    assert ledger is not None
    return [dict(zip(ROW, json.loads(line), strict=True)) for line in ledger.splitlines()]


def wait_until(condition: Callable[[], object], within_s: float = 60.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "the condition never came true"
        time.sleep(0.02)


def small_plan(**changes: object) -> Plan:
    standard = Plan(
        scenario="test",
        variant="default",
        seed=1,
        queues=(Queue("q"),),
        pools=(Pool("p", ("q",), 1),),
        jobs=(PlannedJob(0.0, 0, 0.05),),
        faults=(),
        guarantees=("no_lost_work", "no_duplicated_effects", "progress_after_heal"),
        producers=1,
    )
    return replace(standard, **changes)


def test_twenty_kills_hit_a_running_job_before_its_ack_and_nothing_is_lost() -> None:
    plan = scenarios.find("worker-kill-before-ack").plan(0)
    done = run(plan, backends.find("reference"), "process")
    rows = ledger_rows(done.ledger)

    kills = {
        (row["node"], row["incarnation"]): row
        for row in rows
        if row["event"] == Event.FAULT_STRUCK
        and plan.faults[int(row["fault"])].__struct_config__.tag in ("kill_at", "kill_worker")
        and row["job"] >= 0
        and row["phase"] in (Phase.LEASED, Phase.RUNNING, Phase.AFTER_EFFECT)
    }
    killed = {
        (row["node"], row["incarnation"])
        for row in rows
        if row["event"] == Event.WORKER_EXITED and row["value"] == -signal.SIGKILL
    }
    assert len(kills) >= 20
    assert set(kills) <= killed, "each kill in the ledger is a worker that died of SIGKILL"

    accepted = {r["job"] for r in rows if r["event"] == Event.ENQUEUE_ANSWERED and r["answer"] == 1}
    effects = {r["job"] for r in rows if r["event"] == Event.EFFECT}
    dead = {r["job"] for r in rows if r["event"] == Event.DEAD}
    assert accepted == set(range(len(plan.jobs)))
    assert accepted <= effects | dead
    keys = {(r["job"], r["key"]) for r in rows if r["event"] == Event.EFFECT}
    assert len(keys) == len(effects), "one idempotency key per job, whatever the redeliveries"
    assert done.result.verdict == "held", done.result.sentence


@pytest.mark.parametrize(("variant", "starves"), [("isolated", False), ("shared", True)])
def test_the_flood_starves_a_shared_pool_and_not_an_isolated_one(
    variant: str, starves: bool
) -> None:
    for seed in range(4):  # on a machine that stalls a run says nothing
        plan = scenarios.find("slow-job-flood").plan(seed, variant)
        done = run(plan, backends.find("reference"), "process")
        if done.result.verdict != "inconclusive":
            break
    rows = ledger_rows(done.ledger)
    bound_s = plan.queues[0].bound_s
    assert bound_s is not None
    mails = {i for i, job in enumerate(plan.jobs) if not job.flood}
    accepted = {
        r["job"]: r["t"]
        for r in reversed(rows)
        if r["event"] == Event.ENQUEUE_ANSWERED and r["job"] in mails
    }
    leased = {
        r["job"]: r["t"] for r in reversed(rows) if r["event"] == Event.LEASED and r["job"] in mails
    }
    late = [job for job in mails if leased[job] - accepted[job] > bound_s]
    assert bool(late) == starves
    verdicts = {check.name: check.verdict for check in done.result.checks}
    assert verdicts.pop("no_starvation") == ("violated" if starves else "held")
    assert set(verdicts.values()) == {"held"}


def test_workers_are_seeded_alike_so_that_keys_which_they_draw_are_not_unique(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tagged_here.installed(monkeypatch, "drawn")
    jobs = tuple(PlannedJob(0.05 * i, 0, 0.2) for i in range(6))
    plan = small_plan(jobs=jobs, pools=(Pool("p", ("q",), 3),), sink="keyed")
    result = run(plan, backends.find("drawn"), "process").result
    assert result.verdict == "violated"
    assert "under the idempotency key of job" in result.sentence
    backends.find.cache_clear()


def test_a_shared_file_without_a_network_holds_and_its_network_faults_prove_nothing() -> None:
    adapter = backends.find("reference-sqlite")
    killed = run(scenarios.find("worker-kill-before-ack").plan(1), adapter, "process").result
    assert killed.verdict == "held", killed.sentence
    unhit = run(scenarios.find("network-timeout").plan(1), adapter, "process").result
    assert unhit.verdict == "inconclusive"


def test_a_stuck_job_is_reaped_its_worker_replaced_and_the_job_retried() -> None:
    plan = small_plan(
        jobs=(
            PlannedJob(0.0, 0, 0.05, behaviour="hang", timeout_s=0.4),
            PlannedJob(0.01, 0, 0.05),
        ),
        max_deliveries=2,
        lease_s=0.3,
        retry=RetryPolicy(0.05, 1.0, 0.1, "none"),
    )
    done = run(plan, backends.find("reference"), "process")
    rows = ledger_rows(done.ledger)
    assert [r["job"] for r in rows if r["event"] == Event.LEASED].count(0) == 2
    exits = [r["value"] for r in rows if r["event"] == Event.WORKER_EXITED]
    assert exits.count(1) == 2, "the watchdog ended the stuck worker twice"
    assert {r["job"] for r in rows if r["event"] == Event.DEAD} == {0}
    assert {r["job"] for r in rows if r["event"] == Event.EFFECT} == {1}
    assert done.result.verdict == "held", done.result.sentence


def test_a_kill_takes_the_whole_tree_even_children_that_left_the_group(tmp_path: Path) -> None:
    script = (
        "import subprocess,sys,time\n"
        "child = subprocess.Popen([sys.executable,'-c','import time; time.sleep(600)'],"
        "start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    assert kill_tree(parent.pid) == 2
    parent.wait()
    parent.stdout.close()
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def processes_of(tag: str) -> list[psutil.Process]:
    """Living processes with the mark of the run that ``tag`` names."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("JOBQUAKE_TEST_RUN") != tag:
                continue
            if MARK in process.environ() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_its_run_however_it_ends(
    ending: signal.Signals, tmp_path: Path
) -> None:
    tag = f"{os.getpid()}-{ending}"
    harness = subprocess.Popen(
        [sys.executable, "-m", "jobquake", "run", "worker-kill-before-ack", "--report", "out"],
        cwd=tmp_path,
        env=os.environ | {"JOBQUAKE_TEST_RUN": tag},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        # A broker, four workers and a producer: the run is in full swing.
        wait_until(lambda: len(processes_of(tag)) >= 6)
        harness.send_signal(ending)
        _, errors = harness.communicate(timeout=20)
    finally:
        harness.kill()
    if ending == signal.SIGINT:
        assert harness.returncode == 130
        assert "interrupted" in errors
        assert "Traceback" not in errors
    wait_until(lambda: not processes_of(tag))
