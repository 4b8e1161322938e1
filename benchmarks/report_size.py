"""How large the timeline of a run becomes, how long it takes to make, and how fast it is.

For histories of a thousand to ten million events: the bytes of the page, the time and memory
to build it and, where Chromium is, when the first picture is there and how long a redraw
takes, with the pixels read back, so that nothing is left for later. Each size is built in a
process of its own.

The histories are realistic but not real: one simulated run of twelve workers with faults and
lost jobs, again and again, each time with other jobs, other faults and the noise that real
clocks have, since gzip would profit from the round times of the simulator.

    python benchmarks/report_size.py [--most 1000000]
"""

from __future__ import annotations

import argparse
import resource
import shutil
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

import numpy as np
from jobquake.backends import registry
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.faults.changed import changed
from jobquake.harness.faults.fault import Fault
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.faults.net_fault import NetFault
from jobquake.harness.faults.partition import Partition
from jobquake.harness.faults.slow_network import SlowNetwork
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.history import ROW, Event, History
from jobquake.harness.result import Result, judge
from jobquake.reports.timeline import timeline_page
from msgspec.structs import replace

BACKEND = "twin-ack-before-run"
JOBS = 4_000
NOISE_S = 2e-4  # of a process's clock around what the plan says
SIZES = [10**n for n in range(3, 8)]
KEYS = ["+", "+", "ArrowRight", "+", "+", "+", "ArrowLeft", "+", "+", "-", "-", "0", "n", "n", "p"]
REDRAW = """async (key) => {
  const canvas = document.getElementById("jq-tl-canvas");
  canvas.dispatchEvent(new KeyboardEvent("keydown", { key }));
  await new Promise(requestAnimationFrame);
  const began = performance.now();
  canvas.getContext("2d").getImageData(0, 0, 1, 1);
  const read = performance.now() - began;
  return performance.getEntriesByName("jobquake redraw")[0].duration + read;
}"""


class Built(NamedTuple):
    """A page: its bytes, seconds to make, the most memory of its process before and after."""

    size: int
    build_s: float
    before_mib: float
    peak_mib: float


def plan_of(jobs: int) -> Plan:
    """Three queues, two pools, twelve workers at three quarters of what they can do."""
    rng = Random(1)
    spread_s = jobs / 50
    planned = [
        PlannedJob(
            round(rng.uniform(0, spread_s), 6),
            rng.choice((0, 0, 0, 1, 1, 2)),
            round(rng.expovariate(1 / 0.12) + 0.001, 6),
            behaviour="fail" if rng.random() < 0.03 else "ok",
            failures=1,
        )
        for _ in range(jobs)
    ]
    faults: list[Fault] = [KillAt(rng.randrange(jobs), "mid_job") for _ in range(6)]
    faults += [NetFault("ack", rng.randrange(1, jobs), "lose_reply") for _ in range(6)]
    faults += [Partition((1, 2), 0.2 * spread_s, 2.0), SlowNetwork(0.6 * spread_s, 3.0, 0.02)]
    return Plan(
        scenario="benchmark",
        variant="default",
        seed=1,
        queues=(Queue("orders"), Queue("mail"), Queue("reports")),
        pools=(Pool("fast", ("orders", "mail"), 8), Pool("slow", ("reports",), 4)),
        jobs=tuple(sorted(planned, key=lambda job: job.at_s)),
        faults=tuple(faults),
        guarantees=("no_lost_work", "faults_hit"),
        deadline_s=spread_s + 60.0,
    )


@cache
def run_once(jobs: int) -> tuple[Facts, Result]:
    plan, adapter = plan_of(jobs), registry.find(BACKEND)
    history = simulate(plan, adapter)
    return Facts(plan, adapter.claims, history), judge(plan, adapter, history, "sim")


def moved(fault: Fault, jobs: int, tile: int, by_s: float) -> Fault:
    later = changed(fault, lambda kind, at_s: kind.shifted(at_s, lambda t: t + by_s))
    places = {job: job + tile * jobs for job in range(jobs)}
    return changed(later, lambda kind, value: kind.without_jobs(value, places))


def tiled(events: int, jobs: int = JOBS) -> tuple[Facts, Result]:
    """A run of so many events: the simulated one, one time after the other."""
    base, result = run_once(jobs)
    noise = np.random.default_rng(0)
    history, plan = base.history, base.plan
    period_s = base.ended_at + 0.5
    tiles = -(-events // len(history))
    rows = np.empty(tiles * len(history), dtype=ROW)
    for tile, start in enumerate(range(0, len(rows), len(history))):
        part = rows[start : start + len(history)]
        part[:] = history.rows
        # Sorted, as the ledger is: what led to what stays in its order.
        part["t"] = np.sort(history["t"] + noise.exponential(NOISE_S, len(part)))
        part["t"] += tile * period_s
        part["job"][history["job"] >= 0] += tile * jobs
        part["fault"][history["fault"] >= 0] += tile * len(plan.faults)
        part["key"][history["event"] == Event.EFFECT] += tile  # the effects of other jobs
    whole = replace(
        plan,
        jobs=plan.jobs * tiles,
        faults=tuple(
            moved(fault, jobs, tile, tile * period_s)
            for tile in range(tiles)
            for fault in plan.faults
        ),
    )
    checks = []
    for check in result.checks:
        findings = []
        for tile in range(tiles):
            for finding in check.findings:
                job = finding.job + tile * jobs
                at = tuple(row + tile * len(history) for row in finding.events)
                if all(row < events for row in at):
                    text = finding.sentence.replace(f"job {finding.job} ", f"job {job} ", 1)
                    findings.append(replace(finding, job=job, sentence=text, events=at))
        checks.append(replace(check, findings=tuple(findings)))
    facts = Facts(whole, base.claims, History(rows[:events]))
    return facts, replace(result, checks=tuple(checks))


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def build(events: int, page: Path) -> Built:
    facts, result = tiled(events)
    before, began = peak_mib(), time.perf_counter()
    text = timeline_page(result, facts)
    took_s = time.perf_counter() - began
    page.write_text(text, encoding="utf-8")
    return Built(page.stat().st_size, took_s, before, peak_mib())


def browse(page: Path, program: str) -> str:
    """When the first picture was there, and how long redraws took."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play, play.chromium.launch(executable_path=program) as browser:
        painted, redraws = [], []
        for _ in range(3):
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            tab.goto(page.as_uri())
            tab.wait_for_selector("#jq-tl-all[data-ready]", timeout=60_000)
            mark = "performance.getEntriesByName('jobquake painted')[0].startTime"
            painted.append(tab.evaluate(mark))
            redraws += [tab.evaluate(REDRAW, key) for key in KEYS]
            tab.close()
    return (
        f"first picture {median(painted):5.0f} ms, redraw {median(redraws):5.1f} ms, "
        f"worst {max(redraws):5.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=SIZES[-1], help="the largest history")
    most = parser.parse_args().most
    program = shutil.which("chromium")
    spawn = get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for events in [size for size in SIZES if size <= most]:
            page = Path(folder) / f"{events}.html"
            with ProcessPoolExecutor(1, spawn) as pool:
                built = pool.submit(build, events, page).result()
            line = (
                f"{events:>10,} events: page {built.size:>9,} bytes, built in "
                f"{built.build_s:6.2f} s with {built.peak_mib - built.before_mib:5.0f} MiB more "
                f"than the {built.before_mib:.0f} MiB before"
            )
            print(line, end="; ", flush=True)
            print(browse(page, program) if program else "no chromium to open it in", flush=True)


if __name__ == "__main__":
    main()
