"""The ledger: lines of several processes never mix, a SIGKILL loses none, damage is told.

Writers are real processes. A verdict stands on this file alone, so a reader that finds
anything but whole lines says which line and goes no further.
"""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake.protocol.events import Row
from jobquake.protocol.ledger import Ledger, LedgerError, LedgerReader, key_hash, read_rows

JOB, NODE, KEY = 7, 5, 10
WRITER = """
import os, sys
from jobquake.harness.ledger import Ledger
ledger = Ledger(sys.argv[1], node=int(sys.argv[2]))
for number in range(int(sys.argv[3])):
    ledger.write(8, job=number, key=2**56 - 1 - number, value=number / 7)
    os.write(1, b"%d\\n" % number)  # said only after it is written
"""


def start_writer(path: Path, node: int, lines: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(path), str(node), str(lines)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def test_lines_of_many_processes_never_mix_and_stay_in_order(tmp_path: Path) -> None:
    """Reading their reports in turn, through small pipes, keeps the writers side by side."""
    path, lines = tmp_path / "ledger.jsonl", 5000
    writers = [start_writer(path, node, lines) for node in range(4)]
    reports = [writer.stdout for writer in writers if writer.stdout]
    for report in reports:
        fcntl.fcntl(report, fcntl.F_SETPIPE_SZ, 4096)
    for number in range(lines):
        assert [int(report.readline()) for report in reports] == [number] * 4
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    rows = read_rows(path)
    for node in range(4):
        mine = [row for row in rows if row[NODE] == node]
        assert [row[JOB] for row in mine] == list(range(lines))
        assert [row[KEY] for row in mine] == [2**56 - 1 - number for number in range(lines)]
        assert all(a[0] <= b[0] for a, b in pairwise(mine))
    turns = sum(a[NODE] != b[NODE] for a, b in pairwise(rows))
    assert turns > 4


def test_a_killed_writer_loses_no_line_that_it_reported(tmp_path: Path) -> None:
    rng = Random(4)
    for node in range(4):
        path = tmp_path / f"{node}.jsonl"
        writer = start_writer(path, node, 10**9)
        assert writer.stdout is not None
        for _ in range(rng.randint(1, 3000)):
            reported = writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)
        for said in writer.stdout:  # the pipe keeps what was said
            reported = said
        writer.wait()
        writer.stdout.close()
        written = [row[JOB] for row in read_rows(path)]
        assert written == list(range(len(written)))
        assert len(written) - 1 in (int(reported), int(reported) + 1)


def test_a_reader_follows_a_growing_ledger_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.touch()
    reader = LedgerReader(path)
    writer = start_writer(path, 0, 2000)
    assert writer.stdout is not None
    seen: list[float] = []
    for said in writer.stdout:
        seen += [row[JOB] for row in reader.new_rows()]
        assert seen[: int(said) + 1] == list(range(int(said) + 1)), "what was said is there"
    writer.wait()
    writer.stdout.close()
    seen += [row[JOB] for row in reader.new_rows()]
    reader.finish()
    assert seen == list(range(2000))


def ledger_bytes(path: Path, rows: int) -> bytes:
    ledger = Ledger(path)
    for number in range(rows):
        ledger.write(1, job=number, since=number / 3)
    ledger.close()
    return path.read_bytes()


@given(cuts=st.lists(st.integers(0, 600)))
def test_an_unfinished_line_waits_for_its_end(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("grow")
    whole = ledger_bytes(folder / "whole.jsonl", 8)
    growing = (folder / "growing.jsonl").open("wb", buffering=0)
    reader = LedgerReader(folder / "growing.jsonl")
    seen = []
    for start, end in pairwise([0, *sorted(cut for cut in cuts if cut < len(whole)), len(whole)]):
        growing.write(whole[start:end])
        seen += reader.new_rows()
        assert len(seen) == whole[:end].count(b"\n")
    growing.close()
    reader.finish()
    assert seen == [Row(*json.loads(line)) for line in whole.splitlines()]


@given(lines=st.integers(1, 5), cut=st.integers(1, 1000))
def test_a_last_line_cut_in_the_middle_is_named(
    tmp_path_factory: pytest.TempPathFactory, lines: int, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "ledger.jsonl"
    whole = ledger_bytes(path, lines)
    last = whole.splitlines(keepends=True)[-1]
    path.write_bytes(whole[: len(whole) - 1 - cut % (len(last) - 1)])
    with pytest.raises(LedgerError, match=f"found line {lines} cut in the middle"):
        read_rows(path)


def is_a_row(line: bytes) -> bool:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(row, list)
        and len(row) == len(Row._fields)
        and all(isinstance(field, int | float) and not isinstance(field, bool) for field in row)
    )


good = b"[1.5,-1.0,4,1,0,0,1,7,0,-1,0,0.0]"
damaged_line = st.one_of(
    st.binary(max_size=80),
    st.integers(0, len(good) - 1).map(lambda at: good[:at]),
    st.integers(0, len(good) - 1).map(lambda at: good[:at] + b"\x00" + good[at + 1 :]),
    st.sampled_from([b"null", b'"x"', b"true", b"[]"]).map(lambda field: good.replace(b"7", field)),
    st.sampled_from([good + good, good[:20] + good, b"[" * 100_000, b"", b"{}", good + b","]),
).filter(lambda line: b"\n" not in line and not is_a_row(line))


@given(before=st.integers(0, 5), line=damaged_line, after=st.integers(0, 3))
def test_a_damaged_line_is_named_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, before: int, line: bytes, after: int
) -> None:
    path = tmp_path_factory.mktemp("damage") / "ledger.jsonl"
    path.write_bytes((good + b"\n") * before + line + b"\n" + (good + b"\n") * after)
    with pytest.raises(LedgerError) as caught:
        read_rows(path)
    sentence = str(caught.value)
    assert f"in line {before + 1} of ledger.jsonl" in sentence
    assert sentence.startswith("expected 12 numbers") and "\n" not in sentence


def test_a_short_write_is_an_error_and_not_a_silent_half_line(tmp_path: Path) -> None:
    """The file size limit of the process stands for a disk that is nearly full."""
    path = tmp_path / "ledger.jsonl"
    script = (
        "import resource, sys\n"
        "from jobquake.protocol.ledger import Ledger, LedgerError\n"
        "ledger = Ledger(sys.argv[1])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))\n"
        "try:\n"
        "    while True:\n"
        "        ledger.write(1)\n"
        "except LedgerError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert "found a short write" in done.stdout and "disk full" in done.stdout
    assert path.stat().st_size == 200
    with pytest.raises(LedgerError, match="cut in the middle"):
        read_rows(path)


@given(st.text(), st.text())
def test_a_key_hash_fits_its_column_and_is_the_same_everywhere(one: str, other: str) -> None:
    assert 0 <= key_hash(one) < 2**56
    assert (key_hash(one) == key_hash(other)) == (one == other)
    assert key_hash("effect-1") == 19466613265870769


@given(
    st.tuples(*[st.floats()] * 2, *[st.integers(-1, 2**56)] * 9, st.floats() | st.integers()),
)
def test_a_row_is_written_as_json_would_write_it(values: tuple[float, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger"
        ledger = Ledger(path)
        t, since, event, *others = values
        names = Row._fields[3:]
        ledger.write(int(event), t=t, since=since, **dict(zip(names, others, strict=True)))  # type: ignore[arg-type]
        ledger.close()
        assert path.read_text() == json.dumps(values, separators=(",", ":")) + "\n"
