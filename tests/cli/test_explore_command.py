"""``jobquake explore`` and ``jobquake shrink`` as people use them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from jobquake.backends import registry
from jobquake.cli.group import cli
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.plan.replay import decode, encode
from jobquake.harness.run_folder import load
from support.command import ended

TWIN = "twin-ack-without-token"
HELD, VIOLATED, USAGE, ENVIRONMENT, INCONCLUSIVE, INTERRUPTED = 0, 1, 2, 3, 4, 130


def jobquake(*words: str, within: Path, code: int) -> str:
    done = ended(*words, within=within)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code != USAGE and code != ENVIRONMENT else done.stderr


def test_what_is_broken_is_found_shrunk_told_and_kept(tmp_path: Path) -> None:
    told = jobquake("explore", TWIN, "--max-schedules", "2000", within=tmp_path, code=VIOLATED)
    assert "violated: a job has one holder at a time" in told
    assert re.search(r"shrunk to 1 job, 1 fault; without any one of them .* no longer fails", told)
    assert re.search(r"likelihood from .* s to .* s: .*█", told)
    assert "inevitable from" in told
    assert "jq1:" not in told and "test_leases_exclusive.py" in told
    folder = tmp_path / "jobquake-failures" / TWIN / "leases_exclusive"
    failure = json.loads((folder / "failure.json").read_text())
    plan = decode(failure["replay"]).plan
    assert len(plan.jobs) == 1
    kept = load(folder / "run")
    assert kept.result.verdict == "violated"
    page = (folder / "run" / "report.html").read_text()
    assert "def test_leases_exclusive" in page
    assert "no longer fails" in page and "20 of 20" in page
    test = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert test.returncode == 1
    assert "expected every guarantee to hold" in test.stdout
    again = jobquake("replay", failure["replay"], within=tmp_path, code=VIOLATED)
    assert failure["sentence"] in again.replace("\n", "")


def test_a_known_failure_is_tried_first_and_counts_until_it_is_mended(tmp_path: Path) -> None:
    few = ("--max-schedules", "400", "--jobs", "0")
    jobquake("explore", TWIN, *few, within=tmp_path, code=VIOLATED)
    told = jobquake("explore", TWIN, "--max-schedules", "1", within=tmp_path, code=VIOLATED)
    assert "known failure still fails" in told
    kept = tmp_path / "jobquake-failures"
    (kept / TWIN).rename(kept / "reference")
    fewer = ("--max-schedules", "20", "--jobs", "0")
    told = jobquake("explore", "reference", *fewer, within=tmp_path, code=HELD)
    assert "known failure is fixed" in told
    next((kept / "reference").glob("*/failure.json")).write_text("{}")
    said = jobquake("explore", "reference", *fewer, within=tmp_path, code=USAGE)
    assert said.startswith("jobquake: expected a kept failure")
    assert len(said.splitlines()) == 1


def test_the_same_seed_finds_the_same_with_one_process_and_with_many(tmp_path: Path) -> None:
    replays = []
    for jobs in ("0", "2"):
        within = tmp_path / jobs
        within.mkdir()
        words = ("explore", TWIN, "--seed", "3", "--max-schedules", "2000", "--jobs", jobs)
        jobquake(*words, within=within, code=VIOLATED)
        (path, *_) = sorted((within / "jobquake-failures" / TWIN).glob("*/failure.json"))
        failure = json.loads(path.read_text())
        replays.append((failure["replay"], failure["found_as"], failure["found"]))
    assert replays[0] == replays[1]


def test_the_correct_queue_holds_and_its_runs_are_deterministic(tmp_path: Path) -> None:
    words = ("explore", "reference", "--max-schedules", "100", "--check-determinism", "--jobs", "0")
    told = jobquake(*words, within=tmp_path, code=HELD)
    assert "no schedule broke a guarantee" in told
    assert "100 schedules" in told
    assert "nearest miss" in told
    assert "worker kill" in told


def test_an_exploration_that_is_interrupted_tells_what_it_has(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "jobquake", "explore", "reference", "--max-time", "10min"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    first = process.stdout.readline()
    assert "schedules" in first
    os.killpg(process.pid, signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED, (rest, errors)
    assert "interrupted; until then no schedule broke a guarantee" in rest
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("twin-of-nobody",), USAGE, "expected the name of a backend"),
        ((TWIN, "--executor", "cloud"), USAGE, "expected --executor dask://HOST:PORT"),
        ((TWIN, "--executor", "dask://127.0.0.1:9"), ENVIRONMENT, "expected a Dask scheduler"),
        ((TWIN, "--max-time", "soon"), USAGE, "soon"),
    ],
)
def test_what_cannot_be_explored_is_told_in_one_sentence(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path
) -> None:
    told = jobquake("explore", *words, within=tmp_path, code=code)
    assert said in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "expected the name of a backend, or --app with your own app, found neither"),
        ((TWIN, "--app", "shop:app"), f"found {TWIN} and --app; leave one out"),
        ((TWIN, "--most-jobs", "2"), f"expected no --most-jobs beside {TWIN}"),
        (("--app", "shop:app", "--jobs", "2"), "--parallel says how many runs at once"),
    ],
)
def test_a_queue_and_an_app_have_options_of_their_own(words: tuple[str, ...], said: str) -> None:
    told = CliRunner().invoke(cli, ["explore", *words])
    assert told.exit_code == USAGE and said in told.output


def test_the_help_shows_them_in_groups_with_an_example_of_each() -> None:
    shown = CliRunner().invoke(cli, ["explore", "--help"]).output
    queue, app = shown.index("Of a queue, in the simulator"), shown.index("Of your own app, on its")
    assert (
        shown.index("--seed") < queue < shown.index("--executor") < app < shown.index("--app MOD")
    )
    assert "jobquake explore reference" in shown and "jobquake explore --app" in shown


def clumsy_plan() -> Plan:
    """A worker dies with a job that it has acked already, among much that has nothing to do
    with it.
    """
    return Plan(
        scenario="by hand",
        variant="default",
        seed=1,
        queues=(Queue("q"),),
        pools=(Pool("p", ("q",), 2),),
        jobs=tuple(PlannedJob(0.1 * index, 0, 0.2) for index in range(5)),
        faults=(KillAt(3, "mid_job"), KillAt(1, "after_ack")),
        guarantees=("no_lost_work", "progress_after_heal"),
        deadline_s=20.0,
    )


def test_any_failing_plan_can_be_shrunk(tmp_path: Path) -> None:
    replay = encode(clumsy_plan(), "twin-ack-before-run", "process")
    told = jobquake("shrink", replay, within=tmp_path, code=VIOLATED)
    assert "shrunk to 1 job, 1 fault" in told
    kept = load(tmp_path / "jobquake-failures" / "twin-ack-before-run" / "no_lost_work" / "run")
    assert kept.plan.faults == (KillAt(0, "mid_job"),)


def test_a_shrunk_plan_fails_on_real_processes_too(tmp_path: Path) -> None:
    replay = encode(clumsy_plan(), "twin-ack-before-run", "sim")
    told = jobquake("shrink", replay, "--confirm", "3", within=tmp_path, code=VIOLATED)
    assert "3 of 3 runs on real processes broke it (44 to 100 % with 95 % confidence)" in told


def test_what_fails_nowhere_is_inconclusive(tmp_path: Path) -> None:
    replay = encode(clumsy_plan(), "reference", "sim")
    told = jobquake("shrink", replay, "--trials", "1", within=tmp_path, code=INCONCLUSIVE)
    assert "expected a plan that breaks a guarantee" in told


@pytest.mark.slow
def test_what_shows_on_real_processes_only_is_shrunk_by_repeated_trials(tmp_path: Path) -> None:
    """A careless PostgreSQL keeps its jobs in virtual time, and loses them when it is killed."""
    from jobquake.harness.faults.broker_crash import BrokerCrash

    assert registry.find("reference-postgres-careless")
    plan = Plan(
        scenario="by hand",
        variant="default",
        seed=1,
        queues=(Queue("q"),),
        pools=(Pool("p", ("q",), 1),),
        jobs=tuple(PlannedJob(0.6 + 0.01 * index, 0, 0.05) for index in range(8)),
        faults=(BrokerCrash(0.75, 0.3),),
        guarantees=("no_lost_work",),
        deadline_s=40.0,
    )
    replay = encode(plan, "reference-postgres-careless", "process")
    words = ("shrink", replay, "--trials", "3", "--confidence", "0.5")
    told = jobquake(*words, within=tmp_path, code=VIOLATED)
    assert "% confidence no single removal fails as often" in told
