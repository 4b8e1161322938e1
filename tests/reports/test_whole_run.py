"""The numbers of a whole run, held against histories small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from jobquake.backends import registry as backends
from jobquake.backends.adapter import Claims
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.net_timeout import NetTimeout
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import Answer, Event, History, Row, row
from jobquake.harness.run import run
from jobquake.reports.charts import length, over_time, waits
from jobquake.reports.whole_run import BINS, WholeRun
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from support.twin_plans import PLANS


def plan(**changes: object) -> Plan:
    standard = Plan(
        scenario="counted",
        variant="by hand",
        seed=0,
        queues=(Queue("mail", bound_s=2.0), Queue("idle")),
        pools=(Pool("all", ("mail", "idle"), 1),),
        jobs=(PlannedJob(0.0, 0, 1.0), PlannedJob(1.0, 0, 1.0)),
        faults=(NetTimeout(1.0, 2.0), KillAt(0, "mid_job")),
        guarantees=("no_lost_work",),
    )
    return replace(standard, **changes)


def life(job: int, accepted: float, leased: float, over: float | None) -> list[Row]:
    """Rows of a job that was accepted, handed to the worker, and had its effect."""
    rows = [
        row(accepted, Event.ENQUEUE_SENT, node=1, job=job),
        row(accepted, Event.ENQUEUE_ANSWERED, answer=Answer.OK, node=1, job=job),
        row(leased, Event.LEASED, node=0, job=job, token=1, value=1.0),
    ]
    if over is not None:
        rows.append(row(over, Event.EFFECT, node=0, job=job, token=1))
    return rows


def counted(*rows: Row, of: Plan | None = None) -> WholeRun:
    history = History(sorted(rows, key=lambda one: one[0]))
    return WholeRun(Facts(of or plan(), Claims(), history))


def test_waits_are_counted_from_acceptance_to_the_first_worker_and_to_the_effect() -> None:
    whole = counted(*life(0, 0.0, 1.0, 4.0), *life(1, 1.0, 4.0, 8.0))
    mail, idle = whole.queues
    assert (mail.name, mail.bound_s, mail.to_worker.n) == ("mail", 2.0, 2)
    assert (mail.to_worker.p50_s, mail.to_worker.max_s) == (2.0, 3.0)
    assert (mail.to_effect.p50_s, mail.to_effect.max_s) == (5.5, 7.0)
    assert idle.to_worker.n == 0 and np.isnan(idle.to_worker.max_s)
    assert np.nanmax(mail.worst_s) == 3.0
    assert np.count_nonzero(~np.isnan(mail.worst_s)) == 2, "one bin for each acceptance"


def test_the_backlog_counts_who_is_accepted_and_not_over_at_each_time() -> None:
    whole = counted(*life(0, 0.0, 1.0, 4.0), *life(1, 1.0, 4.0, 8.0))
    opened, waiting, oldest = whole.backlog
    at = {round(float(t), 3): place for place, t in enumerate(whole.edges_s)}
    assert [opened[at[t]] for t in (0.0, 2.0, 4.0, 6.0, 8.0)] == [1, 2, 1, 1, 0]
    assert [waiting[at[t]] for t in (0.0, 2.0, 6.0)] == [1, 1, 0]
    assert [oldest[at[t]] for t in (2.0, 6.0, 8.0)] == [2.0, 5.0, 0.0]


def test_throughput_adds_up_to_the_jobs() -> None:
    whole = counted(*life(0, 0.0, 1.0, 4.0), *life(1, 1.0, 4.0, 8.0))
    bin_s = whole.end_s / BINS
    assert [float(column.sum()) * bin_s for column in whole.throughput] == [2.0, 2.0]


def test_recovery_is_counted_from_the_end_of_each_fault_to_the_last_job_open_then() -> None:
    dark = row(1.0, Event.FAULT_STRUCK, node=1, fault=0, value=2.0)
    again = row(2.0, Event.FAULT_STRUCK, node=0, fault=0, value=1.0)
    killed = row(9.0, Event.FAULT_STRUCK, node=0, fault=1)
    whole = counted(*life(0, 0.0, 1.0, 4.0), *life(1, 1.0, 4.0, 8.0), dark, again, killed)
    first, last = whole.faults
    assert (first.kind, first.start_s, first.end_s, first.strikes) == ("network timeout", 1, 3, 2)
    assert first.recovered_s == 5.0, "job 1 was over at 8 s"
    assert (last.kind, last.recovered_s) == ("worker kill", 0.0), "nothing was open any more"


def test_who_never_ends_makes_a_recovery_that_never_came() -> None:
    dark = row(1.0, Event.FAULT_STRUCK, node=1, fault=0, value=2.0)
    whole = counted(*life(0, 0.0, 1.0, None), *life(1, 1.0, 4.0, 8.0), dark)
    assert whole.faults[0].recovered_s is None
    assert length(whole.faults[0].recovered_s) == "never"


def test_retries_stand_beside_what_their_policy_allows() -> None:
    twin = PLANS["twin-retry-at-once"].plan
    early = run(twin, backends.find("twin-retry-at-once"), "sim")
    fair = run(twin, backends.find("reference"), "sim")
    (too_early, *_), (in_time, *_) = (
        WholeRun(Facts(this.plan, this.claims, this.history)).retries for this in (early, fair)
    )
    assert too_early.least_s < too_early.policy_least_s <= in_time.least_s


@pytest.mark.parametrize("name", ["day-of-chaos", "retry-storm", "poison-job", "overload"])
def test_the_numbers_of_a_real_run_agree_with_its_facts(name: str) -> None:
    this = run(scenarios.find(name).plan(0), backends.find("reference"), "sim")
    facts = Facts(this.plan, this.claims, this.history)
    whole = WholeRun(facts)
    assert sum(queue.to_worker.n for queue in whole.queues) == np.count_nonzero(
        facts.accepted & ~np.isnan(facts.leased_at)
    )
    assert sum(jobs for _, jobs in whole.deliveries) == facts.jobs
    struck = this.history.where(Event.FAULT_STRUCK)
    assert sum(fault.strikes for fault in whole.faults) == len(struck)
    assert whole.backlog[0][-1] == 0, "at the end nothing is open"
    assert all(fault.recovered_s is not None for fault in whole.faults)
    bins = whole.end_s / BINS
    assert float(whole.throughput[0].sum()) * bins == pytest.approx(facts.accepted.sum())


def test_each_chart_has_a_table_that_says_the_same() -> None:
    this = run(
        scenarios.find("slow-job-flood").plan(0, "shared"), backends.find("reference"), "sim"
    )
    whole = WholeRun(Facts(this.plan, this.claims, this.history))
    mail = next(chart for chart in waits(whole) if "in mail" in chart.title)
    assert mail.limit and mail.limit[1].startswith("bound")
    longest = max(queue.to_worker.max_s for queue in whole.queues if queue.name == "mail")
    assert length(longest) in [row[1] for row in mail.table.rows]
    for chart in over_time(whole):
        drawn = sum(len(line.split()) for line in chart.series[0].lines)
        assert drawn == len(chart.table.rows)


@pytest.mark.parametrize(
    ("value_s", "told"),
    [(0.0, "0 s"), (0.004, "4 ms"), (1.25, "1.25 s"), (86_400.0, "24.0 h"), (None, "never")],
)
def test_lengths_are_told_in_the_unit_that_fits(value_s: float | None, told: str) -> None:
    assert length(value_s).replace("\N{NO-BREAK SPACE}", " ") == told


def test_a_dead_letter_is_over_when_the_worker_of_its_last_delivery_was() -> None:
    whole = counted(
        *life(0, 0.0, 1.0, None),
        row(1.5, Event.NACK_ANSWERED, answer=Answer.OK, node=0, job=0, token=1),
        row(2.0, Event.LEASED, node=0, incarnation=1, job=0, token=2, value=1.0),
        row(3.0, Event.WORKER_EXITED, node=0, incarnation=1, value=-9.0),
        row(8.0, Event.WORKER_EXITED, node=0, incarnation=2, value=0.0),
        row(9.0, Event.DEAD, job=0),
    )
    assert whole.ended_at[0] == 3.0, "and not when idle workers were sent home"
