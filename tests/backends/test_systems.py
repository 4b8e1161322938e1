"""Systems: a framework's own workers are run and judged; what is not shown is not judged."""

from __future__ import annotations

from pathlib import Path

import jobquake
import pytest
from click.testing import CliRunner
from jobquake import lookup
from jobquake.backends import registry as backends
from jobquake.backends.system import EVERYTHING, drivers, sees
from jobquake.cli.group import cli
from jobquake.errors import NothingProved, UsageError
from jobquake.experiments import Experiment, run_experiments
from jobquake.harness.plan.replay import encode
from jobquake.harness.run import run
from jobquake.harness.why_not import why_not
from jobquake.protocol.events import Event
from jobquake.scenarios import registry as scenarios
from jobquake.skipping import fitted
from support.tiny_system import TINY, TINY_EARLY

KILLS = scenarios.find("worker-kill-before-ack").plan(0)


def test_late_acks_of_a_framework_hold_while_its_workers_are_killed() -> None:
    result = run(KILLS, TINY).result
    assert result.verdict == "held", result.sentence
    assert all(bite.count for bite in result.bites if bite.required)
    told = {check.name: check for check in result.checks}
    assert told["leases_exclusive"].verdict == "not judged"
    assert told["leases_exclusive"].note == "tiny does not show leases"
    assert told["no_lost_work"].verdict == "held"
    assert "not judged" in result.sentence


def test_early_acks_of_a_framework_lose_the_jobs_of_killed_workers() -> None:
    done = run(KILLS, TINY_EARLY)
    assert done.result.verdict == "violated"
    assert {c.name for c in done.result.checks if c.verdict == "violated"} == {"no_lost_work"}
    assert done.ledger and done.result.outcomes["lost"]


def test_a_worker_that_dies_with_two_jobs_was_struck_with_two() -> None:
    history = run(KILLS, TINY).history
    running, most = set[int](), 0
    for row in history.rows:
        if row["event"] == Event.STARTED:
            running.add(int(row["job"]))
        elif row["event"] in (Event.FINISHED, Event.WORKER_EXITED):
            running.discard(int(row["job"]))
        most = max(most, len(running))
    assert most > len(KILLS.workers), "its workers run more than one job at once"


def test_a_framework_has_no_virtual_time() -> None:
    assert why_not(KILLS, TINY, "sim") == "it has no virtual time"
    with pytest.raises(
        UsageError, match="with the driver sim, found tiny, which runs with process"
    ):
        run(KILLS, TINY, "sim")


def test_an_adapter_that_says_nothing_shows_everything_and_runs_everywhere() -> None:
    reference = backends.find("reference")
    assert sees(reference) == EVERYTHING
    assert drivers(reference) == ("process", "sim")


@pytest.mark.parametrize(
    ("scenario", "backend", "why"),
    [
        ("network-timeout", "reference-sqlite", "it is reached over no network"),
        ("broker-crash", "reference-sqlite", "it has no server of ours that could die"),
        ("network-timeout", "reference", None),
        ("broker-crash", "reference", None),
        ("worker-kill-before-ack", "reference-sqlite", None),
    ],
)
def test_what_can_never_strike_is_known_before(scenario: str, backend: str, why: str) -> None:
    plan = scenarios.find(scenario).plan(0)
    assert why_not(plan, backends.find(backend), "process") == why
    assert why_not(plan, backends.find(backend), "sim") is None


def test_clocks_of_processes_are_their_own_in_leaping_time_only() -> None:
    plan, reference = scenarios.find("clock-skew").plan(0), backends.find("reference")
    assert why_not(plan, reference, "process") is None
    told = "in real time its processes share one clock"
    assert why_not(plan, reference, "process", "real") == told
    shared = backends.find("reference-redis")
    assert "reads a clock when it starts" in str(why_not(plan, shared, "process"))
    assert why_not(plan, shared, "sim") is None


def test_a_scenario_asked_for_by_name_that_can_never_work_is_a_usage_error(tmp_path: Path) -> None:
    asked = ["run", "network-timeout", "--backend", "reference-sqlite", "--report", str(tmp_path)]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 2
    assert "network-timeout: it is reached over no network" in done.output


@pytest.mark.parametrize(
    "words",
    [
        ["explore", "tiny", "--max-schedules", "9", "--jobs", "0"],
        ["soak", "worker-kill-before-ack", "--driver", "sim", "--for", "1s"],
        ["soak", "worker-kill-before-ack", "--driver", "process", "--for", "1s"],
        ["shrink", encode(KILLS, "tiny", "process")],
    ],
    ids=["explore", "soak-sim", "soak-process", "shrink"],
)
def test_what_a_framework_cannot_do_is_a_usage_error_of_every_command(
    words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lookup, "backend", lambda name: TINY)
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2, done.output
    assert done.output.count("\n") == 1 and "found tiny, wh" in done.output


def test_the_python_api_refuses_what_can_never_work_and_takes_the_driver_that_there_is() -> None:
    sqlite = backends.find("reference-sqlite")
    with pytest.raises(UsageError, match="reply-lost: it is reached over no network; name another"):
        jobquake.run("reply-lost", sqlite)
    assert fitted("process", TINY) == "process" == fitted("sim", TINY)
    assert fitted("sim", sqlite) == "sim"


def test_where_others_can_run_it_is_skipped_by_name(tmp_path: Path) -> None:
    asked = ["run", "graceful-shutdown", "reply-lost", "--report", str(tmp_path)]
    asked += ["--backend", "reference", "--backend", "reference-sqlite"]
    done = CliRunner().invoke(cli, asked)
    assert done.exit_code == 0, done.output
    sentence = "skipped reply-lost on reference-sqlite: it is reached over no network"
    assert sentence in done.output
    assert sentence in (tmp_path / "index.html").read_text()


def test_where_all_is_skipped_nothing_is_proved(tmp_path: Path) -> None:
    plan = scenarios.find("clock-skew").plan(0)
    with pytest.raises(NothingProved) as raised:
        run_experiments(
            [Experiment(plan, None, "process")],
            [backends.find("reference")],
            tmp_path,
            False,
            time="real",
        )
    assert raised.value.exit_code == 4
    assert "skipped clock-skew on reference: in real time its processes share one clock" in str(
        raised.value
    )
