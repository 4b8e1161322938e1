"""``jobquake capacity`` as its users meet it: quantities in, the answer first, a page, JSON."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from math import inf
from pathlib import Path
from statistics import mean

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake.backends import registry as backends
from jobquake.capacity import units
from jobquake.capacity.fit import FEWEST, FitError, fit
from jobquake.capacity.load import NO_MISHAPS, Asked, Traffic, load
from jobquake.capacity.sizing import Question, Sizing, size
from jobquake.capacity.times import Exponential
from jobquake.cli.group import cli
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.history import History
from jobquake.harness.run import Run, run
from jobquake.protocol.events import Event
from jobquake.reports import capacity
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from support.command import ENVIRONMENT, HELD, SIM, USAGE, complaint, jobquake
from support.page import Page

QUICK = ("--deliveries", "200000")
FOUR = ("--arrivals", "4/s", "--service", "500ms", "--wait-bound", "1s", *QUICK)


@pytest.fixture(scope="module")
def four() -> Sizing:
    return size(
        Asked("mail", Traffic(Exponential(0.25), Exponential(0.5))),
        Question(1.0, 0.95),
        deliveries=200_000,
    )


# -- the command --------------------------------------------------------------------------


def test_the_answer_comes_first_then_what_it_rests_on_then_the_table(tmp_path: Path) -> None:
    told = jobquake("capacity", *FOUR, within=tmp_path, code=HELD).stdout.splitlines()
    assert re.fullmatch(r"pool: 4 workers: 95 % of the deliveries wait at most .* allowed", told[0])
    assert "4 jobs/s x 1 delivery x 500 ms = 2 erlangs" in told[1]
    assert "fewer than 3 workers the backlog grows for ever" in told[2]
    assert "Erlang C; exact here" in told[3]
    rows = {int(line.split()[0]): line for line in told[6:]}
    assert rows[2].endswith("grows for ever ")
    assert "too few" in rows[3]
    assert "meets" in rows[4] and "±" in rows[4]
    assert list(tmp_path.iterdir()) == [], "nothing is written that was not asked for"


def test_json_says_the_same_to_machines_and_nothing_else_to_standard_output(
    tmp_path: Path,
) -> None:
    words = (*FOUR, "--failures", "10%", "--crashes", "1/h", "--json")
    (told,) = json.loads(jobquake("capacity", *words, within=tmp_path, code=HELD).stdout)
    assert told["load"]["deliveries_per_job"] == pytest.approx(1.111, abs=1e-3)
    assert told["erlangs"] == pytest.approx(2.22, abs=0.01)
    assert told["formula"]["exact"] is False
    meeting = [row["workers"] for row in told["rows"] if row["verdict"] == "meets"]
    assert told["workers"] == min(meeting)


def test_the_page_is_written_whole_where_it_was_asked_for(tmp_path: Path) -> None:
    told = jobquake("capacity", *FOUR, "--report", "deep/x.html", within=tmp_path, code=HELD)
    assert "report: deep/x.html" in told.stdout
    assert [file.name for file in tmp_path.rglob("*")] == ["deep", "x.html"]
    Page((tmp_path / "deep" / "x.html").read_text())


def test_a_recorded_run_is_sized_pool_by_pool(tmp_path: Path) -> None:
    jobquake("run", "slow-job-flood:isolated", *SIM, within=tmp_path, code=HELD)
    (folder,) = (tmp_path / "jobquake-runs").iterdir()
    words = ("capacity", "--from", str(folder), "--wait-bound", "1s", *QUICK, "--json")
    told = json.loads(jobquake(*words, within=tmp_path, code=HELD).stdout)
    assert [(pool["pool"], pool["now"]) for pool in told] == [("mail", 1), ("reports", 4)]
    assert all(pool["basis"].startswith("read off ") for pool in told)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--arrivals", "40"), "expected a rate with its unit, such as 40/s or 1/h, found '40'"),
        (("--arrivals", "nan/s"), "expected a rate with its unit"),
        (("--arrivals", "0/s"), "expected --arrivals above 0, found 0"),
        (("--service", "0.2"), "expected a time with its unit"),
        (("--service", "2 fortnights"), "units are us, ms, s, min, h, d"),
        (("--service", "-1s"), "expected a time with its unit"),
        (("--percentile", "100"), "expected a percentile between 0 and 100"),
        (("--failures", "101%"), "expected a share from 0% to 100%"),
        (("--arrivals", "1e-320/s"), "expected a mean of 1e-09 to 1e+09 s, found inf s"),
        (("--service-cv", "nan"), "expected a coefficient of variation from 0 to 1000, found nan"),
        (("--service-dist", "pareto"), "expected a coefficient of variation for pareto times"),
        (("--service-dist", "exponential", "--service-cv", "2"), "found 2"),
        (("--arrivals", "9999999/s"), "expected a load for at most 100000 workers"),
        (("--from", "nowhere"), "expected --from or --arrivals, found both"),
        (("--report", "."), "found the folder ."),
    ],
)
def test_what_makes_no_sense_is_told_in_one_sentence(
    words: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(click.ClickException, match=re.escape(said)) as refused:
        cli.main(["capacity", *FOUR, *words], standalone_mode=False)
    assert refused.value.exit_code == USAGE
    assert len(refused.value.format_message().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_told_in_one_sentence(tmp_path: Path) -> None:
    told = complaint("capacity", "--wait-bound", "1s", within=tmp_path, code=USAGE)
    assert "expected --arrivals above 0, found none" in told
    told = complaint("capacity", *FOUR[:4], within=tmp_path, code=USAGE)
    assert "--wait-bound" in told
    words = ("--from", "nowhere", "--wait-bound", "1s")
    assert "expected a run folder" in complaint("capacity", *words, within=tmp_path, code=USAGE)


def test_a_damaged_run_folder_is_an_environment_error(tmp_path: Path) -> None:
    jobquake("run", "slow-job-flood:isolated", *SIM, within=tmp_path, code=HELD)
    (folder,) = (tmp_path / "jobquake-runs").iterdir()
    (folder / "history.npy").write_bytes(b"")
    words = ("--from", str(folder), "--wait-bound", "1s")
    assert "damaged" in complaint("capacity", *words, within=tmp_path, code=ENVIRONMENT)


# -- quantities ---------------------------------------------------------------------------


@given(st.floats(1e-3, 1e6), st.sampled_from(sorted(units.UNITS_S)))
def test_a_quantity_is_its_number_times_its_unit(number: float, unit: str) -> None:
    assert units.seconds(f"{number}{unit}") == pytest.approx(number * units.UNITS_S[unit])
    assert units.seconds(f" {number} {unit} ") == units.seconds(f"{number}{unit}")
    assert units.rate(f"{number}/{unit}") == pytest.approx(number / units.UNITS_S[unit])
    assert units.share("2%") == units.share("0.02") == 0.02
    assert units.percentile("99.9") == pytest.approx(0.999)


@given(st.floats(1e-6, 1e9))
def test_a_told_time_is_right_to_three_digits(time_s: float) -> None:
    number, unit = units.seconds_text(time_s).split()
    size_s = {**units.UNITS_S, "days": units.UNITS_S["d"]}[unit]
    assert float(number) * size_s == pytest.approx(time_s, rel=6e-3)


@given(st.text())
def test_any_other_text_is_refused_and_never_read_as_something_endless(text: str) -> None:
    for read in (units.seconds, units.rate, units.share, units.percentile):
        with suppress(units.UnitsError):
            assert 0.0 <= read(text) < inf


# -- what a history tells -----------------------------------------------------------------


def planned(gap_s: float, service_s: float, jobs: int = 40) -> Plan:
    """Jobs at even distances, all of the same length, and nothing that goes wrong."""
    return Plan(
        scenario="even",
        variant="default",
        seed=0,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), 3),),
        jobs=tuple(PlannedJob(n * gap_s, 0, service_s) for n in range(jobs)),
        faults=(),
        guarantees=("no_lost_work",),
    )


def simulated(plan: Plan) -> Run:
    return run(plan, backends.find("reference"), "sim")


def test_arrivals_and_service_times_are_read_off_the_history() -> None:
    (asked,) = fit(simulated(planned(0.1, 0.2)), NO_MISHAPS)
    traffic = asked.traffic
    assert (asked.pool, asked.now) == ("orders", 3)
    assert asked.basis == "read off 40 arrivals in 3.9 s and 40 undisturbed deliveries"
    assert traffic.jobs_per_s == pytest.approx(10.0)
    assert traffic.between.scv == pytest.approx(0.0, abs=1e-9)
    latency_s = 0.0005
    assert traffic.service.mean_s == pytest.approx(0.2, abs=10 * latency_s)
    assert traffic.service.mean_s > 0.2, "acknowledging keeps the worker, too"
    assert load(traffic).fewest_stable == 3


def test_deliveries_that_a_fault_struck_do_not_count() -> None:
    recorded = simulated(scenarios.find("worker-kill-before-ack").plan(0))
    history, jobs = recorded.history, recorded.plan.jobs
    struck = set(history["job"][history.where(Event.FAULT_STRUCK)].tolist())
    (asked,) = fit(recorded, NO_MISHAPS)
    untouched = [job.service_s for n, job in enumerate(jobs) if n not in struck]
    assert 0 < len(untouched) < len(jobs)
    assert f"and {len(untouched)} undisturbed deliveries" in asked.basis
    assert asked.traffic.service.mean_s == pytest.approx(mean(untouched), abs=0.02)


def test_a_history_that_tells_too_little_is_refused() -> None:
    with pytest.raises(FitError, match=f"at least {FEWEST} arrivals in pool orders, found 4"):
        fit(simulated(planned(0.1, 0.2, jobs=4)), NO_MISHAPS)
    recorded = simulated(planned(0.1, 0.2))
    rows = recorded.history.rows.copy()
    rows["t"][recorded.history.where(Event.ENQUEUE_SENT)] = 1.0
    with pytest.raises(FitError, match="to take time"):
        fit(recorded._replace(history=History(rows)), NO_MISHAPS)


def test_a_queue_of_two_pools_is_refused() -> None:
    both = replace(planned(0.1, 0.2), pools=(Pool("a", ("orders",), 1), Pool("b", ("orders",), 1)))
    with pytest.raises(FitError, match="expected one pool for queue orders, found a and b"):
        fit(simulated(both), NO_MISHAPS)


# -- the picture --------------------------------------------------------------------------


def test_the_picture_shows_formula_intervals_bound_and_where_the_backlog_grows(
    four: Sizing,
) -> None:
    drawn = capacity.picture(four)
    assert drawn.left <= drawn.grows_until_x < drawn.formula[0][0] <= drawn.answer_x
    assert drawn.answer_x <= drawn.formula[-1][0] <= drawn.right
    heights = [y for _, y in drawn.formula]
    assert heights == sorted(heights), "lower waits are further down"
    assert drawn.top <= drawn.allowed_y <= drawn.bottom
    assert len(drawn.points) == 3
    for point in drawn.points:
        assert drawn.top <= point.high_y <= point.y <= point.low_y <= drawn.bottom
    answer = dict(zip([n for n, _ in four.curve], drawn.formula, strict=True))[four.workers]
    assert answer[0] == drawn.answer_x
    assert answer[1] > drawn.allowed_y, "the answer waits less than is allowed"
    assert str(four.workers) in [tick.text for tick in drawn.columns]


def test_a_wait_beyond_the_upper_edge_is_marked_as_such(four: Sizing) -> None:
    tight = replace(four, question=Question(0.01, 0.95))
    drawn = capacity.picture(tight)
    assert any(point.above for point in drawn.points)
    assert all(point.y >= drawn.top for point in drawn.points)


def test_a_bound_of_zero_can_be_drawn(four: Sizing) -> None:
    drawn = capacity.picture(replace(four, question=Question(0.0, 0.95)))
    assert drawn.allowed_y == drawn.bottom


def test_the_page_tells_the_answer_in_words_and_numbers_and_escapes_names(four: Sizing) -> None:
    source = capacity.page([replace(four, pool="<script>alert(1)</script>"), four])
    page = Page(source)
    tags = [tag for tag, _, _ in page.elements]
    assert "script" not in tags
    assert tags.count("svg") == 2 * 6
    assert four.sentence in source
    identifiers = [a["id"] for _, a, _ in page.elements if "id" in a]
    assert len(identifiers) == len(set(identifiers)) == 4
    assert "http:" not in source and "https:" not in source
    for row in four.rows:
        assert f"<td>{row.verdict}</td>" in source
