"""The pytest plugin: a fixture that shakes a backend, and a summary that can be replayed.

Thin, and imports nothing heavy until a test asks for it. Results travel as user
properties of the test reports, so the summary is whole under pytest-xdist, too.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .backends.adapter import Adapter
    from .harness.checks.finding import Verdict
    from .harness.plan import Plan
    from .harness.result import Result
    from .harness.run import Driver
    from .scenarios.scenario import Scenario

PROPERTY = "jobquake"
STORY_LINES = 12


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("jobquake", "shaking job queues")
    group.addoption("--jobquake-backend", metavar="NAME", help="backend to shake (reference)")
    group.addoption("--jobquake-driver", choices=["sim", "process"], help="driver (process)")
    group.addoption("--jobquake-seed", type=int, metavar="N", help="seed of the plans (0)")
    group.addoption(
        "--jobquake-report", metavar="DIR", help="where failing runs leave their reports"
    )


def pytest_configure(config: pytest.Config) -> None:
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
        backend: str | Adapter | None = None,
        driver: Driver | None = None,
        seed: int | None = None,
        expect: Verdict = "held",
    ) -> Result:
        """Run a scenario (a name, ``name:variant``, a Scenario or a Plan) and judge it.

        The test fails, with the story in a few lines, unless the verdict is ``expect``;
        an inconclusive run is never a pass. What is not given comes from the command
        line, then from the marker, then from the defaults: backend ``reference``,
        driver ``process``, seed 0.
        """
        from .harness.run import run

        plan = self._plan(scenario, variant, self._choose("seed", seed, 0))
        done = run(plan, self._adapter(backend), self._choose("driver", driver, "process"))
        result = done.result
        properties = self._request.node.user_properties
        properties.append((PROPERTY, [result.verdict, _name(result), result.replay]))
        if result.verdict != expect:
            report = self._keep(done)
            pytest.fail(_failure(result, expect, report), pytrace=False)
        return result

    def _choose(self, what: str, given: Any, default: Any) -> Any:
        if given is not None:
            return given
        found = self._defaults.get(what)
        return default if found is None else found

    def _plan(self, scenario: str | Scenario | Plan, variant: str | None, seed: int) -> Plan:
        from .harness.plan import Plan
        from .scenarios import registry

        if isinstance(scenario, Plan):
            return scenario
        if isinstance(scenario, str):
            name, _, suffix = scenario.partition(":")
            variant = variant or suffix or None
            if name not in registry.names():
                raise pytest.UsageError(
                    f"expected a scenario, found {name!r}; known are {', '.join(registry.names())}"
                )
            scenario = registry.find(name)
        return scenario.plan(seed, variant)

    def _adapter(self, backend: str | Adapter | None) -> Adapter:
        from .backends import registry

        chosen = self._choose("backend", backend, "reference")
        if not isinstance(chosen, str):
            adapter: Adapter = chosen
            return adapter
        if chosen not in registry.names():
            raise pytest.UsageError(
                f"expected a backend, found {chosen!r}; known are {', '.join(registry.names())}"
            )
        return registry.find(chosen)

    def _keep(self, done: Any) -> Path | None:
        from .harness.run import save
        from .reports import html

        folder = self._request.config.getoption("--jobquake-report")
        if not folder:
            return None
        page = html.page(done.result, done.plan, done.claims, done.history)
        test = "".join(c if c.isalnum() else "-" for c in self._request.node.name)
        path = Path(folder) / f"{test}-{done.result.scenario}-{done.result.seed}"
        save(done, path, {"report.html": page})
        return path / "report.html"


@pytest.fixture
def jobquake(request: pytest.FixtureRequest) -> Shaker:
    """Shake a job queue: ``jobquake.run("worker-kill-before-ack", backend="reference")``."""
    marker = request.node.get_closest_marker("jobquake")
    defaults = dict(marker.kwargs) if marker else {}
    for what in ("backend", "driver", "seed"):
        option = request.config.getoption(f"--jobquake-{what}")
        if option is not None:
            defaults[what] = option
    return Shaker(request, defaults)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        value
        for reports in list(terminalreporter.stats.values())
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if not lines:
        return
    terminalreporter.section("jobquake")
    for verdict, name, replay in lines:
        terminalreporter.write_line(f"{verdict:<12}  {name}")
        if verdict != "held":
            terminalreporter.write_line(f"  jobquake replay '{replay}'")


def _name(result: Result) -> str:
    return (
        f"{result.scenario}:{result.variant}  {result.backend}  {result.driver}  seed {result.seed}"
    )


def _failure(result: Result, expect: str, report: Path | None) -> str:
    lines = [f"{result.verdict}, expected {expect}: {result.sentence}"]
    lines += [f"  {line}" for line in result.story[:STORY_LINES]]
    if len(result.story) > STORY_LINES:
        lines.append(f"  ... {len(result.story) - STORY_LINES} more in the report")
    lines.append(f"replay: jobquake replay '{result.replay}'")
    if report:
        lines.append(f"report: {report}")
    return "\n".join(lines)
