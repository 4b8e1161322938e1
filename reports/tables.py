"""The tables of a whole run in words: outcomes, faults, waits, retries, recoveries, settings.

A table is a name, a sentence that says how to read it, and its cells. Computes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import asdict

from ..backends.adapter import Claims
from ..harness.plan.plan import Plan
from ..harness.record.history import PHASES
from ..harness.result import Result
from .charts import TIED, Table, length
from .outcomes import details
from .space_time import Diagram
from .whole_run import Percentiles, WholeRun

MOST_ROWS = 8
SETTINGS = (
    "sink", "lease_s", "wait_s", "grace_s", "call_timeout_s", "deadline_s", "max_deliveries",
    "latency_s", "restart_s", "producers", "late_words",
)  # fmt: skip
MOST_HELD = 40


class NamedTable(NamedTuple):
    """A table with its name and how to read it."""

    name: str
    about: str
    table: Table


def of_run(result: Result, run: WholeRun) -> list[NamedTable]:
    """What came of the run; a table without rows is left out."""
    tables = [
        _outcomes(result),
        _troubles(result),
        _deliveries(run),
        _waits(run),
        _retries(run),
        _faults(result),
        _where(result),
        _advice(result),
    ]
    tables += [_recoveries(result, run)]
    return [one for one in tables if one.table.rows]


def _where(result: Result) -> NamedTable:
    rows = tuple((str(job), words) for job, words in list(result.where.items())[:MOST_HELD])
    about = "What the system said at the end of jobs that it had not done, in its own words."
    return NamedTable("Who held what", about, Table(("job", "where"), rows))


def _advice(result: Result) -> NamedTable:
    rows = tuple((one.guarantee, one.setting, one.change, one.source) for one in result.advice)
    head = ("not given", "decided by", "change", "documented")
    about = "What was read from the app's settings; these change what becomes of its jobs."
    return NamedTable("What this configuration cannot give", about, Table(head, rows))


def of_settings(result: Result, plan: Plan, claims: Claims) -> list[NamedTable]:
    """What the run depends on: versions, the plan's settings, what the backend claims."""
    retry = plan.retry
    configured = [(name, str(getattr(plan, name))) for name in SETTINGS]
    configured += [
        ("retry", f"{retry.base_s} s * {retry.factor}**n, cap {retry.cap_s} s, {retry.jitter}"),
        (
            "pools",
            "; ".join(f"{p.name}: {p.workers} for {', '.join(p.queues)}" for p in plan.pools),
        ),
    ]
    named = [(name, str(value)) for name, value in asdict(claims).items() if value != ""]
    versions = [("backend", result.backend), ("driver", result.driver)]
    versions += [("seed", str(result.seed)), *result.environment.items()]
    return [
        NamedTable(name, "", Table(("setting", "value"), tuple(rows)))
        for name, rows in (
            ("Environment", versions),
            ("Configuration", configured),
            ("Claims of the backend", named),
        )
    ]


def of_picture(picture: Diagram) -> Table:
    """The space-time diagram, row by row: its marks and its bars, in the order of time."""
    rows = [(bar.start_s, picture.lanes[bar.lane], bar.text) for bar in picture.bars]
    rows += [(mark.at_s, picture.lanes[mark.lane], mark.text) for mark in picture.marks]
    rows.sort(key=lambda row: row[0])
    shown = tuple((f"{at:.3f}{TIED}s", lane, text) for at, lane, text in rows)
    return Table(("at", "where", "what"), shown)


def _outcomes(result: Result) -> NamedTable:
    counts, about = result.outcomes.items(), "The final state of each job."
    if result.counted:
        about = f"{about} Effects: {result.counted}."
    if not result.fates:
        rows = tuple((name, str(n)) for name, n in counts)
        return NamedTable("Outcomes", about, Table(("outcome", "jobs"), rows))
    full = tuple((name, str(n), "; ".join(details(result, name))) for name, n in counts)
    return NamedTable("Outcomes", about, Table(("outcome", "jobs", "what is known"), full))


def _troubles(result: Result) -> NamedTable:
    rows = tuple(
        (
            trouble.said,
            "the environment" if trouble.environment else "the queue",
            str(trouble.calls),
            f"{trouble.first}, {trouble.first_s:.3f}{TIED}s",
        )
        for trouble in result.troubles
    )
    about = "In the server's own words. Such a call may have taken effect or not."
    head = ("error", "whose", "calls", "first")
    return NamedTable("Errors of the queue's server", about, Table(head, rows))


def _faults(result: Result) -> NamedTable:
    """The bite matrix: planned, struck, and in which phase of the job that was met."""
    phases = [*PHASES.values(), "nothing"]
    cells = {(bite.fault, bite.phase): bite for bite in result.bites}
    kinds = dict.fromkeys([*result.faults, *(bite.fault for bite in result.bites)])
    rows = []
    for kind in kinds:
        counted = result.faults.get(kind, {})
        row = [kind, str(counted.get("planned", 0)), str(counted.get("struck", 0))]
        for phase in phases:
            bite = cells.get((kind, phase))
            missing = "" if bite is None or bite.count else ", missing"
            row.append(
                "." if bite is None
                else f"{bite.count} (required{missing})" if bite.required else str(bite.count)
            )  # fmt: skip
        rows.append(tuple(row))
    return NamedTable(
        "Bite matrix",
        "What the faults struck. Columns: the phase of the job that a strike met. A fault that "
        "met no job proves nothing.",
        Table(("fault", "planned", "struck", *phases), tuple(rows)),
    )


def _waits(run: WholeRun) -> NamedTable:
    rows = []
    for queue in run.queues:
        for what, found in (("to a worker", queue.to_worker), ("to its effect", queue.to_effect)):
            bound = queue.bound_s if what == "to a worker" else None
            rows.append((queue.name, what, *_cells(found), "" if bound is None else length(bound)))
    head = ("queue", "from acceptance", "jobs", "p50", "p90", "p99", "longest", "bound")
    return NamedTable("Waits by queue", "", Table(head, tuple(rows)))


def _cells(found: Percentiles) -> tuple[str, ...]:
    values = (found.p50_s, found.p90_s, found.p99_s, found.max_s)
    return (str(found.n), *(length(value) if found.n else "" for value in values))


def _recoveries(result: Result, run: WholeRun) -> NamedTable:
    def slowest(fault: float | None) -> float:
        return float("inf") if fault is None else fault

    faults = sorted(run.faults, key=lambda fault: -slowest(fault.recovered_s))
    rows = tuple(
        (
            fault.kind,
            f"{fault.start_s:.3f}{TIED}s",
            f"{fault.end_s:.3f}{TIED}s",
            str(fault.strikes),
            length(fault.recovered_s),
        )
        for fault in faults[:MOST_ROWS]
    )
    about = "Time from the end of a fault until every job that was unfinished then had ended."
    if len(faults) > MOST_ROWS:
        about += f" The {MOST_ROWS} slowest of {len(faults)}."
    if result.recovery_s is not None:
        about += f" The queue was quiet {length(result.recovery_s)} after the last fault."
    head = ("fault", "from", "until", "strikes", "recovered after")
    return NamedTable("Recovery", about, Table(head, rows))


def _retries(run: WholeRun) -> NamedTable:
    rows = tuple(
        (
            str(retried.attempt),
            str(retried.n),
            *(length(t) for t in (retried.least_s, retried.median_s, retried.most_s)),
            f"{length(retried.policy_least_s)} to {length(retried.policy_most_s)}",
        )
        for retried in run.retries
    )
    head = ("after delivery", "retries", "shortest", "median", "longest", "backoff allowed")
    about = "Time from a failure to the next delivery, including the wait for a worker."
    return NamedTable("Retries", about, Table(head, rows))


def _deliveries(run: WholeRun) -> NamedTable:
    rows = tuple((times, str(jobs)) for times, jobs in run.deliveries)
    return NamedTable("Deliveries per job", "", Table(("deliveries", "jobs"), rows))
