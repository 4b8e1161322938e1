"""Queues that a TOML file describes: real ones, in shell, whose jobs make one request.

``safe`` gives back what a dead worker had, ``careless`` loses it; the jobs of ``lines`` do their
own work and report by lines.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jobquake import apps
from jobquake.errors import EnvironmentFault, NothingProved
from jobquake.frameworks.app import App
from jobquake.frameworks.described.description import filled, words_of
from jobquake.frameworks.described.system import DescribedSystem
from jobquake.harness.faults import Fault
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.pause_at import PauseAt
from jobquake.harness.plan.plan import PlannedJob
from jobquake.harness.run import Run, run
from jobquake.harness.why_not import why_not
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from support.command import HELD, INCONCLUSIVE, USAGE, complaint, ended
from support.frameworks import plan, recovered_s
from support.servers_here import address

HERE = Path(__file__).parents[2] / "support" / "described"
SILENT_S = 20.0  # how long a worker of the safe queue may be silent


def described(name: str, folder: Path = HERE) -> DescribedSystem:
    address("redis")  # skips, or fails in CI, where there is none
    found = apps.any_system_of(App(f"{name}.toml", folder=folder))
    assert isinstance(found, DescribedSystem)
    return found


def shaken(name: str, *faults: Fault) -> Run:
    return run(plan(*faults, deadline_s=120.0), described(name))


@pytest.mark.parametrize(
    "point",
    [
        "mid_job",
        pytest.param("after_lease", marks=pytest.mark.slow),
        pytest.param("after_effect", marks=pytest.mark.slow),
    ],
)
def test_what_a_dead_worker_had_is_lost_where_nothing_holds_it(point: str) -> None:
    result = shaken("careless", KillAt(1, point)).result  # type: ignore[arg-type]
    lost = point != "after_effect"  # then its effect had happened
    assert result.verdict == ("violated" if lost else "held"), result.sentence
    assert (result.outcomes["lost"], result.outcomes["done"]) == (int(lost), 4 - int(lost))


def test_what_a_dead_worker_had_is_run_again_where_a_list_holds_it() -> None:
    patient = replace(plan(KillAt(1, "mid_job"), deadline_s=120.0), recovery_s=30.0)
    done = run(patient, described("safe"))
    assert done.result.verdict == "held", done.result.sentence
    assert done.result.outcomes["recovered"] == 1
    assert recovered_s(done) == pytest.approx(SILENT_S, abs=6.0)  # and it looks every 5 s


def test_a_worker_that_stands_still_stands_still_with_all_its_processes() -> None:
    done = shaken("careless", PauseAt(1, "after_lease", 3.0))
    assert done.result.verdict == "held", done.result.sentence


def test_a_job_that_is_to_fail_is_told_so_and_where_it_lies_is_read() -> None:
    failing = replace(plan(), jobs=(PlannedJob(0.0, 0, 0.05, "permanent"),))
    result = run(failing, described("careless")).result
    assert (result.verdict, result.outcomes["dead-lettered"]) == ("held", 1), result.sentence
    assert "the list failed" in result.where[0]


def test_jobs_that_do_their_own_work_report_by_lines() -> None:
    result = shaken("lines", KillAt(1, "after_lease")).result
    assert result.verdict == "violated", result.sentence
    assert result.outcomes["done"] >= 2


# -- what cannot be run is said ----------------------------------------------------------------


def test_a_single_call_of_an_unknown_protocol_cannot_be_lost_and_a_whole_link_can() -> None:
    def why(scenario: str) -> str | None:
        return why_not(scenarios.find(scenario).plan(0), described("safe"), "process")

    assert "does not know its protocol" in (why("network-timeout") or "")
    assert why("worker-kill-before-ack") is why("partition") is None
    assert "serve one queue" in (why("slow-job-flood") or "")


def written(folder: Path, **keys: object) -> Path:
    """A description of a queue that does nothing, with these keys changed."""
    usual = {"worker": "sleep 1000", "enqueue": "true", "inspect": "echo {}"} | keys
    lines = [f"{name} = {json.dumps(value)}" for name, value in usual.items()]
    (folder / "queue.toml").write_text("\n".join(lines))
    return folder


def test_workers_that_tell_nothing_prove_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingProved, match=r"none of those that were enqueued did; .* POST"):
        run(plan(), described("queue", written(tmp_path)))


@pytest.mark.parametrize(
    ("inspect", "found"),
    [
        ("echo what", "JSON is malformed"),
        ("""echo '{"j": "gone"}'""", "Invalid enum value 'gone'"),
        ("sh -c 'echo Error: no such host >&2; exit 7'", "ended with 7: Error: no such host"),
        ("no-such-program", "No such file"),
    ],
)
def test_an_inspect_that_does_not_tell_is_said_before_any_job(
    tmp_path: Path, inspect: str, found: str
) -> None:
    with pytest.raises(EnvironmentFault, match=found):
        run(plan(), described("queue", written(tmp_path, inspect=inspect)))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('workers = "x"', "found 'workers'; did you mean 'worker'?"),
        ('[claims]\nretry = true', "found 'retry'; did you mean 'retries'?"),
        ('broker = "mysql"', "Invalid enum value 'mysql'"),
        ('worker = ""', "length >= 1"),
        ('prepare = "a \\"b"', "No closing quotation"),
        ("recovers-within = -1", ">= 0"),
        ("worker", "Expected '='"),
    ],
)  # fmt: skip
def test_a_description_that_makes_no_sense_is_refused(
    tmp_path: Path, text: str, found: str
) -> None:
    whole = 'worker = "x"\nenqueue = "x"\ninspect = "x"\n'
    kept = [line for line in whole.splitlines() if line.split()[0] != text.split()[0]]
    (tmp_path / "q.toml").write_text("\n".join([*kept, text]))
    said = complaint("run", "--app", "q.toml", within=tmp_path, code=USAGE)
    assert found in said and "q.toml" in said


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("run", "--app", "none.toml"), "No such file"),
        (("run", "--app", "none.toml", "--task", "shop.charge"), "expected no --task"),
        (("run", "--app", "none.toml", "--snapshots"), "starts one of its own"),
        (("sweep", "--app", "none.toml"), "describes a queue from outside"),
        (("explore", "--app", "none.toml"), "describes a queue from outside"),
        (("doctor", "--app", "none.toml"), "describes a queue from outside"),
    ],
)
def test_what_a_described_queue_has_not_is_said(
    tmp_path: Path, words: tuple[str, ...], found: str
) -> None:
    assert found in complaint(*words, within=tmp_path, code=USAGE)


def test_other_braces_of_a_command_stay() -> None:
    command = """sh -c 'echo {id} {"a": {}}'"""
    assert words_of(command, {"id": "j 1"}) == ["sh", "-c", """echo j 1 {"a": {}}"""]
    assert filled("{host}:{port}", {"host": "h"}) == "h:{port}"


@pytest.mark.slow
def test_on_the_command_line_a_described_queue_is_run_replayed_and_told(tmp_path: Path) -> None:
    words = ("run", "--app", "safe.toml", "--app-dir", str(HERE), "--report", str(tmp_path))
    done = ended(*words, within=HERE)
    assert done.returncode == HELD, done.stdout
    assert "recovered" in done.stdout
    (folder,) = tmp_path.glob("*/")
    again = ended("replay", str(folder), "--app", "safe.toml", within=HERE)
    assert again.returncode in (HELD, INCONCLUSIVE), again.stdout
