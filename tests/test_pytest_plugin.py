"""The pytest plugin as its users meet it: small test files, run by a pytest in a process of
its own."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from jobquake.artifacts import MOST_KEPT
from jobquake.harness.plan.replay import Packed, decode

# pytester forgets what a test in this process imports, and these must be loaded only once.
LOADED = ("numpy", "requests", "msgspec", "simpy")
OURS = ("api", "own_app", "project", "reports.html", "scenarios.registry", "scenarios.scenario")
for name in (*LOADED, *(f"jobquake.{ours}" for ours in OURS)):
    import_module(name)

pytest_plugins = ["pytester"]

KILL = "worker-kill-before-ack"
HOLDS = f"""
def test_payments(jobquake):
    result = jobquake.run("{KILL}", driver="sim")
    assert result.verdict == "held"
    assert result.backend == "reference"
"""
BREAKS = f"""
def test_payments(jobquake):
    jobquake.run("{KILL}", backend="twin-no-lease", driver="sim", seed=3)
"""
PROVES_NOTHING = f"""
from jobquake.scenarios import registry
from msgspec.structs import replace

def test_payments(jobquake):
    idle = replace(registry.find("{KILL}").plan(0), jobs=(), producers=1)
    jobquake.run(idle, driver="sim")
"""
UNSAID = f"""
def test_payments(jobquake):
    jobquake.run("{KILL}")
"""


def output(
    pytester: pytest.Pytester, test: str, *options: str, **outcomes: int
) -> pytest.LineMatcher:
    """What pytest printed about this test file, which must have had these outcomes."""
    pytester.makepyfile(test)
    done = pytester.runpytest_inprocess(*options)
    done.assert_outcomes(**outcomes)
    return done.stdout


def summary(out: pytest.LineMatcher) -> list[str]:
    """The lines of the section that the plugin adds at the end."""
    lines = [line for line in out.lines if line]
    starts = [i for i, line in enumerate(lines) if re.fullmatch(r"=+ jobquake =+", line)]
    assert len(starts) == 1, out.str()
    section = lines[starts[0] + 1 :]
    ends = [i for i, line in enumerate(section) if line.startswith("==")]
    return section[: ends[0]]


def failure(out: pytest.LineMatcher) -> list[str]:
    """The lines that pytest shows for the one failed test."""
    told = re.search(r"\n_+ .*test_payments.* _+\n(.*?)\n==", out.str(), re.DOTALL)
    assert told, out.str()
    return told[1].splitlines()


def replayed(lines: list[str], folder: Path) -> list[Packed]:
    """The plans in the folders that the replay commands among these lines name."""
    found = [m[1] for line in lines if (m := re.search(r"jobquake replay ([^' ]+)$", line))]
    commands = [(folder / place / "replay.txt").read_text() for place in found]
    return [decode(shlex.split(command)[2]) for command in commands]


def ran(out: pytest.LineMatcher) -> tuple[str, str, int]:
    """Backend, driver and seed of the one run, as the summary tells them."""
    (line,) = [line for line in summary(out) if not line.startswith("  ")]
    _, _, backend, driver, seed = re.split(r" {2,}", line)
    return backend, driver, int(seed.removeprefix("seed "))


# -- verdicts -----------------------------------------------------------------------------


def test_a_queue_that_holds_passes(pytester: pytest.Pytester) -> None:
    out = output(pytester, HOLDS, passed=1)
    assert summary(out) == [f"held          {KILL}:default  reference  sim  seed 0"]


def test_a_broken_queue_fails_with_its_story_and_a_replay_string(pytester: pytest.Pytester) -> None:
    told = failure(output(pytester, BREAKS, failed=1))
    assert re.fullmatch(
        r"violated, expected held: job \d+ was accepted at .*; its effect never happened.*", told[0]
    )
    assert re.fullmatch(r"  \d+\.\d\d s: p\d sent the enqueue", told[1])
    (packed,) = replayed(told, pytester.path)
    assert (packed.backend, packed.driver, packed.plan.seed) == ("twin-no-lease", "sim", 3)


def test_a_failure_is_no_wall_and_shows_nothing_of_the_plugin(pytester: pytest.Pytester) -> None:
    out = output(pytester, BREAKS, failed=1)
    told = failure(out)
    assert len(told) < 26, "story and sketch fit on a screen"
    assert any(re.match(r"  w\d+ .*\[=*x", line) for line in told)
    assert all(len(line) < 250 for line in told if "jobquake replay" not in line)
    for word in ("pytest_plugin.py", "Traceback", "def run(", "Result(", "array("):
        assert word not in out.str()


def test_a_long_story_is_cut_and_says_so(pytester: pytest.Pytester) -> None:
    test = BREAKS.replace("twin-no-lease", "twin-crashes-not-counted")
    told = failure(output(pytester, test, failed=1))
    assert len(told) < 26, "story and sketch fit on a screen"
    assert any(re.match(r"  w\d+ .*\[=*x", line) for line in told)
    assert any(re.fullmatch(r"  \.\.\. \d+ more in the report", line) for line in told)


def test_a_run_that_proves_nothing_is_no_pass(pytester: pytest.Pytester) -> None:
    told = failure(output(pytester, PROVES_NOTHING, failed=1))
    assert told[0].startswith("inconclusive, expected held: ")


def test_an_expected_violation_passes(pytester: pytest.Pytester) -> None:
    test = BREAKS.replace("seed=3", "expect='violated'")
    assert summary(output(pytester, test, passed=1))[0].startswith("violated ")


def test_a_violation_that_did_not_come_fails(pytester: pytest.Pytester) -> None:
    test = HOLDS.replace('driver="sim"', 'driver="sim", expect="violated"')
    assert failure(output(pytester, test, failed=1))[0].startswith("held, expected violated: ")


@pytest.mark.parametrize("asked", ['"slow-job-flood:shared"', '"slow-job-flood", variant="shared"'])
def test_a_variant_is_named_in_either_way(asked: str, pytester: pytest.Pytester) -> None:
    test = f"def test_payments(jobquake): jobquake.run({asked}, driver='sim')"
    out = output(pytester, test, failed=1)
    assert summary(out)[0].startswith("violated      slow-job-flood:shared")


def test_a_scenario_and_a_backend_may_be_objects(pytester: pytest.Pytester) -> None:
    test = f"""
        from jobquake.backends import registry as backends
        from jobquake.scenarios import registry as scenarios

        def test_payments(jobquake):
            scenario, backend = scenarios.find("{KILL}"), backends.find("twin-no-lease")
            jobquake.run(scenario, backend=backend, driver="sim", expect="violated")
    """
    assert ran(output(pytester, test, passed=1)) == ("twin-no-lease", "sim", 0)


# -- the summary --------------------------------------------------------------------------

TWO = HOLDS + BREAKS.replace("test_payments", "test_others")


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_summary_names_every_run_and_how_to_see_failures_again(
    options: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(TWO)
    done = pytester.runpytest_inprocess(*options)
    done.assert_outcomes(passed=1, failed=1)
    lines = summary(done.stdout)
    assert sorted(line for line in lines if not line.startswith("  ")) == [
        f"held          {KILL}:default  reference  sim  seed 0",
        f"violated      {KILL}:default  twin-no-lease  sim  seed 3",
    ]
    assert [packed.backend for packed in replayed(lines, pytester.path)] == ["twin-no-lease"]


def test_a_quiet_summary_names_what_failed_and_counts_the_rest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TWO)
    lines = summary(pytester.runpytest_inprocess("-q").stdout)
    assert lines[0] == "1 run of tests that passed"
    assert [line.split()[0] for line in lines[1:]] == ["violated", "page:", "jobquake"]


def test_without_a_run_there_is_no_summary(pytester: pytest.Pytester) -> None:
    out = output(pytester, "def test_nothing(): pass", passed=1)
    assert not any(re.fullmatch(r"=+ jobquake =+", line) for line in out.lines)


# -- options and the marker ---------------------------------------------------------------

MARKED = f"""
import pytest

@pytest.mark.jobquake(backend="reference", driver="sim", seed=5)
def test_payments(jobquake):
    jobquake.run("{KILL}")
"""
SAID = ("--jobquake-backend=reference-sqlite", "--jobquake-driver=sim", "--jobquake-seed=6")


@pytest.mark.parametrize(
    ("test", "options", "expected"),
    [
        (UNSAID, ("--jobquake-driver=sim",), ("reference", "sim", 0)),
        (MARKED, (), ("reference", "sim", 5)),
        (UNSAID, SAID, ("reference-sqlite", "sim", 6)),
        (MARKED, SAID, ("reference-sqlite", "sim", 6)),
        (MARKED, ("--jobquake-seed=0",), ("reference", "sim", 0)),
        (MARKED.replace('ack"', 'ack", seed=0'), SAID, ("reference-sqlite", "sim", 0)),
        (MARKED.replace('ack"', 'ack", backend="reference"'), SAID, ("reference", "sim", 6)),
        (MARKED.replace('"sim"', '"process"'), SAID, ("reference-sqlite", "sim", 6)),
    ],
    ids=[
        "defaults",
        "marker",
        "command line",
        "command line over marker",
        "seed 0 is a seed",
        "argument over all: seed",
        "argument over all: backend",
        "driver",
    ],
)
def test_an_argument_beats_the_command_line_beats_the_marker_beats_the_default(
    test: str, options: tuple[str, ...], expected: tuple[str, str, int], pytester: pytest.Pytester
) -> None:
    assert ran(output(pytester, test, "--strict-markers", *options, passed=1)) == expected


def test_the_default_driver_is_real_processes(pytester: pytest.Pytester) -> None:
    test = f"""
        from jobquake.scenarios import registry
        from msgspec.structs import replace

        def test_payments(jobquake):
            plan = registry.find("{KILL}").plan(0)
            one_job = replace(plan, jobs=plan.jobs[:1], faults=(), guarantees=("no_lost_work",))
            jobquake.run(one_job)
    """
    assert ran(output(pytester, test, passed=1)) == ("reference", "process", 0)


def test_markers_of_class_and_function_add_up(pytester: pytest.Pytester) -> None:
    test = f"""
        import pytest

        @pytest.mark.jobquake(driver="sim", seed=1)
        class TestPayments:
            @pytest.mark.jobquake(seed=2)
            def test_payments(self, jobquake):
                jobquake.run("{KILL}")
    """
    assert ran(output(pytester, test, passed=1)) == ("reference", "sim", 2)


def test_failing_runs_leave_a_report_where_it_was_asked_for(pytester: pytest.Pytester) -> None:
    leaves = "def test_payments(jobquake, monkeypatch, tmp_path):\n    monkeypatch.chdir(tmp_path)"
    tests = {name: BREAKS.replace("def test_payments(jobquake):", leaves) for name in ("a", "b")}
    pytester.makepyfile(**{f"test_{name}": test for name, test in tests.items()}, test_c=HOLDS)
    done = pytester.runpytest_subprocess("--jobquake-report=reports")
    done.assert_outcomes(failed=2, passed=1)
    # In CI pytest repeats a failure's whole text in its short summary, hence a set.
    told = {line.removeprefix("report: ") for line in done.outlines if line.startswith("report: ")}
    pages = list((pytester.path / "reports").glob("*/*/report.html"))
    assert sorted(told) == sorted(str(page.relative_to(pytester.path)) for page in pages)
    assert len(pages) == 2, "tests of the same name do not overwrite each other"
    assert all((page.parent / "history.npy").exists() for page in pages)


def test_a_report_that_cannot_be_written_does_not_hide_the_story(pytester: pytest.Pytester) -> None:
    (pytester.path / "file").write_text("")
    told = failure(output(pytester, BREAKS, "--jobquake-report=file/deep", failed=1))
    assert told[0].startswith("violated, expected held: ")
    assert told[-2].startswith("report: expected to write it below ")
    assert told[-1].startswith("replay: jobquake replay 'jq1:")


# -- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("test", "options", "sentence"),
    [
        (HOLDS.replace(KILL, "worker-kil"), (), f"'worker-kil'; did you mean '{KILL}'?"),
        (HOLDS.replace(KILL, "slow-job-flood:sharde"), (), "'sharde'; did you mean 'shared'?"),
        (HOLDS.replace('"sim"', '"simm"'), (), "'simm'; did you mean 'sim'?"),
        (BREAKS.replace("no-lease", "no-leas"), (), "did you mean 'twin-no-lease'?"),
        (UNSAID, ("--jobquake-backend=refrence",), "'refrence'; did you mean 'reference'?"),
        (MARKED.replace('"sim"', '"docker"'), (), "'docker'; known are process, sim"),
    ],
    ids=["scenario", "variant", "driver", "backend", "option", "marker"],
)
def test_an_unknown_name_is_one_sentence_with_the_nearest(
    test: str, options: tuple[str, ...], sentence: str, pytester: pytest.Pytester
) -> None:
    (told,) = failure(output(pytester, test, *options, failed=1))
    assert told.startswith("expected the name of a ")
    assert told.endswith(sentence)


@pytest.mark.parametrize("marker", ['(bakend="reference")', '("reference")'])
def test_a_wrong_marker_is_an_error_and_not_ignored(marker: str, pytester: pytest.Pytester) -> None:
    test = f"import pytest\n@pytest.mark.jobquake{marker}{HOLDS}"
    (told,) = failure(output(pytester, test, errors=1))
    assert told.startswith("expected @pytest.mark.jobquake(scenario=..., backend=..., driver=..., ")


def test_an_unknown_driver_on_the_command_line_stops_pytest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(HOLDS)
    done = pytester.runpytest_subprocess("--jobquake-driver=docker")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert "--jobquake-driver" in done.stderr.str()


def test_processes_that_cannot_be_run_are_one_sentence(pytester: pytest.Pytester) -> None:
    test = f"""
        from jobquake.backends.reference.adapter import ReferenceAdapter

        def test_payments(jobquake):
            jobquake.run("{KILL}", backend=ReferenceAdapter("unknown-to-workers", "..."))
    """
    (told,) = failure(output(pytester, test, failed=1))
    assert told.startswith("expected a backend that worker processes find by its name")


# -- weight -------------------------------------------------------------------------------

# Alone: Hypothesis's own plugin imports Hypothesis when tests are collected.
WEIGH = """
import os, sys, pytest
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
assert pytest.main(["-q", "--collect-only", "-p", "jobquake.pytest_plugin"]) == 0
assert "jobquake.pytest_plugin" in sys.modules
heavy = {"numpy", "simpy", "hypothesis", "jinja2", "msgspec", "rich", "click", "psutil"}
print("heavy:", *sorted(heavy & set(sys.modules)))
"""


def test_the_plugin_imports_nothing_heavy_until_a_test_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "test_trivial.py").write_text("def test_trivial(): pass\n")
    command = [sys.executable, "-c", WEIGH]
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "heavy:"


# -- scenarios that one driver alone can run ------------------------------------------------


def test_a_scenario_for_the_simulator_is_run_there_and_another_driver_fails_the_test(
    pytester: pytest.Pytester,
) -> None:
    test = 'def test_payments(jobquake):\n    jobquake.run("duplicate-a-day-later")\n'
    assert ran(output(pytester, test, passed=1)) == ("reference", "sim", 0)
    told = failure(output(pytester, test, "--jobquake-driver=process", failed=1))
    assert told == [
        (
            "expected the driver 'sim', the only one that can run duplicate-a-day-later, "
            "found 'process'; leave the driver out, or run another scenario"
        )
    ]


# -- what is kept of failing tests ----------------------------------------------------------

LATER_RED = f"""
import jobquake as api

def test_payments():
    run = api.run("{KILL}", backend="twin-no-lease", driver="sim", seed=3)
    assert run.result.outcomes.get("lost", 0) == 0
"""


def kept(pytester: pytest.Pytester, folder: str = ".jobquake") -> list[str]:
    """The folders of runs that were kept, below that folder."""
    root = pytester.path / folder
    return sorted(str(page.parent.relative_to(root)) for page in root.glob("**/report.html"))


def test_whatever_a_failing_test_has_run_is_kept_and_named(pytester: pytest.Pytester) -> None:
    out = output(pytester, LATER_RED, failed=1)
    (folder,) = kept(pytester)
    assert folder.endswith(f".py-test_payments/{KILL}-default-3")
    assert f"  page: .jobquake/{folder}/report.html" in summary(out)
    assert f"  jobquake replay .jobquake/{folder}" in summary(out)
    names = {file.name for file in (pytester.path / ".jobquake" / folder).iterdir()}
    assert {"report.html", "history.npy", "plan.json", "result.json", "replay.txt"} <= names
    assert (pytester.path / ".jobquake" / ".gitignore").read_text().endswith("*\n")


def test_a_test_that_passes_leaves_nothing_and_forgets_what_was_kept(
    pytester: pytest.Pytester,
) -> None:
    file = pytester.makepyfile(test_it=BREAKS)
    pytester.runpytest_inprocess().assert_outcomes(failed=1)
    assert kept(pytester)
    file.write_text(BREAKS.replace("seed=3", 'expect="violated"'))
    out = pytester.runpytest_inprocess().stdout
    assert not kept(pytester)
    assert not [line for line in summary(out) if "jobquake replay" in line]


def test_where_to_keep_is_a_setting_of_pytest_and_may_be_nowhere(
    pytester: pytest.Pytester,
) -> None:
    pytester.makeini("[pytest]\njobquake_artifacts = out/quake")
    output(pytester, BREAKS, failed=1)
    assert len(kept(pytester, "out/quake")) == 1
    pytester.makeini("[pytest]\njobquake_artifacts =")
    told = failure(output(pytester, BREAKS, "--override-ini=jobquake_artifacts=", failed=1))
    assert told[-1].startswith("replay: jobquake replay 'jq1:")
    assert not (pytester.path / ".jobquake").exists()


def test_parameters_and_runs_of_one_test_are_kept_apart(pytester: pytest.Pytester) -> None:
    test = f"""
        import pytest

        @pytest.mark.parametrize("what", ["a b", "a/b"])
        def test_payments(jobquake, what):
            jobquake.run("{KILL}", backend="twin-no-lease", driver="sim", expect="violated")
            jobquake.run("{KILL}", backend="twin-no-lease", driver="sim")
    """
    output(pytester, test, failed=2)
    assert len(kept(pytester)) == 4


@pytest.mark.parametrize(
    "options",
    [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)],
    ids=["alone", "xdist"],
)
def test_each_attempt_at_a_test_is_counted_once(
    options: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    test = BREAKS.replace("(jobquake):", "(jobquake, attempts=[]):\n    attempts.append(1)")
    test = test.replace("seed=3)", 'seed=3, expect="violated" if attempts[2:] else "held")')
    pytester.makepyfile(test_it=test)
    done = pytester.runpytest_inprocess("--reruns", "3", *options)
    done.assert_outcomes(passed=1)
    lines = [line for line in summary(done.stdout) if not line.startswith("  ")]
    told = f"violated      {KILL}:default  twin-no-lease  sim  seed 3"
    assert sorted(lines) == [told, *[f"{told}  (the test was run again)"] * 2]
    assert kept(pytester) == [
        f"test_it.py-test_payments/{KILL}-default-3",
        f"test_it.py-test_payments/{KILL}-default-3-2",
    ]


def test_a_run_of_a_shared_fixture_is_told_once_and_kept_where_it_was_asserted(
    pytester: pytest.Pytester,
) -> None:
    test = f"""
        import jobquake as api, pytest
        from jobquake.own_app import not_held

        @pytest.fixture(scope="module")
        def run():
            return api.run("{KILL}", backend="twin-no-lease", driver="sim", seed=3)

        def test_first(run): pass
        def test_second(run):
            raise not_held("lost", run)
    """
    out = output(pytester, test, passed=1, failed=1)
    assert len([line for line in summary(out) if not line.startswith("  ")]) == 1
    assert ["-test_second/" in folder for folder in kept(pytester)] == [True]
    assert "report: .jobquake/" in out.str()


def test_of_many_runs_each_is_counted_and_the_last_are_kept(pytester: pytest.Pytester) -> None:
    test = f"""
        from jobquake import PlannedJob, Plan, Pool, Queue
        import jobquake as api

        PLAN = Plan(
            scenario="tiny", variant="default", seed=0, queues=(Queue("mail"),),
            pools=(Pool("all", ("mail",), 1),), jobs=(PlannedJob(0.0, 0, 0.1),), faults=(),
            guarantees=("no_lost_work",),
        )

        def test_payments():
            for _ in range({MOST_KEPT + 3}):
                api.run(PLAN, driver="sim")
            assert False
    """
    out = output(pytester, test, failed=1)
    assert len([line for line in summary(out) if line.startswith("held ")]) == MOST_KEPT + 3
    assert len(kept(pytester)) == MOST_KEPT


def test_the_file_for_ci_servers_has_every_run(pytester: pytest.Pytester) -> None:
    output(pytester, BREAKS, "--junit-xml=junit.xml", failed=1)
    text = (pytester.path / "junit.xml").read_text()
    assert text.count('<property name="jobquake"') == 1
    assert "report.html" in text


# -- apps -----------------------------------------------------------------------------------

NOWHERE = '[tool.jobquake]\napp = "nowhere:app"\n'


@pytest.mark.parametrize(
    ("test", "project", "sentence"),
    [
        (f'jobquake.run("{KILL}", app="nowhere:app")', "", "expected a module nowhere in"),
        (f'jobquake.run("{KILL}")', NOWHERE, "expected a module nowhere in"),
        ("jobquake.run()", NOWHERE, "expected a module nowhere in"),
        ('jobquake.run(app="elsewhere:app")', NOWHERE, "expected a module elsewhere in"),
        (f'jobquake.run("{KILL}", task="a.b")', "", "expected an app beside task=..., found none"),
        ('jobquake.run(effects="sink")', "", "expected an app beside effects=..., found none"),
        ('jobquake.run(app="a:b", services=["p"])', "", "expected NAME=HOST:PORT=COMMAND as"),
        ('jobquake.run(app="a:b", backend="reference")', "", "expected an app or a queue"),
        ('jobquake.run("nothing", app="a:b")', "", "expected the name of a scenario"),
        ("jobquake.run()", NOWHERE + "tasks = 1", "expected a key of [tool.jobquake] in"),
    ],
)
def test_what_is_wrong_with_an_app_is_one_sentence(
    test: str, project: str, sentence: str, pytester: pytest.Pytester
) -> None:
    pytester.makepyprojecttoml(project)
    (told,) = failure(output(pytester, f"def test_payments(jobquake): {test}", failed=1))
    assert told.startswith(sentence)


@pytest.mark.parametrize(
    ("marker", "options"),
    [
        ('backend="reference", driver="sim"', ()),
        ('app="elsewhere:app"', ("--jobquake-backend=reference", "--jobquake-driver=sim")),
    ],
    ids=["marker over project", "command line over marker"],
)
def test_who_names_a_queue_means_no_app(
    marker: str, options: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    pytester.makepyprojecttoml(NOWHERE)
    test = f"import pytest\n@pytest.mark.jobquake({marker})\n{UNSAID}"
    assert ran(output(pytester, test, *options, passed=1)) == ("reference", "sim", 0)
