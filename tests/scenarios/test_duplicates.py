"""The same work submitted twice: what each technique catches is counted, in virtual time.

The table that is expected stands here once, by hand, and nowhere in the product: there every
cell comes from a history. So each way to a wrong cell is tried, and must be seen.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import ClassVar

import jobquake
import pytest
from jobquake.backends import registry as backends
from jobquake.backends.adapter import Queue as Backend
from jobquake.backends.adapter import QueueSystem
from jobquake.backends.reference.adapter import LocalQueue, ReferenceAdapter
from jobquake.backends.reference.queue import RETENTION_S
from jobquake.backends.system import Driver
from jobquake.experiments import experiments_of
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue, Sink
from jobquake.harness.plan.replay import decode
from jobquake.harness.plan.validate import PlanError, validate
from jobquake.harness.record.duplicates import duplicates
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Answer, Event, History, Row, row
from jobquake.harness.result import Result, judge
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import (
    Ack,
    Command,
    Delivery,
    Enqueue,
    Inspect,
    Inspected,
    Job,
    Lease,
    Leased,
    Reply,
)
from jobquake.reports.duplicates import table
from jobquake.scenarios import registry as scenarios
from jobquake.skipping import sort_out
from msgspec.structs import replace
from support.command import ended
from support.servers_here import KINDS, address

SEEDS = 20
NOW, DAY = "duplicate-submission", "duplicate-a-day-later"
ROOT = Path(jobquake.__file__).parent
PAGE = ROOT / "docs" / "duplicates.md"
TWICE, CAUGHT, LATE = "charged twice 3/3", "caught 3/3", "caught late 3/3"
GAPS = ("at once", "seconds later", "a day later")
EXPECTED = (
    ("nothing", TWICE, TWICE, TWICE),
    ("same job id", CAUGHT, CAUGHT, TWICE),
    ("key the queue knows", TWICE, CAUGHT, TWICE),
    ("key the world knows", LATE, CAUGHT, LATE),
    ("set instead of add", LATE, LATE, LATE),
    ("upsert", LATE, LATE, LATE),
)
Cells = dict[tuple[str, str], str]


def cells_of(result: Result) -> Cells:
    """The words of each cell of the run's table that is not empty."""
    found = table(result.duplicates)
    return {
        (name, gap): cell
        for name, *cells in found.rows
        for gap, cell in zip(found.gaps, cells, strict=True)
        if cell
    }


def expected(*gaps: str) -> Cells:
    return {
        (name, gap): cell
        for name, *cells in EXPECTED
        for gap, cell in zip(GAPS, cells, strict=True)
        if gap in gaps
    }


def shaken(
    scenario: str, seed: int, variant: str, adapter: QueueSystem | None = None
) -> tuple[Plan, History, Result]:
    plan = scenarios.find(scenario).plan(seed, variant)
    backend = adapter or backends.find("reference")
    history = simulate(plan, backend)
    return plan, history, judge(plan, backend, history, "sim")


# -- the table ----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(SEEDS))
def test_each_technique_catches_at_each_gap_what_it_can_and_nothing_else(seed: int) -> None:
    assert cells_of(shaken(DAY, seed, "every-gap")[2]) == expected(*GAPS)
    assert cells_of(shaken(NOW, seed, "every-gap")[2]) == expected("at once", "seconds later")


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("scenario", [NOW, DAY])
def test_what_is_promised_holds_and_the_control_is_violated_by_its_check_alone(
    scenario: str, seed: int
) -> None:
    held = shaken(scenario, seed, "promised")[2]
    assert held.verdict == "held"
    gaps = GAPS if scenario == DAY else GAPS[:2]
    promised = {cell: said for cell, said in expected(*gaps).items() if said != TWICE}
    assert cells_of(held) == promised
    control = shaken(scenario, seed, "every-gap")[2]
    broken = {check.name for check in control.checks if check.verdict != "held"}
    assert broken == {"no_duplicated_effects"}


def test_a_cell_changes_with_one_more_effect_in_the_history_and_no_other_cell_does() -> None:
    plan, history, right = shaken(DAY, 0, "promised")
    job = next(
        index
        for index, job in enumerate(plan.jobs)
        if job.sink == "blind" and job.again_after_s is None and job.same_work_as < 0
    )
    planted = History([*history.rows.tolist(), row(90_100.0, Event.EFFECT, job=job, key=1)])
    wrong = judge(plan, backends.find("reference"), planted, "sim")
    changed = dict(cells_of(wrong).items() - cells_of(right).items())
    assert changed == {("key the queue knows", "seconds later"): "charged twice 1/3, caught 2/3"}
    assert wrong.verdict == "violated"


def test_work_whose_second_submission_was_not_accepted_or_had_no_effect_counts_for_nothing() -> (
    None
):
    jobs = (PlannedJob(0.0, 0, 0.1), PlannedJob(0.0, 0, 0.1, same_work_as=0))
    plan = small_plan(*jobs)
    rows = [row(0.0, Event.ENQUEUE_ANSWERED, answer=Answer.OK, job=0)]
    assert not table_of(plan, [*rows, row(0.2, Event.EFFECT, job=0)])
    rows.append(row(0.0, Event.ENQUEUE_ANSWERED, answer=Answer.OK, job=1))
    assert not table_of(plan, rows)
    assert table_of(plan, [*rows, row(0.2, Event.EFFECT, job=1)]) == {
        ("key the queue knows", "at once"): "caught 1/1"
    }


@pytest.mark.parametrize("place", ["sqlite", *KINDS])
def test_the_table_is_the_same_wherever_the_queue_keeps_its_jobs(place: str) -> None:
    if place in KINDS:
        address(place)  # skips, or fails in CI, where there is no such server
    result = shaken(DAY, 0, "every-gap", backends.find(f"reference@{place}"))[2]
    assert cells_of(result) == expected(*GAPS)


# -- what the cells depend on -------------------------------------------------------------


class NeverForgets(ReferenceAdapter):
    """The reference queue with a memory of a week."""

    def local(self, clock: Clock, rng: Random) -> Backend:
        return LocalQueue(clock, rng, self.decisions, self.place, retention_s=7 * RETENTION_S)


def test_a_queue_that_remembers_longer_catches_ids_and_keys_a_day_later_too() -> None:
    changed = {
        ("same job id", "a day later"): CAUGHT,
        ("key the queue knows", "a day later"): CAUGHT,
        ("key the world knows", "a day later"): CAUGHT,
    }
    longer = NeverForgets("never-forgets", "remembers for a week")
    found = cells_of(shaken(DAY, 0, "every-gap", longer)[2])
    assert found == expected(*GAPS) | changed


def test_the_simulated_queue_forgets_by_its_own_clock_after_the_retention_and_not_before() -> None:
    time = [0.0]
    queue = backends.find("reference").local(Clock(*[lambda: time[0]] * 3), Random(0))
    queue.call(Enqueue(Job("a")))
    leased = queue.call(Lease("w", ("default",), 1.0))
    assert isinstance(leased, Leased) and isinstance(leased.delivery, Delivery)
    queue.call(Ack("a", leased.delivery.token))
    time[0] = RETENTION_S - 1.0
    assert queue.call(Inspect("a")) == Inspected("done", 1)
    time[0] = RETENTION_S + 100.0
    assert queue.call(Inspect("a")) == Inspected(None)


class CountingQueue(LocalQueue):
    calls: ClassVar[list[Command]] = []

    def call(self, command: Command) -> Reply:
        self.calls.append(command)
        return super().call(command)


class Counting(ReferenceAdapter):
    """The reference queue; every call of every run is in ``CountingQueue.calls``."""

    def local(self, clock: Clock, rng: Random) -> Backend:
        return CountingQueue(clock, rng, self.decisions, self.place, self.retention_s)


def test_an_idle_day_costs_the_simulator_a_few_calls_an_hour() -> None:
    counting = Counting("counting", "counts calls")
    plan, _, result = shaken(DAY, 0, "promised", counting)
    assert result.duration_s > RETENTION_S
    hourly = 25 * len(plan.workers)
    assert len(CountingQueue.calls) < 10 * len(plan.jobs) + 3 * hourly


# -- the plan -----------------------------------------------------------------------------


def small_plan(*jobs: PlannedJob, **changes: object) -> Plan:
    plan = Plan(
        scenario="test",
        variant="default",
        seed=0,
        queues=(Queue("q"),),
        pools=(Pool("q", ("q",), 2),),
        jobs=jobs,
        faults=(),
        guarantees=("no_duplicated_effects",),
        sink="blind",
    )
    return replace(plan, **changes)


def table_of(plan: Plan, rows: list[Row]) -> Cells:
    facts = Facts(plan, backends.find("reference").claims, History(rows))
    found = table(duplicates(facts))
    return {
        (name, gap): cell
        for name, *cells in found.rows
        for gap, cell in zip(found.gaps, cells, strict=True)
        if cell
    }


def test_a_job_submitted_again_under_its_id_is_the_same_job_from_the_next_producer() -> None:
    plan = small_plan(PlannedJob(0.5, 0, 0.1, again_after_s=2.0), producers=3)
    assert plan.schedule(0) == [(0.5, plan.job(0))]
    assert plan.schedule(1) == [(2.5, plan.job(0))]
    assert plan.schedule(2) == []
    assert plan.job(0).id == plan.job_id(0)


def test_the_same_work_has_the_same_key_unless_it_has_its_own() -> None:
    first = PlannedJob(0.0, 0, 0.1)
    again = replace(first, same_work_as=0)
    plan = small_plan(first, again, replace(again, own_key=True))
    assert plan.job(1).key == plan.job(0).key != plan.job(2).key


def test_a_job_cannot_be_submitted_again_before_it_is_submitted() -> None:
    with pytest.raises(PlanError, match=r"of at least 0 as jobs\[0\]\.again_after_s"):
        validate(small_plan(PlannedJob(0.5, 0, 0.1, again_after_s=-0.1)))


@pytest.mark.parametrize(
    ("sink", "keys", "effects"),
    [
        ("blind", (1, 1), 2),
        ("keyed", (1, 1), 1),
        ("keyed", (1, 2), 2),
        ("upsert", (1, 2), 1),
        ("set", (1, 2), 1),
    ],
)
@pytest.mark.parametrize("of_plan", ["blind", "keyed", "upsert", "set"])
def test_a_job_that_names_its_sink_is_counted_by_it_whatever_the_plan_says(
    of_plan: Sink, sink: Sink, keys: tuple[int, int], effects: int
) -> None:
    first = PlannedJob(0.0, 0, 0.1, sink=sink)
    plan = small_plan(first, replace(first, same_work_as=0), PlannedJob(0.0, 0, 0.1), sink=of_plan)
    rows = [row(0.1, Event.EFFECT, job=job, key=keys[job]) for job in (0, 1)]
    rows.append(row(0.1, Event.EFFECT, job=2, key=3))
    facts = Facts(plan, backends.find("reference").claims, History(rows))
    assert facts.effects.tolist() == [effects, effects, 1]


def test_a_finding_is_told_once_for_each_work_and_names_the_second_job() -> None:
    plan = small_plan(PlannedJob(0.0, 0, 0.1), PlannedJob(1.0, 0, 0.1, same_work_as=0))
    rows = [row(0.1, Event.EFFECT, job=0, key=1), row(1.1, Event.EFFECT, job=1, key=1)]
    result = judge(plan, backends.find("reference"), History(rows), "sim")
    assert [finding.sentence for finding in result.findings] == [
        (
            "the effect of job 0 was applied 2 times, at 0.10 s and 1.10 s; "
            "the same work was submitted again as job 1"
        )
    ]


# -- the page -----------------------------------------------------------------------------


def test_the_page_is_what_the_script_prints_and_its_string_gives_the_table_again() -> None:
    command = [sys.executable, str(ROOT / "tools" / "docs.py"), "duplicates"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert PAGE.read_text() == printed
    rows = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in printed.splitlines()
        if line.startswith("| ")
    ]
    assert rows == [("technique", *GAPS), *EXPECTED]
    text = re.search(r"^jq1:\S+$", printed, re.MULTILINE)
    assert text
    packed = decode(text[0])
    adapter = backends.find(packed.backend)
    again = judge(packed.plan, adapter, simulate(packed.plan, adapter), packed.driver)
    assert cells_of(again) == expected(*GAPS)


# -- the only driver ----------------------------------------------------------------------


def test_a_scenario_that_only_the_simulator_can_run_is_run_there_unless_told_otherwise() -> None:
    assert {e.driver for e in experiments_of((DAY, NOW), 0, False, "sim")} == {"sim"}
    drivers = {e.plan.scenario: e.driver for e in experiments_of((DAY, NOW), 0, False, None)}
    assert drivers == {DAY: "sim", NOW: "process"}


def test_all_scenarios_are_those_that_the_driver_can_run() -> None:
    def names(driver: Driver | None) -> set[str]:
        wanted, _ = sort_out(experiments_of((), 0, True, driver), [backends.find("reference")])
        return {experiment.plan.scenario for _, experiment in wanted}

    of_apps = {name for name in scenarios.names() if scenarios.find(name).driver == "process"}
    assert names(None) == names("sim") == set(scenarios.names()) - of_apps
    assert DAY not in names("process")
    assert NOW in names("process")


@pytest.mark.parametrize("command", ["run", "soak"])
def test_real_processes_cannot_wait_a_day_and_the_command_says_so(
    command: str, tmp_path: Path
) -> None:
    words = [command, DAY, "--driver", "process"]
    done = ended(*words, within=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        (
            f"jobquake: expected the driver 'sim', the only one that can run {DAY}, "
            "found 'process'; leave the driver out, or run another scenario"
        )
    ]
    assert not list(tmp_path.iterdir())
