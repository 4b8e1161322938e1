"""Soak: rounds until the time is spent, findings kept as they come, and on from where it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jobquake.harness.plan import decode

COMMAND = [sys.executable, "-m", "jobquake", "soak"]


def soak(folder: Path, *words: str, code: int = 0) -> str:
    command = [*COMMAND, "--report", str(folder), *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def state(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "soak.json").read_text())
    return found


def test_a_soak_runs_for_its_time_and_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "soak"
    assert soak(folder, "--for", "60s").startswith("held: ")
    first = state(folder)
    assert float(str(first["spent_s"])) >= 60
    assert first["verdicts"] == {"held": first["rounds"]}
    told = soak(folder, "--for", "120s")
    assert told.startswith("going on: ")
    second = state(folder)
    assert int(str(second["rounds"])) > int(str(first["rounds"]))
    assert [file.name for file in folder.iterdir()] == ["soak.json"]


def test_what_is_found_is_told_and_kept_while_the_soak_goes_on(tmp_path: Path) -> None:
    words = ("worker-kill-before-ack", "--backend", "twin-no-lease", "--for", "300s")
    told = soak(tmp_path / "soak", *words, code=1)
    found = state(tmp_path / "soak")
    assert int(str(found["rounds"])) > 20
    kept = [path.name for path in tmp_path.glob("soak/round-*/report.html")]
    assert len(list(tmp_path.glob("soak/round-*"))) == 20, "the disk stays bounded"
    assert len(kept) == 20
    strings = [line.split("'")[1] for line in told.splitlines() if "jobquake replay" in line]
    assert [decode(text).backend for text in strings] == ["twin-no-lease"] * 20


def test_another_soak_does_not_write_over_this_one(tmp_path: Path) -> None:
    soak(tmp_path, "--for", "10s")
    before = (tmp_path / "soak.json").read_bytes()
    told = soak(tmp_path, "--for", "10s", "--seed", "7", code=2)
    assert "seed 7" in told and "seed 0" in told
    (tmp_path / "soak.json").write_text("{")
    assert "remove it" in soak(tmp_path, "--for", "10s", code=2)
    (tmp_path / "soak.json").write_bytes(before)
    assert "going on" in soak(tmp_path, "--for", "20s")


def test_an_interrupted_soak_loses_at_most_the_round_it_was_in(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [*COMMAND, "--for", "1000h", "--report", str(tmp_path)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    try:
        until = time.monotonic() + 30
        while not (tmp_path / "soak.json").exists() and time.monotonic() < until:
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=20)
    finally:
        running.kill()
    assert running.returncode == 130
    assert "interrupted" in errors
    rounds = int(str(state(tmp_path)["rounds"]))
    assert rounds >= 1
    assert f"in {rounds} rounds" in soak(tmp_path, "--for", "1s")


@pytest.mark.slow
def test_eight_hours_in_virtual_time_hold_with_flat_memory(tmp_path: Path) -> None:
    assert soak(tmp_path, "--for", "8h").splitlines()[-1].startswith("held: ")
    end = state(tmp_path)
    assert float(str(end["spent_s"])) >= 8 * 3600
    grown = int(str(end["last_rss"])) - int(str(end["warm_rss"]))
    assert grown < 16 * 1024 * 1024
