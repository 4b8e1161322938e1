"""Run folders: what is saved can be read again, whole or not at all, and damage is told.

Runs come from the simulator; the ledger of a run of processes is written by a real
ledger. The command line says in one sentence what is wrong: 2 for a folder that it cannot
read, 3 for a damaged one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jobquake.backends import registry as backends
from jobquake.harness.finding import Finding
from jobquake.harness.record.history import History
from jobquake.harness.run import Run, run
from jobquake.harness.run_folder import DamagedRun, RunFolderError, load, results_in, save
from jobquake.protocol.events import Event
from jobquake.protocol.ledger import Ledger
from jobquake.scenarios import registry as scenarios
from msgspec.structs import replace
from support.command import ended

FILES = ["run.json", "result.json", "history.npy", "ledger.jsonl"]


@pytest.fixture(scope="module")
def simulated() -> Run:
    return run(scenarios.find("network-timeout").plan(1), backends.find("reference"), "sim")


@pytest.fixture(scope="module")
def real(simulated: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run as the process driver leaves it: with a ledger of as many rows as its history."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    ledger = Ledger(path, node=1)
    for job in range(len(simulated.history)):
        ledger.write(Event.EFFECT, job=job)
    ledger.close()
    result = replace(simulated.result, driver="process")
    return simulated._replace(result=result, ledger=path.read_bytes())


@pytest.fixture
def folder(real: Run, tmp_path: Path) -> Path:
    save(real, tmp_path / "run")
    return tmp_path / "run"


def same(one: Run, other: Run) -> bool:
    histories = one.history.tobytes() == other.history.tobytes()
    return histories and one._replace(history=other.history) == other


def refusal(folder: Path) -> str:
    with pytest.raises(RunFolderError) as caught:
        load(folder)
    sentence = str(caught.value)
    assert sentence.startswith("expected ") and "found" in sentence and "\n" not in sentence
    assert str(folder) in sentence
    return sentence


def replay(*words: str) -> subprocess.CompletedProcess[str]:
    return ended("replay", *words)


# -- there and back ---------------------------------------------------------------------


def test_what_is_saved_can_be_read_again(simulated: Run, real: Run, tmp_path: Path) -> None:
    for name, kept in (("simulated", simulated), ("real", real)):
        save(kept, tmp_path / "deep" / name, {"report.html": "<p>ü"})
        assert same(load(tmp_path / "deep" / name), kept)
        assert (tmp_path / "deep" / name / "report.html").read_text(encoding="utf-8") == "<p>ü"
        assert not list((tmp_path / "deep").glob(".*")), "no scratch folder stays behind"


def test_an_empty_history_can_be_saved_too(simulated: Run, tmp_path: Path) -> None:
    History([]).save(tmp_path / "empty.npy")
    assert len(History.load(tmp_path / "empty.npy")) == 0


def test_a_newer_run_replaces_an_older_one_whole(simulated: Run, real: Run, tmp_path: Path) -> None:
    save(real, tmp_path / "run", {"report.html": "old"})
    save(simulated, tmp_path / "run")
    assert same(load(tmp_path / "run"), simulated)
    names = {file.name for file in (tmp_path / "run").iterdir()}
    assert names == {"run.json", "plan.json", "result.json", "history.npy"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_a_run_folder_replays_from_the_command_line(simulated: Run, tmp_path: Path) -> None:
    save(simulated, tmp_path / "run")
    done = replay(str(tmp_path / "run"), "--report", str(tmp_path / "again"), "--json")
    assert done.returncode == 0, done.stderr
    assert "then: held" in done.stderr
    (result,) = json.loads(done.stdout)
    assert result["replay"] == simulated.result.replay
    (again,) = (tmp_path / "again").iterdir()
    assert load(again).history.tobytes() == simulated.history.tobytes()


# -- damage -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["missing", "empty", "halved", "junk", "a folder", "a FIFO"])
def test_a_missing_or_damaged_file_is_told(folder: Path, name: str, how: str) -> None:
    path = folder / name
    data = path.read_bytes()
    path.unlink()
    match how:
        case "empty":
            path.touch()
        case "halved":
            path.write_bytes(data[: len(data) // 2 + 5])
        case "junk":
            path.write_bytes(Random(1).randbytes(len(data)))
        case "a folder":
            path.mkdir()
        case "a FIFO":
            os.mkfifo(path)
    refusal(folder)


@settings(max_examples=300)
@given(name=st.sampled_from(FILES), at=st.integers(0, 10**6), byte=st.binary(max_size=2))
def test_damage_anywhere_is_told_or_harmless_and_never_another_error(
    real: Run, tmp_path_factory: pytest.TempPathFactory, name: str, at: int, byte: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damage", numbered=True) / "run"
    save(real, folder)
    data = (folder / name).read_bytes()
    at %= 300 if name == "history.npy" else len(data)
    (folder / name).write_bytes(data[:at] + byte + data[at + 1 :])
    try:
        load(folder)
    except RunFolderError:
        refusal(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("event", 99, "an unknown event"),
        ("answer", 9, "an unknown answer"),
        ("phase", 77, "an unknown phase"),
        ("fault", 9999, "a fault struck that is not in its plan"),
        ("t", np.nan, "a time that is none"),
        ("t", np.inf, "a time that is none"),
    ],
)
def test_a_history_that_cannot_be_is_told(
    simulated: Run, tmp_path: Path, column: str, value: float, told: str
) -> None:
    folder = tmp_path / "run"
    save(simulated, folder)
    rows = np.load(folder / "history.npy")
    rows[column][rows["event"] == Event.FAULT_STRUCK] = value
    np.save(folder / "history.npy", rows)
    assert told in refusal(folder)


def test_findings_and_checks_that_are_not_there_are_told(simulated: Run, tmp_path: Path) -> None:
    check = simulated.result.checks[0]
    beyond = replace(check, findings=(Finding(0, "beyond", (len(simulated.history),)),))
    for checks, told in (((), "has no checks"), ((beyond,), "beyond the end of its history")):
        result = replace(simulated.result, checks=checks)
        folder = tmp_path / told[:3]
        save(simulated._replace(result=result), folder)
        assert told in refusal(folder)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"replay": "x'; echo owned"}, "no plan that can be run again"),
        ({"replay": None}, "of another plan"),
        ({"verdict": "held"}, "says held, and its checks do not"),
        (
            {"environment": {"jobquake": "1", "options": "--app a:b; echo owned"}},
            "more than options",
        ),
        (
            {"environment": {"jobquake": "1", "options": "--app 'shop"}},
            "no plan that can be run again",
        ),
    ],
)
def test_a_stranger_s_result_that_no_run_can_have_had_is_told(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    broken = backends.find("twin-no-lease")
    mine = run(scenarios.find("worker-kill-before-ack").plan(0), broken, "sim")
    if "replay" in change and change["replay"] is None:
        other = run(scenarios.find("worker-kill-before-ack").plan(1), broken, "sim")
        change = {"replay": other.result.replay}
    save(mine._replace(result=replace(mine.result, **change)), tmp_path / "run")
    said = json.loads((tmp_path / "run" / "run.json").read_text())
    said["replay"] = mine.result.replay
    (tmp_path / "run" / "run.json").write_text(json.dumps(said))
    assert told in refusal(tmp_path / "run")
    if "of another plan" not in told:
        with pytest.raises(DamagedRun, match="expected a result of this version"):
            results_in(tmp_path)


def test_a_sparse_file_is_refused_by_its_size(folder: Path) -> None:
    os.truncate(folder / "history.npy", 1 << 40)
    os.truncate(folder / "result.json", 1 << 40)
    assert "result.json, found 1,099,511,627,776" in refusal(folder)


def test_a_folder_of_another_format_says_which(folder: Path) -> None:
    manifest = json.loads((folder / "run.json").read_bytes())
    assert next(iter(manifest)) == "format"
    for version in (2, 0, None, "1"):
        (folder / "run.json").write_text(json.dumps(manifest | {"format": version}))
        assert f"found format {version}" in refusal(folder)
    (folder / "run.json").write_text(json.dumps({"format": 2}))
    assert "found format 2" in refusal(folder), "whatever else a later version may write"
    (folder / "run.json").write_text("[]")
    assert "found format None" in refusal(folder)


def test_a_ledger_cut_in_the_middle_of_a_line_ends_the_replay_in_one_sentence(
    folder: Path, real: Run
) -> None:
    ledger = folder / "ledger.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-7])
    done = replay(str(folder))
    assert done.returncode == 3
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("jobquake: expected a whole run folder") and str(folder) in line
    assert f"line {len(real.history)} cut in the middle" in line and "run it again" in line
    assert done.stdout == ""


def test_a_ledger_that_lacks_whole_lines_is_told(folder: Path) -> None:
    ledger = folder / "ledger.jsonl"
    ledger.write_bytes(b"".join(ledger.read_bytes().splitlines(keepends=True)[:-1]))
    assert "rows of the history in ledger.jsonl" in refusal(folder)


@pytest.mark.parametrize(
    ("what", "code", "told"),
    [
        (".", 2, "expected a run folder"),
        ("no-such-folder", 2, "expected a replay string"),
        ("x" * 300, 2, "expected a replay string"),
        ("jq1:" + "x" * 5000, 2, "expected a whole replay string"),
    ],
)
def test_what_is_neither_a_folder_nor_a_string_is_told(what: str, code: int, told: str) -> None:
    done = replay(what)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.strip().splitlines()
    assert told in line


# -- whole or not at all ----------------------------------------------------------------


@pytest.mark.parametrize(
    "extra", [{"no/such/folder.html": "x"}, {"report.html": "\ud800"}], ids=["OSError", "Unicode"]
)
def test_a_failure_in_the_middle_leaves_what_was_there(
    simulated: Run, real: Run, tmp_path: Path, extra: dict[str, str]
) -> None:
    with pytest.raises((OSError, UnicodeEncodeError)):
        save(simulated, tmp_path / "run", extra)
    assert list(tmp_path.iterdir()) == []
    save(real, tmp_path / "run")
    with pytest.raises((OSError, UnicodeEncodeError)):
        save(simulated, tmp_path / "run", extra)
    assert same(load(tmp_path / "run"), real)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_a_folder_of_somebody_else_is_not_replaced(simulated: Run, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("years of work")
    with pytest.raises(OSError):  # noqa: PT011 (the systems differ in the reason)
        save(simulated, tmp_path / "run")
    assert (tmp_path / "run" / "thesis.txt").read_text() == "years of work"
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]


def test_a_place_below_a_file_is_an_error(simulated: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("I am a file")
    for folder in (tmp_path / "file" / "run", tmp_path / "file"):
        with pytest.raises(OSError):  # noqa: PT011 (the systems differ in the reason)
            save(simulated, folder)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    done = replay(simulated.result.replay, "--report", str(tmp_path / "file" / "runs"))
    assert done.returncode == 3
    assert done.stderr.startswith("jobquake: expected to write reports to")


def test_a_killed_save_leaves_a_whole_folder_or_none(real: Run, tmp_path: Path) -> None:
    save(real, tmp_path / "source")
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from jobquake.harness.run_folder import load, save\n"
        "run = load(Path(sys.argv[1]))\n"
        "while True:\n"
        "    save(run, Path(sys.argv[2]))\n"
        "    print('saved', flush=True)\n"
    )
    rng = Random(1)
    for number in range(4):
        folder = tmp_path / f"run-{number}"
        command = [sys.executable, "-c", script, str(tmp_path / "source"), str(folder)]
        saver = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert saver.stdout is not None
        for _ in range(rng.randint(1, 60)):
            saver.stdout.readline()
        saver.send_signal(signal.SIGKILL)
        saver.wait()
        saver.stdout.close()
        assert not folder.exists() or same(load(folder), real)


def test_two_who_save_under_one_name_do_not_disturb_each_other(
    simulated: Run, tmp_path: Path
) -> None:
    """Nor whoever reads the report folder meanwhile; in the end one of the runs is there."""
    brief = simulated._replace(history=History([]))
    result = replace(brief.result, checks=brief.result.checks[:1], verdict="held", story=())
    brief = brief._replace(result=result)
    both_ready, read = Barrier(2), []

    def save_often() -> None:
        both_ready.wait()
        for _ in range(100):
            save(brief, tmp_path / "run")
            read.append(len(results_in(tmp_path)))

    with ThreadPoolExecutor(2) as savers:
        for done in [savers.submit(save_often) for _ in range(2)]:
            done.result()
    assert set(read) <= {0, 1}
    assert len(results_in(tmp_path)) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["run"]
