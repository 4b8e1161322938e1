"""The command line as its users meet it: words in, sentences and exit codes out.

Every test starts the command as a process of its own, since exit codes, closed pipes and
the absence of tracebacks are what is promised.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from jobquake.backends import registry as backends
from jobquake.experiments import experiments_of, packed_of
from jobquake.harness.plan.replay import decode, encode
from jobquake.harness.result import OPTIONS
from jobquake.harness.run import run
from jobquake.scenarios import registry as scenarios
from jobquake.skipping import sort_out
from msgspec.structs import replace
from support.command import (
    COMMAND,
    ENVIRON,
    ENVIRONMENT,
    HELD,
    INCONCLUSIVE,
    SIM,
    UNREAD,
    USAGE,
    VIOLATED,
    complaint,
    jobquake,
)

KILL, FLOOD = "worker-kill-before-ack", "slow-job-flood"


def replay_string(scenario: str, backend: str = "reference") -> str:
    return encode(scenarios.find(scenario).plan(0), backend, "sim")


# -- what is there ------------------------------------------------------------------------


def test_list_names_every_scenario_control_and_backend(tmp_path: Path) -> None:
    told = jobquake("list", within=tmp_path, code=HELD).stdout
    assert set(scenarios.names()) | set(backends.names()) <= set(told.split())
    assert "slow-job-flood:shared  control: must violate no_starvation" in told
    for name in backends.names():
        if check := backends.find(name).violates:
            assert re.search(rf"{name} .*caught by {check}.*\n    bug class: \w", told)


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    assert "Usage: jobquake" in jobquake(within=tmp_path, code=HELD).stdout


def test_the_installed_script_is_the_module(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("jobquake")
    told = subprocess.run([script, "list"], capture_output=True, text=True, check=True).stdout
    assert told == jobquake("list", within=tmp_path, code=HELD).stdout


# -- verdicts -----------------------------------------------------------------------------


def test_the_main_scenarios_run_if_none_is_named_and_every_one_if_asked(tmp_path: Path) -> None:
    told = jobquake("run", *SIM, "--json", within=tmp_path, code=HELD)
    assert {run["scenario"] for run in json.loads(told.stdout)} == set(scenarios.main())
    told = jobquake("run", "--all", *SIM, "--json", within=tmp_path, code=HELD)
    simulated = {name for name in scenarios.names() if scenarios.find(name).driver != "process"}
    assert {run["scenario"] for run in json.loads(told.stdout)} == simulated
    said = complaint("run", "--all", KILL, *SIM, within=tmp_path, code=USAGE)
    assert "--all" in said and KILL in said


def test_a_scenario_that_only_one_driver_can_run_runs_with_that_one(tmp_path: Path) -> None:
    told = jobquake("run", "duplicate-a-day-later", within=tmp_path, code=HELD).stdout
    assert re.match(r"held +duplicate-a-day-later:promised +reference  sim  seed 0 ", told)
    for command in ("run", "soak"):
        words = (command, "duplicate-a-day-later", "--driver", "process")
        said = complaint(*words, within=tmp_path, code=USAGE)
        assert said.startswith(
            "jobquake: expected the driver 'sim', the only one that can run duplicate-a-day-later, "
            "found 'process'; "
        )
    every = {e.plan.scenario: e.driver for e in experiments_of((), 0, True, None)}
    assert every["duplicate-a-day-later"] == "sim" and every[KILL] == "process"
    real, skipped = sort_out(experiments_of((), 0, True, "process"), [backends.find("reference")])
    assert KILL in {experiment.plan.scenario for _, experiment in real}
    assert "duplicate-a-day-later" not in {experiment.plan.scenario for _, experiment in real}
    assert (
        "skipped duplicate-a-day-later:promised on reference: only the driver sim can run it"
        in {skip.sentence for skip in skipped}
    )


def test_a_queue_that_holds_ends_with_0_and_leaves_a_run_folder(tmp_path: Path) -> None:
    told = jobquake("run", KILL, *SIM, within=tmp_path, code=HELD).stdout
    assert told.startswith(f"held          {KILL}")
    folder = tmp_path / "jobquake-runs" / f"{KILL}-default-reference-sim-0"
    names = {file.name for file in folder.iterdir()}
    assert names == {"run.json", "plan.json", "history.npy", "result.json", "report.html"}
    assert [p.name for p in tmp_path.rglob(".*")] == [], "nothing half-done is left"


def test_a_broken_queue_ends_with_1_and_tells_what_happened(tmp_path: Path) -> None:
    twin = ("--backend", "twin-no-lease")
    told = jobquake("run", KILL, *twin, *SIM, "--full", within=tmp_path, code=VIOLATED).stdout
    sentence = r"  violated: job \d+ was accepted at .* its effect never happened.*"
    assert any(re.fullmatch(sentence, line) for line in told.splitlines()), "one line to grep"
    found = re.search(r"jobquake replay '(.*)'", told)
    assert found
    assert decode(found[1]).plan == scenarios.find(KILL).plan(0)
    assert decode(found[1]).backend == "twin-no-lease"


def test_a_plan_that_can_prove_nothing_ends_with_4(tmp_path: Path) -> None:
    idle = replace(scenarios.find(KILL).plan(0), jobs=(), producers=1)
    told = jobquake("replay", encode(idle, "reference", "sim"), within=tmp_path, code=INCONCLUSIVE)
    assert told.stdout.startswith("inconclusive ")


def test_network_faults_asked_for_where_no_network_is_end_with_2(tmp_path: Path) -> None:
    words = ("run", "network-timeout", "--backend", "reference-sqlite")
    said = complaint(*words, within=tmp_path, code=USAGE)
    assert "found network-timeout: it is reached over no network" in said


def test_a_control_holds_because_its_check_finds_it_wanting(tmp_path: Path) -> None:
    told = jobquake("run", FLOOD, *SIM, within=tmp_path, code=HELD).stdout
    assert "control: no_starvation violated: caught, as it must be" in told
    assert re.search(rf"^caught +{FLOOD}:shared ", told, re.MULTILINE), "nothing held there"


def test_what_to_type_next_is_short_and_shows_the_same(tmp_path: Path) -> None:
    words = ("run", f"{KILL}:default", "--backend", "twin-no-lease", *SIM)
    told = jobquake(*words, within=tmp_path, code=VIOLATED).stdout
    assert "jq1:" not in told and "in place of" not in told
    again = re.search(r"replay: jobquake (.*)", told)
    assert again and len(again[0]) < 100
    replayed = jobquake(*shlex.split(again[1]), within=tmp_path, code=VIOLATED).stdout
    assert replayed.splitlines()[:2] == told.splitlines()[:2]
    assert "(in place of an earlier run)" in replayed
    told = jobquake(*words, "--report", "a.html", within=tmp_path, code=VIOLATED).stdout
    assert "replay: the command is on a.html; --full shows it here" in told
    assert "jobquake replay" in (tmp_path / "a.html").read_text()


def test_a_control_asked_for_by_name_is_judged_like_any_other(tmp_path: Path) -> None:
    jobquake("run", f"{FLOOD}:shared", *SIM, within=tmp_path, code=VIOLATED)


def test_one_violation_among_many_runs_decides(tmp_path: Path) -> None:
    told = jobquake("run", FLOOD, f"{FLOOD}:shared", *SIM, within=tmp_path, code=VIOLATED).stdout
    verdicts = [line.split()[0] for line in told.splitlines() if line[0] != " "]
    assert verdicts == ["held", "caught", "violated"]


# -- what it writes -----------------------------------------------------------------------


def test_json_is_all_that_stands_on_standard_output(tmp_path: Path) -> None:
    done = jobquake("run", FLOOD, *SIM, "--json", within=tmp_path, code=HELD)
    results = json.loads(done.stdout)
    assert [(r["variant"], r["verdict"]) for r in results] == [
        ("isolated", "held"),
        ("shared", "violated"),
    ]
    assert "report:" in done.stderr, "people still see what happens"


def test_a_name_ending_in_html_is_one_page(tmp_path: Path) -> None:
    jobquake("run", KILL, *SIM, "--report", "deep/page.html", within=tmp_path, code=HELD)
    assert [p.name for p in tmp_path.rglob("*")] == ["deep", "page.html"]
    assert (tmp_path / "deep" / "page.html").read_text().startswith("<!doctype html>")


def test_one_page_is_not_enough_for_two_runs(tmp_path: Path) -> None:
    said = complaint("run", FLOOD, *SIM, "--report", "x.html", within=tmp_path, code=USAGE)
    assert "expected a folder for the reports of 2 runs" in said


def test_a_folder_may_be_called_html(tmp_path: Path) -> None:
    (tmp_path / "runs.html").mkdir()
    jobquake("run", KILL, *SIM, "--report", "runs.html", within=tmp_path, code=HELD)
    assert list(tmp_path.glob("runs.html/*/report.html"))


def test_the_same_run_again_replaces_its_folder(tmp_path: Path) -> None:
    for _ in range(2):
        jobquake("run", KILL, *SIM, "--report", "out", within=tmp_path, code=HELD)
    assert [p.name for p in (tmp_path / "out").iterdir()] == [f"{KILL}-default-reference-sim-0"]


def test_without_a_terminal_there_are_no_control_characters(tmp_path: Path) -> None:
    done = jobquake("run", KILL, "--backend", "twin-no-lease", *SIM, within=tmp_path, code=VIOLATED)
    assert all(c.isprintable() or c == "\n" for c in done.stdout + done.stderr)


# -- replay -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "backend", "code"),
    [(KILL, "twin-no-lease", VIOLATED), (FLOOD, "reference", HELD)],
)
def test_a_run_folder_replays_to_the_same_result(
    scenario: str, backend: str, code: int, tmp_path: Path
) -> None:
    jobquake("run", scenario, "--backend", backend, *SIM, within=tmp_path, code=code)
    for manifest in sorted((tmp_path / "jobquake-runs").glob("*/run.json")):
        folder = manifest.parent
        jobquake("replay", str(folder), "--report", "again", within=tmp_path, code=code)
        again = tmp_path / "again" / folder.name
        for name in ("history.npy", "plan.json", "result.json"):
            assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_replaying_a_folder_says_how_it_ended_then(tmp_path: Path) -> None:
    jobquake("run", KILL, "--backend", "twin-no-lease", *SIM, within=tmp_path, code=VIOLATED)
    (folder,) = (tmp_path / "jobquake-runs").iterdir()
    done = jobquake("replay", str(folder), "--json", within=tmp_path, code=VIOLATED)
    (now,) = json.loads(done.stdout)
    assert f"then: violated: {now['sentence']}" in done.stderr


def test_a_plan_can_be_replayed_on_another_backend(tmp_path: Path) -> None:
    text = replay_string(KILL, "twin-no-lease")
    jobquake("replay", text, within=tmp_path, code=VIOLATED)
    jobquake("replay", text, "--backend", "reference", within=tmp_path, code=HELD)


def test_a_plan_with_a_name_like_markup_is_told_as_it_is(tmp_path: Path) -> None:
    plan = replace(scenarios.find(KILL).plan(0), scenario="[/bold]:boom:", variant="[red]")
    text = encode(plan, "twin-no-lease", "sim")
    told = jobquake("replay", text, "--report", "x.html", within=tmp_path, code=VIOLATED).stdout
    assert told.startswith("violated      [/bold]:boom::[red] ")


@pytest.mark.parametrize("name", ["../../out", "/out", "a/b", ".", "ö" * 300])
def test_a_strangers_plan_writes_only_into_the_report_folder(name: str, tmp_path: Path) -> None:
    plan = replace(scenarios.find(KILL).plan(0), scenario=name)
    text = encode(plan, "reference", "sim")
    jobquake("replay", text, "--report", "a/b/out", within=tmp_path, code=HELD)
    (page,) = tmp_path.rglob("report.html")
    assert page.parent.parent == tmp_path / "a" / "b" / "out"


def test_the_demo_finds_a_loss_in_real_processes(tmp_path: Path) -> None:
    told = jobquake("demo", within=tmp_path, code=HELD).stdout
    assert "its effect never happened" in told
    folder = re.search(r"jobquake replay (.*)", told)
    page = re.search(r"report: (.*)", told)
    assert folder
    assert page
    assert packed_of(str(tmp_path / folder[1]))[0].driver == "process"
    assert (tmp_path / page[1]).read_text().startswith("<!doctype html>")


# -- usage errors: 2 ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("run", "worker-kil"), f"did you mean '{KILL}'?"),
        (("run", KILL, "nothing-like-it"), "known are worker-kill-before-ack, "),
        (("run", f"{FLOOD}:sharde"), "did you mean 'shared'?"),
        (("run", KILL, "--backend", "twin-no-leas"), "did you mean 'twin-no-lease'?"),
        (("replay", replay_string(KILL, "gone")), "expected the name of a backend, found 'gone'"),
        (("broker", "--db", "q.db", "--backend", "refrence"), "did you mean 'reference'?"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    words: tuple[str, ...], hint: str, tmp_path: Path
) -> None:
    assert hint in complaint(*words, within=tmp_path, code=USAGE)


WRONG = ["nonsense", "run --nonsense", "run --seed -1", "run --driver docker", "replay", "broker"]


@pytest.mark.parametrize("line", [*WRONG, "broker --db q.db --port 65536"])
def test_wrong_words_are_a_usage_error(line: str, tmp_path: Path) -> None:
    complaint(*line.split(), within=tmp_path, code=USAGE)


WHOLE = replay_string(KILL)


@pytest.mark.parametrize(
    "text",
    [
        WHOLE[:-1],
        WHOLE[:50] + WHOLE[51:],
        WHOLE[:50] + ("B" if WHOLE[50] == "A" else "A") + WHOLE[51:],
        WHOLE.removeprefix("jq1:"),
        "jq1:",
        "jq9:" + WHOLE.removeprefix("jq1:"),
        "jq1:€",
        "no-such-folder",
        "",
    ],
    ids=["cut", "gap", "changed", "no prefix", "empty", "later", "not ascii", "folder", "nothing"],
)
def test_a_damaged_replay_string_is_refused(text: str, tmp_path: Path) -> None:
    said = complaint("replay", text, within=tmp_path, code=USAGE)
    assert "expected a" in said
    assert len(said) < 300, "the string itself is not repeated"


def test_a_plan_of_a_later_version_is_not_called_damaged(tmp_path: Path) -> None:
    plan = scenarios.find(KILL).plan(0)
    promised = encode(replace(plan, guarantees=("no_surprises",)), "reference", "sim")
    said = complaint("replay", promised, within=tmp_path, code=USAGE)
    assert "as guarantee of the plan, found 'no_surprises'" in said
    fault = encode(replace(plan, faults=("a new kind",)), "reference", "sim")
    said = complaint("replay", fault, within=tmp_path, code=USAGE)
    assert "use the jobquake version that printed it" in said
    assert "damaged" not in said


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run; each test takes a copy."""
    place = tmp_path_factory.mktemp("kept")
    jobquake("run", KILL, *SIM, "--report", "out", within=place, code=HELD)
    (folder,) = (place / "out").iterdir()
    return folder


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("run.json", '{"format": 99}', "found format 99"),
        ("run.json", "[]", "found format None"),
        ("run.json", "not json", "without a readable one"),
        ("run.json", None, "without a readable one"),
        ("run.json", '{"format": 1}', "a damaged one"),
        ("result.json", "{}", "a damaged one"),
        ("history.npy", "", "a damaged one"),
        ("history.npy", None, "a damaged one"),
    ],
)
def test_a_folder_that_this_version_cannot_read_is_refused(
    name: str, content: str | None, said: str, tmp_path: Path, kept: Path
) -> None:
    folder = Path(shutil.copytree(kept, tmp_path / "out"))
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    code = ENVIRONMENT if "damaged" in said else USAGE
    assert said in complaint("replay", str(folder), within=tmp_path, code=code)


# -- environment errors: 3 ----------------------------------------------------------------


@pytest.mark.parametrize("report", ["file/out", "file/page.html", "file/a/b"])
def test_a_report_that_cannot_be_written_is_said_before_the_run(
    report: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    said = complaint("run", KILL, *SIM, "--report", report, within=tmp_path, code=ENVIRONMENT)
    assert "expected to write reports" in said
    assert "name another place with --report" in said


@pytest.mark.parametrize("report", ["out", "page.html"])
@pytest.mark.parametrize("room", [0, 1000, 8000])
def test_a_disk_that_runs_full_leaves_no_half_report(
    report: str, room: int, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    said = complaint(
        "run", KILL, *SIM, "--report", report, within=tmp_path, code=ENVIRONMENT,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )  # fmt: skip
    assert "expected to write the report" in said
    assert "None" not in said


def test_a_port_in_use_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ("broker", "--db", "q.db", "--port", str(port))
        done = jobquake(*words, within=tmp_path, code=ENVIRONMENT)
    assert f"expected to listen on 127.0.0.1:{port}, found: Address already in use" in done.stderr


@pytest.mark.parametrize("db", ["text", "text/q.db", "missing/q.db"])
def test_a_broker_without_a_queue_file_says_so(db: str, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database")
    said = complaint("broker", "--db", db, "--port", "0", within=tmp_path, code=ENVIRONMENT)
    assert f"expected a queue file at {db}" in said


# -- a reader that goes away --------------------------------------------------------------


@pytest.mark.parametrize("buffering", ["", "1"])
@pytest.mark.parametrize(
    "words", [("list",), ("--help",), ("run", KILL, *SIM), ("run", KILL, *SIM, "--json")]
)
def test_a_closed_pipe_ends_the_command_quietly_and_is_no_verdict(
    words: tuple[str, ...], buffering: str, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, *words],
        cwd=tmp_path,
        env=ENVIRON | {"PYTHONUNBUFFERED": buffering},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert done.returncode == UNREAD
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_head_takes_the_first_line_of_the_list() -> None:
    lister = subprocess.Popen([*COMMAND, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert lister.stdout is not None
    head = subprocess.run(["head", "-1"], stdin=lister.stdout, capture_output=True, text=True)
    lister.stdout.close()
    _, errors = lister.communicate()
    assert head.stdout == "Scenarios:\n"
    assert errors == b""


@pytest.mark.parametrize("words", [("list",), ("run", f"{KILL}:default", *SIM, "--json")])
def test_output_that_finds_no_room_is_an_error_and_no_verdict(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*COMMAND, *words],
            cwd=tmp_path,
            env=ENVIRON,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert ended.returncode == ENVIRONMENT
    assert "expected to write to the end, found: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr and "Exception ignored" not in ended.stderr


def test_a_locale_that_cannot_write_a_letter_and_a_terminal_of_no_width_are_no_error(
    tmp_path: Path,
) -> None:
    poor = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for columns in ("0", "20"):
        ended = subprocess.run(
            [*COMMAND, "run", f"{KILL}:default", *SIM, "--backend", "twin-no-lease"],
            cwd=tmp_path, env={**ENVIRON, **poor, "COLUMNS": columns}, capture_output=True,
        )  # fmt: skip
        assert ended.returncode == VIOLATED, ended.stderr
        assert b"Traceback" not in ended.stderr
        assert b"replay: jobquake replay" in ended.stdout


def test_a_folder_whose_name_is_no_text_is_told_as_well_as_can_be(tmp_path: Path) -> None:
    earlier = os.fsdecode(b"bad\xff")
    jobquake("run", f"{KILL}:default", *SIM, "--report", earlier, within=tmp_path, code=HELD)
    words = ("run", f"{KILL}:default", *SIM, "--earlier", earlier, "--report", "now")
    jobquake(*words, within=tmp_path, code=HELD)
    assert "bad\N{REPLACEMENT CHARACTER}" in (tmp_path / "now" / "index.html").read_text()


def test_a_plan_of_an_app_is_replayed_on_an_app_and_says_what_is_missing(tmp_path: Path) -> None:
    plan = scenarios.find(KILL).plan(0)
    said = complaint("replay", encode(plan, "shop:app", "process"), within=tmp_path, code=USAGE)
    assert "expected --app" in said and "--app shop:app" in said


def test_the_command_that_replays_finds_an_app_again() -> None:
    result = run(scenarios.find(KILL).plan(0), backends.find("reference"), "sim").result
    assert result.replay_command == f"jobquake replay '{result.replay}'"
    found = {OPTIONS: "--app shop:app --task shop.charge"}
    of_app = replace(result, environment=result.environment | found)
    assert of_app.replay_command == f"{result.replay_command} --app shop:app --task shop.charge"
