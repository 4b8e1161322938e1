"""The search over plans for an app, on runs that are a pure function of their plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from itertools import count, cycle
from math import inf
from pathlib import Path
from threading import Timer

import pytest
from jobquake.errors import EnvironmentFault, UsageError
from jobquake.harness.plan.plan import Plan
from jobquake.harness.plan.replay import decode
from jobquake.kept import Kept
from jobquake.sweep.cell import Cell
from jobquake.sweep.exploring.attempt import Tried
from jobquake.sweep.exploring.explore import WAITED, Limits, explored
from jobquake.sweep.exploring.explored import found_by
from jobquake.sweep.exploring.finding import Finding
from jobquake.sweep.exploring.search import Search
from jobquake.sweep.exploring.strikes import names_of
from msgspec.structs import replace
from support.pure_crew import GROUND, HOLD, POP, Judge, PureCrew, broken_by, sometimes, tried
from support.swept import cell

ONE = "worker: HSET unacked, killed before"
TWO = ("worker: BRPOP q, silence", "worker: HDEL unacked, killed after")
LONG = Limits(plans=400)


def search(
    judge: Judge, folder: Path, limits: Limits = LONG, seed: int = 0, swept: Sequence[str] = ()
) -> tuple[Search, PureCrew]:
    crew = PureCrew(judge)
    kept = Kept(folder, "of this app", Finding)
    return explored(crew, GROUND, limits, kept, folder, seed, swept), crew


def test_a_strike_that_breaks_is_found_alone_with_one_job_and_one_worker(tmp_path: Path) -> None:
    seen, crew = search(broken_by(ONE), tmp_path)
    (found,) = seen.findings
    assert (found.outcome, found.strikes, found.jobs, found.workers) == ("lost", (ONE,), 1, 1)
    assert found.minimal and "a smaller plan counts if 2 of 3 runs break" in found.certificate
    assert found.rate is not None and (found.rate.failed, found.rate.runs) == (5, 5)
    assert [names_of(plan) for plan in crew.kept] == [{ONE}]
    assert names_of(decode(found.replay).plan) == {ONE}


def test_what_needs_two_strikes_keeps_both_and_nothing_else(tmp_path: Path) -> None:
    seen, _ = search(broken_by(*TWO), tmp_path, Limits(plans=4000))
    (found,) = seen.findings
    assert (found.strikes, found.jobs, found.workers) == (TWO, 1, 1)


def test_the_same_seed_draws_the_same_plans(tmp_path: Path) -> None:
    first, second, other = (
        [plan.faults for plan in search(tried, tmp_path, Limits(plans=50), seed)[1].plans]
        for seed in (3, 3, 4)
    )
    assert first == second != other


def test_what_was_new_is_changed_and_struck_again(tmp_path: Path) -> None:
    seen, _ = search(tried, tmp_path, Limits(plans=200))
    ways = {one.how for one in seen.listed}
    assert ways == {"fresh", "forced", "mutated"}
    assert seen.runs == 200 and not seen.findings


def test_it_goes_on_to_what_is_not_known_and_counts_what_is(tmp_path: Path) -> None:
    both = (broken_by(ONE), broken_by(*TWO))

    def judge(plan: Plan) -> Tried:
        return next((ran for ran in (one(plan) for one in both) if ran.broken), tried(plan))

    seen, _ = search(judge, tmp_path, Limits(plans=700, keep_going=True))
    assert [found.strikes for found in seen.findings] == [(ONE,), TWO]


def test_what_is_known_is_tried_first_and_then_not_looked_for(tmp_path: Path) -> None:
    search(broken_by(ONE), tmp_path)
    again, crew = search(broken_by(ONE), tmp_path, Limits(plans=100))
    (known,) = again.findings
    assert again.known == 1 and known.strikes == (ONE,) and known.times == 2
    assert names_of(crew.plans[0]) == {ONE}
    assert all(ONE not in names_of(plan) for plan in crew.plans[1:])
    mended, _ = search(tried, tmp_path, Limits(plans=1))
    assert [one.strikes for one in mended.mended] == [(ONE,)] and not mended.findings
    broken_anew, _ = search(broken_by(ONE), tmp_path)
    assert [one.strikes for one in broken_anew.findings] == [(ONE,)]


def test_what_a_sweep_has_found_is_not_struck(tmp_path: Path) -> None:
    known = found_by(sweep_in(tmp_path / "sweep"))
    assert known == {ONE, TWO[0]}
    seen, crew = search(broken_by(ONE), tmp_path, Limits(plans=100), swept=tuple(known))
    assert not seen.findings
    assert not any(known & names_of(plan) for plan in crew.plans)
    with pytest.raises(UsageError, match="expected the folder of a sweep, found"):
        found_by(tmp_path)


def sweep_in(folder: Path) -> Path:
    """The folder of a sweep in which a round trip that comes twice and another one broke."""
    kept = Kept(folder, "of a sweep", Cell)
    again = replace(HOLD, nth=2)
    for place, name, outcome in (
        (again, "killed before", "lost"), (POP, "silence", "stuck"), (POP, "killed after", "done"),
    ):  # fmt: skip
        kept.add(cell(place, name, outcome))  # type: ignore[arg-type]
    return folder


def test_what_breaks_now_and_then_has_a_rate_and_is_made_smaller_all_the_same(
    tmp_path: Path,
) -> None:
    two_of_three = cycle((True, True, False))
    seen, _ = search(sometimes(broken_by(ONE), two_of_three), tmp_path)
    (found,) = seen.findings
    assert found.first is not None and 3 <= found.first.failed <= 4
    assert found.strikes == (ONE,) and found.jobs == 1


def test_what_broke_once_and_never_again_is_told_as_that(tmp_path: Path) -> None:
    def once() -> Iterator[bool]:
        yield True
        while True:
            yield False

    seen, crew = search(sometimes(broken_by(ONE), once()), tmp_path)
    (found,) = seen.findings
    assert found.first is not None and (found.first.failed, found.first.runs) == (0, 5)
    assert not found.minimal and "seen once" in found.certificate and not crew.kept


def test_runs_whose_strikes_never_came_prove_nothing(tmp_path: Path) -> None:
    def missed(plan: Plan) -> Tried:
        return replace(tried(plan), struck=())

    seen, _ = search(missed, tmp_path, Limits(plans=30))
    assert (seen.runs, seen.proved, seen.outcomes["not hit"]) == (30, 0, 30)


def test_a_run_with_a_strike_that_never_came_is_no_pass(tmp_path: Path) -> None:
    def partly(plan: Plan) -> Tried:
        return replace(tried(plan), struck=(0,))

    seen, _ = search(partly, tmp_path, Limits(plans=60))
    alone = sum(len(plan.told) == 1 for plan in seen.listed)
    assert seen.proved == alone and seen.partly == 60 - alone


def test_what_is_held_is_waited_for_once_for_the_same_strikes(tmp_path: Path) -> None:
    def holds(plan: Plan) -> Tried:
        if ONE not in names_of(plan):
            return tried(plan)
        stuck = plan.recovery_s == GROUND.waits_s
        return tried(plan, "stuck", broken=True) if stuck else tried(plan, "held")

    seen, _ = search(holds, tmp_path, Limits(plans=400, keep_going=True))
    waited = [one for one in seen.listed if one.how == WAITED]
    assert [found.outcome for found in seen.findings] == ["stuck"]
    assert len({frozenset(one.told) for one in waited}) == len(waited) > 0
    assert seen.runs == 400 and sum(seen.outcomes.values()) == 400


@pytest.mark.parametrize("seconds", [1e9, inf])
def test_it_waits_for_runs_with_a_budget_and_without(tmp_path: Path, seconds: float) -> None:
    crew = PureCrew(tried)
    slow = crew.attempt

    def later(plan: Plan) -> Future[Tried]:
        done, future = slow(plan), Future[Tried]()
        Timer(0.01, lambda: future.set_result(done.result())).start()
        return future

    crew.attempt = later  # type: ignore[method-assign]
    limits = Limits(seconds=seconds, plans=4)
    kept = Kept(tmp_path, "of this app", Finding)
    assert explored(crew, GROUND, limits, kept, tmp_path).runs == 4


def test_a_process_that_dies_is_told_in_a_sentence(tmp_path: Path) -> None:
    def dies(plan: Plan) -> Tried:
        raise BrokenProcessPool("killed")

    with pytest.raises(EnvironmentFault, match="one of them died: killed; what was found"):
        search(dies, tmp_path)


def test_ctrl_c_keeps_what_is_known_by_then(tmp_path: Path) -> None:
    lost, broke = broken_by(ONE), count(1)

    def interrupted(plan: Plan) -> Tried:
        found = lost(plan)
        if found.broken and next(broke) == 4:
            raise KeyboardInterrupt
        return found

    seen, _ = search(interrupted, tmp_path)
    assert seen.interrupted
    (found,) = seen.findings
    assert found.outcome == "lost" and found.first is None


def test_it_ends_with_the_first_finding_and_lists_what_was_under_way(tmp_path: Path) -> None:
    seen, crew = search(lambda plan: tried(plan, "lost", broken=True), tmp_path)
    assert len(seen.findings) == 1 and len(crew.kept) == 1
    assert seen.outcomes["lost"] == seen.runs == 2


def test_with_no_budget_left_a_finding_is_not_called_minimal(tmp_path: Path) -> None:
    seen, _ = search(broken_by(ONE), tmp_path, Limits(seconds=1e9, grace=-1.0))
    (found,) = seen.findings
    assert not found.minimal and "the budget was spent" in found.certificate
    assert found.first is not None and found.first.runs == 2
