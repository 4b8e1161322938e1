"""A violation that leaping time shows is repeated in real time, and told by what came of that."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jobquake import assert_holds, run
from jobquake.backends import registry as backends
from jobquake.errors import INCONCLUSIVE, VIOLATED, EnvironmentFault
from jobquake.harness import run as harness
from jobquake.harness.confirm import ATTEMPTS, confirmed, hurried
from jobquake.harness.contract.subject import Subject
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.replay import encode
from jobquake.harness.run import Run
from jobquake.harness.run_folder import load, save
from jobquake.harness.shrink.anywhere import NothingBroken, shrunk_anywhere
from jobquake.leap.compiling import compiler
from jobquake.reports import html, text
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from support import tagged_here
from support.command import ENVIRON, jobquake
from support.small_plan import SMALL

TWIN = "twin-ack-before-run"


def simulated(backend: str) -> Run:
    plan = scenarios.find("worker-kill-before-ack").plan(0)
    return harness.run(plan, backends.find(backend), "sim")


def in_time(run: Run, passed: str, **changes: object) -> Run:
    environment = run.result.environment | {"time": passed}
    return run._replace(result=replace(run.result, environment=environment, **changes))


HELD_RUN, BROKEN_RUN = (in_time(simulated(name), "real") for name in ("reference", TWIN))
FOUND = in_time(BROKEN_RUN, "leaping: 9 s in 2 s")
OPEN_RUN = in_time(HELD_RUN, "real", verdict="inconclusive", sentence="nothing was struck")


def runs(*answers: Run) -> Callable[[], Run]:
    left: Iterator[Run] = iter(answers)
    return lambda: next(left)


def never() -> Run:
    raise AssertionError("it was run again")


def test_the_runs_are_what_they_are_called() -> None:
    verdicts = [one.result.verdict for one in (HELD_RUN, BROKEN_RUN, FOUND)]
    assert verdicts == ["held", "violated", "violated"]


@pytest.mark.parametrize("before", [(), (HELD_RUN,), (HELD_RUN, OPEN_RUN)])
def test_a_violation_that_real_time_shows_stands(before: tuple[Run, ...]) -> None:
    done = confirmed(FOUND, runs(*before, BROKEN_RUN))
    assert done.repeats == (*before, BROKEN_RUN)
    assert done.result.exit_code == VIOLATED
    assert done.result.confirmation and done.result.confirmation.outcome == "confirmed"
    assert "violated in real time, too" in text.render([done])


def test_one_that_vanishes_is_a_fault_of_ours_and_both_histories_are_kept(tmp_path: Path) -> None:
    done = confirmed(FOUND, runs(HELD_RUN, OPEN_RUN, HELD_RUN))
    assert done.result.exit_code == INCONCLUSIVE
    assert done.result.confirmation and done.result.confirmation.outcome == "vanished"
    assert FOUND.result.sentence in done.result.sentence, "what was found is told"
    page = html.page(done.result, done.plan, done.claims, done.history)
    for told in (page, text.render([done])):
        assert "a fault of jobquake" in told and "please report them" in told
        assert "not violated in real time, where 3 runs were held, inconclusive, held" in told
    assert "Leaping time was at fault, not the queue" in page
    assert "Likely cause" not in page
    save(done, tmp_path / "run")
    assert load(tmp_path / "run").history.tobytes() == FOUND.history.tobytes()
    kept = [load(tmp_path / "run" / f"real-time-{number}") for number in range(1, ATTEMPTS + 1)]
    assert [one.result.verdict for one in kept] == ["held", "inconclusive", "held"]
    assert kept[0].history.tobytes() == HELD_RUN.history.tobytes()


def test_another_guarantee_that_breaks_in_real_time_does_not_confirm_it() -> None:
    checks = tuple(
        replace(check, name="order_kept" if check.verdict == "violated" else check.name)
        for check in BROKEN_RUN.result.checks
    )
    other = in_time(BROKEN_RUN, "real", checks=checks)
    assert confirmed(FOUND, runs(*[other] * ATTEMPTS)).result.exit_code == INCONCLUSIVE


def refuse() -> Run:
    raise EnvironmentFault("no port was free")


OLD = in_time(FOUND, "leaping: 99 s in 2 s", duration_s=61.0)


@pytest.mark.parametrize(
    ("found", "again", "hopeless", "why"),
    [
        (FOUND, runs(*[OPEN_RUN] * ATTEMPTS), None, "nothing was struck"),
        (FOUND, refuse, None, "no port was free"),
        (FOUND, never, "its clocks cannot be wrong", "its clocks cannot be wrong"),
        (OLD, never, None, "took 61.00 s in leaping time"),
    ],
)
def test_one_that_cannot_be_repeated_stands_and_that_is_told(
    found: Run, again: Callable[[], Run], hopeless: str | None, why: str
) -> None:
    done = confirmed(found, again, lambda: hopeless)
    assert done.result.exit_code == VIOLATED
    assert done.result.confirmation and done.result.confirmation.outcome == "not repeated"
    assert why in done.result.confirmation.sentence


def test_a_longer_run_is_repeated_where_somebody_waits_for_it() -> None:
    done = confirmed(OLD, runs(BROKEN_RUN), limit_s=3600.0)
    assert done.result.confirmation and done.result.confirmation.outcome == "confirmed"


def test_real_time_waits_no_hour_for_what_a_library_brings_back() -> None:
    plan = replace(SMALL, deadline_s=3820.0, recovery_s=3700.0)
    assert (hurried(plan, 60.0).recovery_s, hurried(plan, 60.0).deadline_s) == (60.0, 180.0)
    assert hurried(plan, 7200.0) == plan
    assert hurried(SMALL, 0.5) == SMALL, "a queue of our own has no such wait"


@pytest.mark.parametrize(
    "found",
    [
        HELD_RUN,
        in_time(HELD_RUN, "leaping: 9 s in 2 s"),
        BROKEN_RUN,
        in_time(FOUND, "leaping: 9 s in 2 s", control="no_lost_work"),
    ],
    ids=["held in real time", "held", "violated in real time", "control"],
)
def test_nothing_else_is_run_again(found: Run) -> None:
    assert confirmed(found, never) == found


# -- with real processes --------------------------------------------------------------------

leaps = pytest.mark.skipif(compiler() is None, reason="leaping time is built with a C compiler")


@leaps
def test_a_queue_that_loses_work_is_caught_in_leaping_and_in_real_time() -> None:
    done = run(replace(SMALL, faults=(KillAt(0, "mid_job"),)), TWIN, time="leap")
    assert done.result.confirmation and done.result.confirmation.outcome == "confirmed"
    assert done.repeats[-1].result.environment["time"] == "real"


@leaps
@pytest.mark.slow
def test_the_contract_and_assertions_accuse_nobody_by_leaping_time_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tagged_here.installed(monkeypatch, "liar")
    of_contract = Subject()
    monkeypatch.setattr(Subject, "backend", backends.find("liar"), raising=False)
    with pytest.raises(AssertionError, match=r"(?s)found nothing proved: .*a fault of jobquake"):
        of_contract.holds(SMALL, "process")
    with pytest.raises(AssertionError, match="not violated in real time, where 3 runs were held"):
        assert_holds(SMALL, "liar", "process")
    with pytest.raises(NothingBroken, match="found in leaping time only"):
        shrunk_anywhere(SMALL, backends.find("liar"), None, None, 1, 0.9, print)


@leaps
def test_a_queue_that_lies_in_leaping_time_only_is_not_accused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tagged_here.installed(monkeypatch, "liar")
    monkeypatch.setitem(ENVIRON, "PYTHONPATH", os.environ["PYTHONPATH"])
    string = encode(SMALL, "liar", "process")
    said = jobquake("replay", string, "--report", "all", within=tmp_path, code=INCONCLUSIVE).stdout
    assert "which is a fault of jobquake's and not of the queue's" in said
    (folder,) = (tmp_path / "all").iterdir()
    told = json.loads((folder / "result.json").read_text())
    assert told["confirmation"]["outcome"] == "vanished"
    assert (folder / "real-time-3" / "history.npy").exists()
