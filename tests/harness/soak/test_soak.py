"""Soak: rounds on one queue until the time is spent, findings kept as they come, resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import psutil
import pytest
from jobquake.backends import registry as backends
from jobquake.backends.adapter import Adapter
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.backends.reference.queue import FORGET_EVERY_S
from jobquake.experiments import packed_of
from jobquake.harness.drivers.long_lived_process import served
from jobquake.harness.drivers.long_lived_sim import SimulatedQueue
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.plan import Plan
from jobquake.harness.plan.replay import decode
from jobquake.harness.run import Run, run
from jobquake.harness.run_folder import load, save
from jobquake.harness.soak.soak import RETENTION_S, Soak, begin, go_on, queue_of
from jobquake.protocol.commands import Enqueue, Enqueued, Job, Measured, Reply
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from support import tagged_here
from support.broker_process import wait_until
from support.haunted import FORGETS_NOT, Haunted, HauntedAdapter
from support.leaping import needs_compiler
from support.scrape import Samples, of, scrape
from support.small_plan import SMALL

COMMAND = [sys.executable, "-m", "jobquake", "soak"]
MIB = 1024 * 1024
QUICK = "worker-kill-before-ack"


def soak(folder: Path, *words: str, code: int = 0) -> str:
    command = [*COMMAND, "--report", str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def state(folder: Path) -> Soak:
    return msgspec.json.decode((folder / "soak.json").read_bytes(), type=Soak)


def test_a_soak_runs_for_its_time_and_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "soak"
    assert soak(folder, "--for", "60s").startswith("held: ")
    first = state(folder)
    assert first.spent_s >= 60
    assert first.verdicts == {"held": first.rounds}
    told = soak(folder, "--for", "120s")
    assert told.startswith("continuing on an empty queue: "), "in sim it was in memory"
    second = state(folder)
    assert second.rounds > first.rounds
    assert (first.since, second.since) == (0, first.rounds)
    assert [file.name for file in folder.iterdir()] == ["soak.json"]


def test_what_is_found_is_told_and_kept_while_the_soak_goes_on(tmp_path: Path) -> None:
    words = ("worker-kill-before-ack", "--backend", "twin-no-lease", "--for", "300s")
    told = soak(tmp_path / "soak", *words, code=1)
    found = state(tmp_path / "soak")
    assert found.rounds > 20
    kept = [path.name for path in tmp_path.glob("soak/round-*/report.html")]
    assert len(list(tmp_path.glob("soak/round-*"))) == 20, "the disk stays bounded"
    assert len(kept) == 20
    folders = [line.split()[-1] for line in told.splitlines() if "jobquake replay" in line]
    assert [packed_of(folder)[0].backend for folder in folders] == ["twin-no-lease"] * 20


def test_another_soak_does_not_write_over_this_one(tmp_path: Path) -> None:
    soak(tmp_path, "--for", "10s")
    before = (tmp_path / "soak.json").read_bytes()
    told = soak(tmp_path, "--for", "10s", "--seed", "7", code=2)
    assert "seed 7" in told and "seed 0" in told
    (tmp_path / "soak.json").write_text("{")
    assert "remove it" in soak(tmp_path, "--for", "10s", code=2)
    (tmp_path / "soak.json").write_bytes(before)
    assert "an empty queue each round" in soak(tmp_path, "--for", "10s", "--fresh", code=2)
    assert "continuing on" in soak(tmp_path, "--for", "20s")


def test_an_interrupted_soak_loses_at_most_the_round_it_was_in(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [*COMMAND, "--for", "1000h", "--report", str(tmp_path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        wait_until(lambda: (tmp_path / "soak.json").exists() and state(tmp_path).rounds > 0)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "interrupted" in errors
    rounds = state(tmp_path).rounds
    assert rounds >= 1
    assert f"in {rounds} rounds" in soak(tmp_path, "--for", "1s")


def test_a_state_of_another_format_is_refused_in_one_sentence(tmp_path: Path) -> None:
    soak(tmp_path, "--for", "1s")
    old = json.loads((tmp_path / "soak.json").read_text()) | {"format": 1, "found": [{"round": 3}]}
    (tmp_path / "soak.json").write_text(json.dumps(old))
    told = soak(tmp_path, "--for", "1s", code=2)
    assert "of format 2" in told and "found format 1" in told and "name another folder" in told


def test_a_queue_whose_soak_is_gone_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "soak-queue").mkdir()
    assert "expected no queue without a state" in soak(tmp_path, "--for", "1s", code=2)
    assert (tmp_path / "soak-queue").exists()


# -- one queue --------------------------------------------------------------------------


def rounds_of(scenario: str, first: int, last: int) -> list[Plan]:
    build = scenarios.find(scenario).plan
    return [replace(build(n), label=f"r{n}-") for n in range(first, last)]


def test_a_round_on_the_correct_queue_happens_as_it_would_on_an_empty_one() -> None:
    adapter = REFERENCE.retaining(RETENTION_S)
    queue, same = SimulatedQueue(adapter), 0
    plans = rounds_of("day-of-chaos", 0, 20)
    for plan in plans:
        here, alone = run(plan, adapter, "sim", on=queue), run(plan, adapter, "sim")
        assert queue.settle(plan) == 0
        assert here.result.verdict == alone.result.verdict == "held"
        same += len(here.history) == len(alone.history) and all(
            np.array_equal(here.history[column], alone.history[column])
            for column in ("event", "node", "job", "token", "answer", "key")
        )
    assert same >= 19, "a rounding of the queue's time may turn two things around that tie"


@pytest.mark.parametrize(
    "scenario", ["poison-job", pytest.param("day-of-chaos", marks=pytest.mark.slow)]
)
def test_what_a_round_leaves_is_settled_and_forgotten_so_that_the_queue_stays_small(
    scenario: str,
) -> None:
    queue = SimulatedQueue(REFERENCE.retaining(RETENTION_S))
    held: list[int] = []
    while queue.now() < 2.2 * RETENTION_S:
        (plan,) = rounds_of(scenario, len(held), len(held) + 1)
        queue.shake(plan)
        assert queue.settle(plan) == 0
        measured = queue.measure()
        assert isinstance(measured, Measured)
        assert {depth.state for depth in measured.depths} <= {"done"}
        latest_s = RETENTION_S + FORGET_EVERY_S + plan.deadline_s
        assert all(depth.oldest_s <= latest_s for depth in measured.depths)
        held.append(sum(depth.count for depth in measured.depths))
    half = len(held) // 2
    assert max(held[half:]) < 1.2 * max(held[:half])


def haunted_soak(folder: Path, mistake: str) -> Soak:
    adapter = HauntedAdapter(mistake)
    begun = begin(folder, (QUICK,), adapter, "sim", 0)
    plan_of = lambda name, seed: scenarios.find(name).plan(seed)  # noqa: E731
    with queue_of(begun, folder, adapter) as queue:
        return go_on(begun, folder, 200.0, plan_of, adapter, queue, lambda *_: None, lambda _: None)


def test_a_job_of_an_earlier_round_that_is_handed_out_again_is_found_and_needs_the_past(
    tmp_path: Path,
) -> None:
    jobs = len(scenarios.find(QUICK).plan(0).jobs)
    ended = haunted_soak(tmp_path, "hands one out again")
    (found,) = ended.found
    assert found.round == Haunted.MANY // jobs, "the first in which so many are completed"
    assert "was handed a job" in found.sentence and "one of an earlier round" in found.sentence
    assert found.alone == "held" and found.needs_the_past and found.since == 0
    replayed = decode(found.replay).plan
    assert run(replayed, FORGETS_NOT, "sim").result.verdict == "held"


def test_a_round_that_leaves_a_job_behind_is_found_itself_and_the_next_begins_anew(
    tmp_path: Path,
) -> None:
    jobs = len(scenarios.find(QUICK).plan(0).jobs)
    ended = haunted_soak(tmp_path, "keeps one")
    haunted = [found.round for found in ended.found]
    assert haunted[0] == Haunted.MANY // jobs
    assert [found.since for found in ended.found] == [0, *(n + 1 for n in haunted[:-1])]
    assert len(haunted) > 1 and ended.rounds > haunted[0] + 2
    assert ended.verdicts["violated"] == len(haunted), "and no other round is blamed for it"


def test_the_command_tells_that_a_finding_needs_the_past_of_its_queue(tmp_path: Path) -> None:
    (tmp_path / "haunted.py").write_text("from support.haunted import FORGETS_NOT as BACKEND\n")
    script = (
        "import sys\n"
        "from jobquake.backends import built_in\n"
        f"built_in.__path__.append({str(tmp_path)!r})\n"
        f"sys.argv = ['jobquake', 'soak', {QUICK!r}, '--backend', 'haunted', '--for', '20s',\n"
        f"    '--report', {str(tmp_path)!r}]\n"
        "from jobquake.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert "alone, on an empty queue, it was held: it depends on earlier rounds" in done.stdout
    assert "(rounds 0 to " in done.stdout


def test_with_an_empty_queue_each_round_nothing_can_come_back(tmp_path: Path) -> None:
    assert soak(tmp_path, QUICK, "--fresh", "--for", "30s").startswith("held: ")
    assert state(tmp_path).fresh


# -- real processes ---------------------------------------------------------------------


def processes_of(folder: Path) -> list[int]:
    """Living processes that have the folder among their words."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and str(folder) in " ".join(process.cmdline()):
                found.append(process.pid)
    return found


def test_a_served_queue_that_is_renewed_is_empty_and_serves_again_and_its_folder_stays(
    tmp_path: Path,
) -> None:
    with served(REFERENCE, tmp_path / "queue") as queue:
        client = REFERENCE.connect(queue.address, 5.0)
        assert client.attempt(Enqueue(Job("left", "q"))) == Enqueued(True)
        assert depths(queue.measure()) == {"ready": 1}
        client.close()
        queue.renew()
        assert depths(queue.measure()) == {}
    assert (tmp_path / "queue").exists() and not processes_of(tmp_path)


def depths(reply: Reply | None) -> dict[str, int]:
    assert isinstance(reply, Measured)
    return {depth.state: depth.count for depth in reply.depths}


def test_a_soak_that_was_killed_leaves_its_queue_and_no_process_and_goes_on_with_it(
    tmp_path: Path,
) -> None:
    words = ["stuck-job", "--driver", "process"]
    running = subprocess.Popen(
        [*COMMAND, *words, "--for", "1000h", "--report", str(tmp_path)], stdout=subprocess.DEVNULL
    )
    try:
        wait_until(lambda: (tmp_path / "soak.json").exists() and state(tmp_path).rounds > 0)
    finally:
        running.kill()
        running.wait()
    wait_until(lambda: not processes_of(tmp_path))
    before = state(tmp_path)
    assert before.queue_rss > 0 and before.queue_disk > 0
    told = soak(tmp_path, *words, "--for", f"{before.spent_s + 0.1}s")
    assert told.startswith("continuing on its queue, which remembers ")
    after = state(tmp_path)
    assert after.rounds == before.rounds + 1
    assert (after.since, after.starts, after.verdicts) == (0, 2, {"held": after.rounds})


def small_soak(folder: Path, adapter: Adapter, plan: Plan, fresh: bool = False) -> Soak:
    """A round of this plan on real processes."""
    begun = begin(folder, ("small",), adapter, "process", 0, fresh)

    def keep(done: Run, number: int) -> None:
        save(done, folder / f"round-{number}")

    with queue_of(begun, folder, adapter) as queue:
        return go_on(begun, folder, 1e-9, lambda *_: plan, adapter, queue, keep, lambda _: None)


@needs_compiler
@pytest.mark.parametrize("fresh", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_only_leaping_time_shows_accuses_nobody_and_both_histories_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: bool
) -> None:
    tagged_here.installed(monkeypatch, "liar")
    ended = small_soak(tmp_path, backends.find("liar"), SMALL, fresh)
    (found,) = ended.found
    assert (ended.verdict, ended.verdicts) == ("inconclusive", {"inconclusive": 1})
    assert found.vanished and "a fault of jobquake" in found.sentence
    assert load(tmp_path / "round-0" / "real-time-3").result.verdict == "held"


@needs_compiler
@pytest.mark.parametrize("fresh", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_leaping_time_shows_is_confirmed_on_an_empty_queue(
    tmp_path: Path, fresh: bool
) -> None:
    plan = replace(SMALL, faults=(KillAt(0, "mid_job"),))
    ended = small_soak(tmp_path, backends.find("twin-ack-before-run@sqlite"), plan, fresh)
    (found,) = ended.found
    assert ended.verdict == "violated" and not found.needs_the_past
    assert found.confirmation and found.confirmation.outcome == "confirmed"


# -- metrics ----------------------------------------------------------------------------


@pytest.mark.parametrize("driver", ["sim", pytest.param("process", marks=pytest.mark.slow)])
def test_prometheus_reads_the_soak_and_its_queue_while_it_runs(driver: str, tmp_path: Path) -> None:
    running = subprocess.Popen(
        [*COMMAND, QUICK, "--driver", driver, "--for", "1000h", "--metrics-port", "0",
         "--report", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert running.stdout
        url = running.stdout.readline().removeprefix("metrics ").strip()
        seen: Samples = {}

        def told() -> bool:
            seen.update(scrape(url))
            return of(seen, "jobquake_soak_rounds_total", verdict="held") > 0

        wait_until(told)
        queues = {dict(labels)["queue"] for name, labels in seen if name == "jobquake_jobs"}
        assert queues
        assert sum(of(seen, "jobquake_jobs", queue=q, state="done") for q in queues) > 0
        assert sum(of(seen, "jobquake_completed_total", queue=q) for q in queues) > 0
        assert of(seen, "jobquake_soak_rounds_total", verdict="violated") == 0
        for name in ("jobs_total", "strikes_total", "running_seconds_total", "memory_bytes"):
            assert of(seen, f"jobquake_soak_{name}") > 0
        assert (of(seen, "jobquake_soak_queue_memory_bytes") > 0) == (driver == "process")
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130
    assert "Traceback" not in errors


def test_a_metrics_port_in_use_ends_the_soak_with_one_sentence(tmp_path: Path) -> None:
    from jobquake.backends.metrics.exported import exported

    with exported(lambda: None) as url:
        port = url.split(":")[2].split("/")[0]
        told = soak(tmp_path, "--metrics-port", port, "--for", "1s", code=3)
    assert f"expected to serve metrics on 127.0.0.1:{port}, found: Address already in use" in told


# -- long -------------------------------------------------------------------------------


@pytest.mark.slow
def test_eight_hours_in_virtual_time_hold_with_flat_memory(tmp_path: Path) -> None:
    assert soak(tmp_path, "--for", "8h").splitlines()[-1].startswith("held: ")
    end = state(tmp_path)
    assert end.spent_s >= 8 * 3600 and end.since == 0
    assert end.last_rss - end.warm_rss < 16 * MIB


@pytest.mark.slow
def test_minutes_on_the_broker_hold_with_bounded_memory_and_disk(tmp_path: Path) -> None:
    told = soak(tmp_path, "--driver", "process", "--for", "3min")
    assert told.splitlines()[-1].startswith("held: ")
    end = state(tmp_path)
    assert end.found == () and end.since == 0
    assert end.last_rss < 200 * MIB
    assert end.queue_rss < 100 * MIB
    assert end.queue_disk < 16 * MIB
