"""Who may notice a mutant: every scenario, exploration, and the contract, all in virtual time.

Each judge works in the package's second self (:mod:`.second`). What raises or hangs is told apart
from what a check has seen: a mutant that raises says nothing about the checks.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple

import jobquake
import pytest
from hypothesis import Phase, settings
from jobquake.harness.trial import attempt

from .second import NAME

Judge = Literal["run", "explore", "contract"]
JUDGES: tuple[Judge, ...] = ("run", "explore", "contract")
ORACLE = "reference"
LONGEST_S = 10.0  # CPU time of one plan or test, far more than the correct queue needs anywhere
RAISED = "to answer every call, found that"  # the sentence about an adapter that raised
DRAWN = ("test_it_behaves_like_the_model", "test_it_holds_whatever_strikes")
CONTRACT = f"""
from {NAME} import backend
from {NAME}.contract import QueueContract

class TestMutant(QueueContract):
    backend = backend({ORACLE!r})
    examples = {{examples}}
"""


class Effort(NamedTuple):
    """How hard they look. ``scenarios``: only these; none: all."""

    scenarios: tuple[str, ...] = ()
    schedules: int = 1000
    examples: int = 30
    seed: int = 0


class Seen(NamedTuple):
    """What a judge says of a mutant.

    ``caught``: a check saw it. ``crash``: it raised, or did not come to its end. ``doubted``:
    nothing was proved. ``passed``: it cannot be told from the correct queue.
    """

    what: Literal["caught", "crash", "doubted", "passed"]
    why: str = ""


class Memory:
    """What exploration saw of the correct queue, plan by plan.

    Where a mutant's history is the same to the byte, what was said of it is said again.
    """

    def __init__(self) -> None:
        self._trials: dict[Any, Any] = {}

    def attempt(self, plan: Any, adapter: Any, guarantees: Any = None) -> Any:
        trial = import_module(f"{NAME}.harness.trial")
        history = trial.played(plan, adapter)
        known = self._trials.get(plan) if guarantees is None else None
        if known and known.facts.history.tobytes() == history.tobytes():
            return known
        return trial.judged(plan, adapter, history, guarantees)

    def learn(self, plan: Any, adapter: Any, guarantees: Any = None) -> Any:
        self._trials[plan] = self.attempt(plan, adapter, guarantees)
        return self._trials[plan]


@contextmanager
def _in_time() -> Iterator[None]:
    """The process dies if what is within takes too long, as a mutant that hangs would."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


def run(effort: Effort) -> Seen:
    """Every scenario and its controls, until one is violated."""
    experiments = import_module(f"{NAME}.experiments")
    registry = import_module(f"{NAME}.backends.registry")
    execute = import_module(f"{NAME}.harness.run").run
    of_all = experiments.experiments_of(effort.scenarios, effort.seed, not effort.scenarios, "sim")
    wanted = [experiment for experiment in of_all if experiment.only in (None, "sim")]
    backend, worst = registry.find(ORACLE), Seen("passed")
    for experiment in wanted:
        plan = experiment.plan
        try:
            with _in_time():
                result = execute(plan, backend, "sim", experiment.control).result
        except Exception as error:  # noqa: BLE001 (whatever a mutant does)
            worst = Seen("crash", f"{plan.full_name}: {type(error).__name__}")
            continue
        if result.verdict == "violated" and not experiment.control:
            return Seen("caught", f"{plan.full_name}: {result.sentence}")
        if result.as_expected != "held" and worst.what == "passed":
            worst = Seen("doubted", f"{plan.full_name}: {result.sentence}")
    return worst


def explore(effort: Effort, learn: bool = False) -> Seen:
    """Shard after shard, until something breaks that the correct queue does not break."""
    shards = import_module(f"{NAME}.harness.explore.shard")
    encode = import_module(f"{NAME}.harness.plan.replay").encode
    registry = import_module(f"{NAME}.backends.registry")
    oracle, correct = object(), jobquake.backend(ORACLE)
    within = MEMORY.learn if learn else MEMORY.attempt

    def crossed(plan: Any, adapter: Any, guarantees: Any = None) -> Any:
        """The trial; that of the oracle in the package as it is."""
        if adapter is oracle:
            return attempt(jobquake.decode(encode(plan, ORACLE, "sim")).plan, correct, guarantees)
        with _in_time():
            return within(plan, adapter, guarantees)

    vars(shards)["attempt"] = crossed  # which the shard imports, and looks up when it runs a plan
    worst, left = Seen("passed"), effort.schedules
    shard = 0
    while left > 0:
        count = min(left, shards.SCHEDULES)
        try:
            result = shards.explore_shard(
                registry.find(ORACLE), effort.seed, shard, schedules=count, oracle=oracle
            )
        except Exception as error:  # noqa: BLE001 (whatever a mutant does)
            worst = Seen("crash", f"shard {shard}: {type(error).__name__}")
        else:
            if result.found:
                first = result.found[0]
                return Seen("caught", f"{first.guarantee}: {first.sentence}")
        left -= count
        shard += 1
    return worst


MEMORY = Memory()


class _Watch:
    """A plugin of pytest: stops it at the first failure that is a check's.

    What Hypothesis draws comes last, since it takes longest.
    """

    def __init__(self) -> None:
        self.seen = Seen("passed")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=lambda item: item.name in DRAWN)

    def pytest_runtest_logstart(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, LONGEST_S)

    def pytest_runtest_logfinish(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0.0)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.failed:
            return
        test = report.nodeid.rpartition("::")[2]
        told = report.longreprtext
        raised = RAISED in told or not (
            report.when == "call" and ("AssertionError" in told or "expected" in told)
        )
        if not raised:
            self.seen = Seen("caught", test)
        elif self.seen.what == "passed":
            self.seen = Seen("crash", test)

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        if self.seen.what == "caught":
            item.session.shouldstop = self.seen.why


def contract(effort: Effort) -> Seen:
    """The contract as the author of an adapter runs it."""
    watch = _Watch()
    subject = vars(import_module(f"{NAME}.harness.contract.subject"))
    found_is_enough = [Phase.explicit, Phase.generate]
    subject["QUICK"] = settings(subject["QUICK"], phases=found_is_enough)
    with tempfile.TemporaryDirectory(prefix="jobquake-mutant-") as folder:
        file = Path(folder) / "test_mutant.py"
        file.write_text(CONTRACT.format(examples=effort.examples))
        words = ["-q", "-p", "no:cacheprovider", f"--rootdir={folder}", "--tb=short"]
        words += [f"--hypothesis-seed={effort.seed}", str(file)]
        nowhere = Path(os.devnull).open("w")  # noqa: SIM115 (closed below)
        with nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            code = pytest.main(words, plugins=[watch])
    if watch.seen.what == "passed" and code != pytest.ExitCode.OK:
        return Seen("crash", f"pytest ended with {code}")
    return watch.seen


JUDGE: dict[Judge, Callable[[Effort], Seen]] = {
    "run": run,
    "explore": explore,
    "contract": contract,
}
