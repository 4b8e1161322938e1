"""The folder in which a run is kept: its plan, its history, its result.

From real processes also the ledger as it was written. It appears whole or not at all.
"""

from __future__ import annotations

import errno
import re
import shlex
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from ..backends.adapter import Claims
from ..errors import DamagedData, UsageError
from ..protocol.ledger import LedgerError, read_rows
from ..whole_file import read_whole
from .checks import see_guarantees
from .plan.armor import ReplayError
from .plan.plan import Plan
from .plan.plan_json import to_json
from .plan.replay import decode
from .record.history import FORMAT, Answer, Event, History, Phase, Said
from .result import OPTIONS, Result
from .run import Run

LONGEST_NAME = 120
LOOKS, BLINK_S = 3, 0.01  # for a file of a folder that is about to be replaced
REPEAT = "real-time"  # how the folders of repeated runs are named, in that of the run
LEDGER, MANIFEST, PLAN, HISTORY, SAID, RESULT = (
    "ledger.jsonl",
    "run.json",
    "plan.json",
    "history.npy",
    "said.json",
    "result.json",
)


class RunFolderError(UsageError):
    """The folder is not a run that this version can read."""


class DamagedRun(DamagedData, RunFolderError):
    """It was a run that this version can read, and something in it is missing or changed."""


class Manifest(Struct, frozen=True):
    """What a run folder says of itself; ``format`` comes first and never changes meaning."""

    format: int
    jobquake: str
    replay: str
    claims: Claims
    began: str = ""
    host: str = ""


def folder_name(*words: object) -> str:
    """A name for a run folder from words that may come from a stranger's replay string.

    Letters, digits and ``-_.`` stay; it is one name in one folder, and not too long for one.
    """
    name = "-".join(map(str, words))
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[-LONGEST_NAME:]


def save(run: Run, folder: Path, extra: dict[str, str] | None = None) -> None:
    """Write the run folder, replacing one of that name; ``extra``: more files, by name.

    Runs that were to confirm this one have folders of their own in it.

    Raises OSError if it cannot be written; then nothing is left behind.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        partial = Path(scratch) / "new"
        partial.mkdir()
        manifest = Manifest(
            FORMAT,
            run.result.environment["jobquake"],
            run.result.replay,
            run.claims,
            run.began,
            run.host,
        )
        (partial / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        (partial / PLAN).write_bytes(to_json(run.plan))
        (partial / RESULT).write_bytes(
            msgspec.json.format(msgspec.json.encode(run.result), indent=1)
        )
        run.history.save(partial / HISTORY)
        if run.history.said:
            (partial / SAID).write_bytes(msgspec.json.encode(run.history.said))
        if run.ledger is not None:
            (partial / LEDGER).write_bytes(run.ledger)
        for number, repeat in enumerate(run.repeats, 1):
            save(repeat, partial / f"{REPEAT}-{number}")
        for name, text in (extra or {}).items():
            (partial / name).write_text(text, encoding="utf-8")
        _put(partial, folder, Path(scratch))


def _put(partial: Path, folder: Path, scratch: Path) -> None:
    """Give the finished folder its name; a run that has it, and another's that comes first, go."""
    for attempt in count():
        if (folder / MANIFEST).exists():
            with suppress(FileNotFoundError):  # another run has just put its own there
                folder.rename(scratch / f"old-{attempt}")
        try:
            partial.rename(folder)
            return
        except OSError as error:
            taken = error.errno in (errno.ENOTEMPTY, errno.EEXIST)
            if not (taken and (folder / MANIFEST).exists()):
                raise


def load(folder: Path) -> Run:
    """Read a run folder. Raises :class:`RunFolderError` if it is not one, or of another format."""
    try:
        found = msgspec.json.decode(read_whole(folder / MANIFEST))
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(
            f"expected a run folder with a {MANIFEST}, found {folder} without a readable one; "
            "name a folder that 'jobquake run --report' wrote"
        ) from error
    version = found.get("format") if isinstance(found, dict) else None
    if version != FORMAT:
        raise RunFolderError(
            f"expected a run folder of format {FORMAT}, found format {version} in {folder}; "
            f"read it with the jobquake that wrote it, or run it again"
        )
    try:
        manifest = msgspec.convert(found, Manifest)
        result = msgspec.json.decode(read_whole(folder / RESULT), type=Result)
        history = History.load(folder / HISTORY, _said(folder / SAID))
        ledger = _ledger(folder / LEDGER, history) if result.driver == "process" else None
        plan = decode(manifest.replay).plan
        see_guarantees(plan)
        if doubt := _of_result(result) or _doubt(result, manifest, plan, history):
            raise ValueError(doubt)
        return Run(
            result, plan, manifest.claims, history, ledger,
            began=manifest.began, host=manifest.host,
        )  # fmt: skip
    except (OSError, ValueError, RecursionError, ReplayError, LedgerError) as error:
        raise DamagedRun(
            f"expected a whole run folder, found a damaged one in {folder}: {error}; run it again"
        ) from error


def _said(path: Path) -> dict[int, Said]:
    """The words of errors; none in the folder of a run that met none, or of an older version."""
    return msgspec.json.decode(read_whole(path), type=dict[int, Said]) if path.exists() else {}


def _of_result(result: Result) -> str:
    """Why no run can have had this result; nothing, if one may.

    It may be a stranger's, and what it holds is printed to be copied into a shell.
    """
    try:
        decode(result.replay)
        options = shlex.split(result.environment.get(OPTIONS, ""))
    except (ReplayError, ValueError) as error:
        return f"its result has no plan that can be run again: {error}"
    if shlex.join(options) != result.environment.get(OPTIONS, ""):
        return "the options of its result are more than options"
    verdicts = {check.verdict for check in result.checks}
    if not result.checks:
        return "its result has no checks"
    accuses = result.verdict == "violated" or (result.vanished and result.verdict == "inconclusive")
    if ("violated" in verdicts) != accuses:
        return f"its result says {result.verdict}, and its checks do not"
    if result.verdict == "held" and "inconclusive" in verdicts:
        return "its result says held, and a check says inconclusive"
    for check in result.checks:
        if check.verdict == "violated" and not check.findings:
            return f"its check {check.name} says violated and has found nothing"
    return ""


def _doubt(result: Result, manifest: Manifest, plan: Plan, history: History) -> str:
    """Why these cannot belong together, though each of them can be read; nothing, if they may."""
    struck = history["fault"][history.where(Event.FAULT_STRUCK)]
    pointed = [i for check in result.checks for finding in check.findings for i in finding.events]
    if result.replay != manifest.replay:
        return "its result is of another plan"
    for column, known in (("event", Event), ("answer", Answer), ("phase", Phase)):
        if not np.isin(history[column], [int(one) for one in known]).all():
            return f"its history holds an unknown {column}"
    if not np.isfinite(history["t"]).all():
        return "its history holds a time that is none"
    if ((struck < 0) | (struck >= len(plan.faults))).any():
        return "a fault struck that is not in its plan"
    if any(not 0 <= i < len(history) for i in pointed):
        return "a finding points beyond the end of its history"
    return ""


def results_in(folder: Path) -> list[Result]:
    """The results of the run folders in this folder, by name; none if it holds no run.

    Raises :class:`DamagedRun` if one of them cannot be read.
    """
    results = []
    for manifest in sorted(folder.glob(f"*/{MANIFEST}")):
        file = manifest.with_name(RESULT)
        try:
            result = msgspec.json.decode(_there(file), type=Result)
            if doubt := _of_result(result):
                raise ValueError(doubt)
            results.append(result)
        except (OSError, ValueError, RecursionError) as error:
            if not manifest.parent.exists():
                continue  # somebody has just taken the run away
            raise DamagedRun(
                f"expected a result of this version in {file}, found: {error}; "
                "run it again, or take the folder away"
            ) from error
    return results


def _there(file: Path) -> bytes:
    """The file of a run folder, which another run may be about to replace."""
    for _ in range(LOOKS):
        with suppress(FileNotFoundError):
            return read_whole(file)
        time.sleep(BLINK_S)
    return read_whole(file)


def _ledger(path: Path, history: History) -> bytes:
    """The ledger as it was written. Raises :class:`LedgerError` if it is not whole."""
    whole = read_whole(path)
    rows = len(read_rows(path))
    if rows != len(history):
        raise LedgerError(
            f"expected the {len(history)} rows of the history in {path.name}, found {rows}"
        )
    return whole
