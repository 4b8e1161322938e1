"""The pytest plugin: a fixture that shakes a backend, and a summary that can be replayed.

Thin, and imports nothing heavy until a test asks for it. Results travel as user
properties of the test reports, so the summary is whole under pytest-xdist, too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .backends.adapter import RemoteQueue
    from .harness.finding import Verdict
    from .harness.plan.plan import Plan
    from .harness.result import Result
    from .harness.run import Driver, Run
    from .scenarios.scenario import Scenario

PROPERTY = "jobquake"
CONTRACT = "jobquake-contract"  # as the contract suite writes it
OPTIONS = ("backend", "driver", "seed")
STORY_LINES = 12


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
        "--jobquake-report",
        metavar="DIR",
        help="write a report of each failing run below this folder",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Before the plugin of Hypothesis, which loads the profile that the command line names.
    if str(config.getoption("--hypothesis-profile", None)).startswith("jobquake-"):
        from .harness.strategies import register_profiles

        register_profiles()
    config.addinivalue_line(
        "markers",
        "jobquake(backend=None, driver=None, seed=None): "
        "what the jobquake fixture uses in this test unless the command line says otherwise",
    )


class Shaker:
    """What the fixture ``jobquake`` gives to a test."""

    def __init__(self, request: pytest.FixtureRequest, defaults: dict[str, Any]) -> None:
        self._request = request
        self._defaults = defaults

    def run(
        self,
        scenario: str | Scenario | Plan,
        *,
        variant: str | None = None,
        backend: str | RemoteQueue | None = None,
        driver: Driver | None = None,
        seed: int | None = None,
        expect: Verdict = "held",
    ) -> Result:
        """Run a scenario (a name, ``name:variant``, a Scenario or a Plan) and judge it.

        The test fails, with the story in a few lines, unless the verdict is ``expect``;
        an inconclusive run is never a pass. What is not given comes from the command
        line, then from the marker, then from the defaults: backend ``reference``,
        driver ``process``, seed 0. A name that nothing has, and a machine on which no
        processes can be run, fail the test with one sentence.
        """
        from .api import BACKEND, run
        from .errors import JobquakeError

        try:
            done = run(
                scenario,
                self._choose("backend", backend, BACKEND),
                self._choose("driver", driver, None),
                toxiproxy=self._request.config.getoption("--jobquake-toxiproxy"),
                time=self._request.config.getoption("--jobquake-time"),
                seed=self._choose("seed", seed, 0),
                variant=variant,
            )
        except JobquakeError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        result = done.result
        properties = self._request.node.user_properties
        properties.append((PROPERTY, [result.verdict, _name(result), result.replay]))
        if result.verdict != expect:
            report = self._keep(done)
            pytest.fail(_failure(done, expect, report), pytrace=False)
        return result

    def _choose(self, what: str, given: Any, default: Any) -> Any:
        if given is not None:
            return given
        found = self._defaults.get(what)
        return default if found is None else found

    def _keep(self, done: Run) -> str | None:
        """Write the report if one was asked for; where it is, or why it could not be written."""
        from .harness.run_folder import folder_name, save
        from .reports import html

        config = self._request.config
        folder = config.getoption("--jobquake-report")
        if not folder:
            return None
        page = html.page(done.result, done.plan, done.claims, done.history)
        # Tests in different files may have the same name.
        name = folder_name(self._request.node.nodeid, done.result.scenario, done.result.seed)
        path = config.invocation_params.dir / folder / name
        try:
            save(done, path, {"report.html": page})
        except OSError as error:
            return f"expected to write it to {path}, found: {error.strerror}"
        return str(path / "report.html")


@pytest.fixture
def jobquake(request: pytest.FixtureRequest) -> Shaker:
    """Shake a job queue: ``jobquake.run("worker-kill-before-ack", backend="reference")``."""
    defaults: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("jobquake"))):
        wrong = [*marker.args, *(name for name in marker.kwargs if name not in OPTIONS)]
        if wrong:
            told = ", ".join(f"{name}=..." for name in OPTIONS)
            pytest.fail(
                f"expected @pytest.mark.jobquake({told}), found {wrong[0]!r}", pytrace=False
            )
        defaults |= marker.kwargs
    for what in OPTIONS:
        option = request.config.getoption(f"--jobquake-{what}")
        if option is not None:
            defaults[what] = option
    return Shaker(request, defaults)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [
        report
        for of_kind in list(terminalreporter.stats.values())
        for report in of_kind
        if isinstance(report, pytest.TestReport)
    ]
    lines: list[Any] = [
        value
        for report in reports
        if report.when == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    contracts = _contracts(reports)
    if not lines and not contracts:
        return
    terminalreporter.section("jobquake")
    for line in contracts:
        terminalreporter.write_line(line)
    for verdict, name, replay in lines:
        terminalreporter.write_line(f"{verdict:<12}  {name}")
        if verdict != "held":
            terminalreporter.write_line(f"  jobquake replay '{replay}'")


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


def _name(result: Result) -> str:
    return (
        f"{result.scenario}:{result.variant}  {result.backend}  {result.driver}  seed {result.seed}"
    )


def _failure(done: Run, expect: str, report: str | None) -> str:
    from .reports.text import picture

    result = done.result
    lines = [f"{result.verdict}, expected {expect}: {result.sentence}"]
    lines += [f"  {line}" for line in result.story[:STORY_LINES]]
    if len(result.story) > STORY_LINES:
        lines.append(f"  ... {len(result.story) - STORY_LINES} more in the report")
    lines += [f"  {drawn}" for drawn in picture(done)]
    lines.append(f"replay: {result.replay_command}")
    if report:
        lines.append(f"report: {report}")
    return "\n".join(lines)
