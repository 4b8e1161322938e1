"""The pytest plugin: a fixture that shakes a queue or an app, a summary, and what is kept.

Thin, and imports nothing heavy until a test asks for it. Of each attempt at a test the runs are
noted, by whichever face of jobquake they were made, and kept if it failed. They travel as user
properties of the attempt's own reports, so that the summary is whole, and counts each run once,
under pytest-xdist and pytest-rerunfailures, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from . import artifacts
from .witness import witnessed

if TYPE_CHECKING:
    from .backends.adapter import RemoteQueue
    from .backends.system import Time
    from .harness.finding import Verdict
    from .harness.plan.plan import Plan
    from .harness.properties import Property
    from .harness.result import Result
    from .harness.run import Driver, Run
    from .own_app import Args, Kill
    from .project import Project
    from .scenarios.scenario import Scenario

PROPERTY = "jobquake"
CONTRACT = "jobquake-contract"  # as the contract suite writes it
OPTIONS = ("backend", "driver", "seed", "time")
OF_RUN = (
    "task", "args", "options", "kill", "workers", "patience_s", "effects", "effect_id",
    "properties", "broker", "services",
)  # fmt: skip
OF_APP = ("app", "python", "worker", "folder", *OF_RUN)
EXPECT = "jobquake_expect"
MARKER = ("scenario", *OPTIONS, *OF_APP)
STORY_LINES = 12
ATTEMPT: pytest.StashKey[artifacts.Attempt] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("jobquake", "reliability tests of job queues")
    group.addoption(
        "--jobquake-backend", metavar="NAME", help="which backend to test; default: reference"
    )
    group.addoption(
        "--jobquake-driver",
        choices=["sim", "process"],
        help="sim: simulated, in virtual time; process: real processes; default: process",
    )
    group.addoption(
        "--jobquake-seed",
        type=int,
        metavar="N",
        help="seed from which plans are made; default: 0",
    )
    group.addoption(
        "--jobquake-toxiproxy",
        metavar="embedded|PROGRAM|URL",
        default="embedded",
        help="the Toxiproxy between real processes and the queue: our own, a server's program, "
        "or the address of a running server's API; default: embedded",
    )
    group.addoption(
        "--jobquake-time",
        choices=["leap", "real"],
        help="whether the time of real processes leaps while all of them wait; default: leap, "
        "where it can",
    )
    group.addoption(
        "--jobquake-confirm",
        metavar="DURATION",
        help="repeat a violation that leaping time shows in real time if the run took no longer; "
        "0s: never; default: 60s",
    )
    group.addoption(
        "--jobquake-report",
        metavar="DIR",
        help="keep the runs of failing tests below this folder; default: the ini setting "
        f"{artifacts.SETTING}",
    )
    group.addoption(
        "--jobquake-expect",
        metavar="FILE",
        help=f"what may be violated, and why, as jobquake run --record writes it; default: the ini "
        f"setting {EXPECT}",
    )
    parser.addini(EXPECT, "a file of known findings, such as --jobquake-expect names", default="")
    parser.addini(
        artifacts.SETTING,
        "where the runs of failing tests are kept, with their pages; default: "
        f"{artifacts.FOLDER}; nothing: nowhere",
        default=artifacts.FOLDER,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Before the plugin of Hypothesis, which loads the profile that the command line names.
    if str(config.getoption("--hypothesis-profile", None)).startswith("jobquake-"):
        from .harness.strategies import register_profiles

        register_profiles()
    config.addinivalue_line(
        "markers",
        f"jobquake({', '.join(f'{name}=None' for name in MARKER)}): "
        "what the jobquake fixture uses in this test unless the command line says otherwise",
    )


class Shaker:
    """What the fixture ``jobquake`` gives to a test."""

    def __init__(self, config: pytest.Config, defaults: dict[str, Any]) -> None:
        self._config = config
        self._defaults = defaults

    def run(
        self,
        scenario: str | Scenario | Plan | None = None,
        *,
        variant: str | None = None,
        backend: str | RemoteQueue | None = None,
        driver: Driver | None = None,
        seed: int | None = None,
        time: Time | None = None,
        app: str | None = None,
        task: str | None = None,
        args: Args = None,
        options: Mapping[str, Any] | None = None,
        kill: Kill | None = None,
        workers: int | None = None,
        patience_s: float | None = None,
        python: str | None = None,
        worker: str | None = None,
        folder: str | Path | None = None,
        effects: str | None = None,
        effect_id: str | None = None,
        properties: Sequence[Property] | None = None,
        broker: str | None = None,
        services: Sequence[str] | None = None,
        expect: Verdict = "held",
    ) -> Result:
        """Run a scenario (a name, ``name:variant``, a Scenario or a Plan) and judge it.

        It is run on the queue ``backend``, or on your own ``app``; what else concerns an app is
        as in :func:`jobquake.app` and :meth:`jobquake.OwnApp.run`. The test fails, with the story
        in a few lines, unless the verdict is ``expect``; an inconclusive run is never a pass. What
        is not given comes from the command line, then from the marker, then from
        ``[tool.jobquake]`` of pyproject.toml, then from the defaults: scenario
        ``worker-kill-before-ack``, backend ``reference``, driver ``process``, seed 0. A name that
        nothing has, and a machine on which no processes can be run, fail the test with one
        sentence.
        """
        from .errors import JobquakeError

        given = {
            "scenario": scenario, "backend": backend, "driver": driver, "seed": seed, "time": time,
            "app": app, "task": task, "args": args, "options": options, "kill": kill,
            "workers": workers, "patience_s": patience_s, "python": python, "worker": worker,
            "folder": folder, "effects": effects, "effect_id": effect_id, "properties": properties,
            "broker": broker, "services": services,
        }  # fmt: skip
        try:
            done = self._run(_over(self._defaults, given), variant)
        except JobquakeError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        if expect == "held":
            self._hold_against_what_is_known(done.result)
        if done.result.verdict != expect:
            pytest.fail(_failure(done, expect), pytrace=False)
        return done.result

    def _hold_against_what_is_known(self, result: Result) -> None:
        """A violation that may be is no failure; one that is gone has to leave the file."""
        config = self._config
        named, setting = config.getoption("--jobquake-expect"), str(config.getini(EXPECT)).strip()
        if not (named or setting):
            return
        from . import baseline

        base = config.invocation_params.dir if named else artifacts.base_of(config)
        known = baseline.read(base / (named or setting))
        if reason := known.excuse(result):
            pytest.xfail(f"known: {reason}")
        if better := baseline.better(result, known):
            pytest.fail(better, pytrace=False)

    def _run(self, said: dict[str, Any], variant: str | None) -> Run:
        from . import api
        from .errors import UsageError
        from .project import project_of

        scenario, backend, driver = (said.get(name) for name in ("scenario", "backend", "driver"))
        base = artifacts.base_of(self._config)
        project = project_of(base)
        of_queue = backend is not None or driver == "sim"
        if "app" in said and of_queue:
            raise UsageError(
                "expected an app or a queue (a backend, or the driver sim), found both; an app "
                "brings its own workers, so leave one of them out"
            )
        if "app" in said or (project.app and not of_queue):
            if scenario is not None and not isinstance(scenario, str):
                raise UsageError(
                    f"expected the name of a scenario to run on an app, found {scenario!r}; a "
                    "plan of your own is for a queue"
                )
            name = f"{scenario}:{variant}" if scenario and variant else scenario
            return self._run_app(said, name, project, base)
        if wrong := [name for name in OF_APP if name in said]:
            raise UsageError(
                f"expected an app beside {wrong[0]}=..., found none; name it with app=..., or "
                "write it into [tool.jobquake] of pyproject.toml"
            )
        return api.run(
            scenario or "worker-kill-before-ack",
            api.BACKEND if backend is None else backend,
            driver,
            toxiproxy=self._config.getoption("--jobquake-toxiproxy"),
            time=said.get("time"),
            confirm_s=self._confirm_s(),
            seed=said.get("seed", 0),
            variant=variant,
        )

    def _run_app(
        self, said: dict[str, Any], scenario: str | None, project: Project, base: Path
    ) -> Run:
        from .own_app import app_of

        folder = base / said["folder"] if "folder" in said else project.folder or base
        app = app_of(project, said.get("app"), said.get("python"), folder, said.get("worker"))
        told = {name: said[name] for name in (*OF_RUN, "seed", "time") if name in said}
        return app.run(
            scenario,
            toxiproxy=self._config.getoption("--jobquake-toxiproxy"),
            confirm_s=self._confirm_s(),
            **told,
        ).whole

    def _confirm_s(self) -> float | None:
        said = self._config.getoption("--jobquake-confirm")
        if said is None:
            return None
        from .capacity.units import UnitsError, seconds

        try:
            return seconds(said)
        except UnitsError as error:
            raise UnitsError(f"--jobquake-confirm: {error}") from None


def _over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """What the upper says, else the lower. Who names a queue means no app, and the other way."""
    said = {name: value for name, value in upper.items() if value is not None}
    aside = set[str]()
    if said.keys() & {"backend"} or said.get("driver") == "sim":
        aside |= set(OF_APP)
    if "app" in said:
        aside |= {"backend", "driver"}
    return {name: value for name, value in lower.items() if name not in aside} | said


@pytest.fixture
def jobquake(request: pytest.FixtureRequest) -> Shaker:
    """Shake a job queue or an app: ``jobquake.run("worker-kill-before-ack", app="shop:app")``."""
    defaults: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("jobquake"))):
        wrong = [*marker.args, *(name for name in marker.kwargs if name not in MARKER)]
        if wrong:
            told = ", ".join(f"{name}=..." for name in MARKER)
            pytest.fail(
                f"expected @pytest.mark.jobquake({told}), found {wrong[0]!r}", pytrace=False
            )
        defaults = _over(defaults, marker.kwargs)
    config = request.config
    said = {what: config.getoption(f"--jobquake-{what}") for what in OPTIONS}
    return Shaker(config, _over(defaults, said))


# -- what is kept of a failing test ---------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[ATTEMPT] = artifacts.Attempt(item.config.invocation_params.dir)
    if getattr(item, "execution_count", 1) == 1:  # and no attempt of pytest-rerunfailures
        artifacts.forget(item)
    with witnessed(item.stash[ATTEMPT].note):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    with witnessed(item.stash[ATTEMPT].note):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    with witnessed(item.stash[ATTEMPT].note):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    attempt = item.stash.get(ATTEMPT, None)
    if attempt is None:  # another plugin runs it in a way of its own
        return report
    if broken := getattr(call.excinfo and call.excinfo.value, "jobquake_run", None):
        attempt.blame(broken)
    if report.failed and (lines := attempt.keep(item)):
        report.sections.append(("jobquake", "\n".join(lines)))
    rows = attempt.end_phase()
    # pytest's JUnit file takes the properties of a test from the report of its teardown.
    told = attempt.rows() if call.when == "teardown" else rows
    said: list[tuple[str, object]] = [(PROPERTY, row) for row in told]
    report.user_properties = [*report.user_properties, *said]
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [
        report
        for of_kind in list(terminalreporter.stats.values())
        for report in of_kind
        if isinstance(report, pytest.TestReport)
    ]
    lines: list[tuple[str, Any, str]] = [
        (report.nodeid, value, report.outcome)
        for report in reports
        if report.when != "teardown"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    contracts = _contracts(reports)
    if not lines and not contracts:
        return
    terminalreporter.section("jobquake")
    for line in contracts:
        terminalreporter.write_line(line)
    if terminalreporter.verbosity < 0 and (passed := sum(what == "passed" for *_, what in lines)):
        terminalreporter.write_line(f"{passed} run{'s' * (passed > 1)} of tests that passed")
        lines = [line for line in lines if line[2] != "passed"]
    for _, (verdict, name, again, page), outcome in lines:
        rerun = "  (the test was run again)" if outcome == "rerun" else ""
        terminalreporter.write_line(f"{verdict:<12}  {name}{rerun}")
        if page:
            terminalreporter.write_line(f"  page: {page}")
        if outcome != "passed":
            terminalreporter.write_line(f"  {again}")
    failing = [(test, row, what == "rerun") for test, row, what in lines if what != "passed"]
    if index := artifacts.write_index(terminalreporter.config, failing):
        terminalreporter.write_line(f"  all of them: {artifacts.short(index)}")


def _contracts(reports: list[Any]) -> list[str]:
    """One line for each backend whose contract was tested: how it went, how long it took."""
    counts: dict[str, Counter[str]] = {}
    seconds: dict[str, float] = {}
    for report in reports:
        for name, backend in report.user_properties:
            if name == CONTRACT:
                outcomes = counts.setdefault(backend, Counter())
                # What a fixture skips or fails never comes to its call.
                outcomes[report.outcome] += report.when == "call" or not report.passed
                seconds[backend] = seconds.get(backend, 0.0) + report.duration
    return [
        f"contract of {backend}: "
        + ", ".join(f"{n} {outcome}" for outcome, n in sorted(outcomes.items()) if n)
        + f" in {seconds[backend]:.1f} s"
        for backend, outcomes in counts.items()
    ]


def _failure(done: Run, expect: str) -> str:
    from .reports.text import picture

    result = done.result
    lines = [f"{result.verdict}, expected {expect}: {result.sentence}"]
    if result.confirmation:
        lines.append(f"  found in leaping time; {result.confirmation.sentence}")
    lines += [f"  {line}" for line in result.story[:STORY_LINES]]
    if len(result.story) > STORY_LINES:
        lines.append(f"  ... {len(result.story) - STORY_LINES} more in the report")
    lines += [f"  {drawn}" for drawn in picture(done)]
    return "\n".join(lines)
