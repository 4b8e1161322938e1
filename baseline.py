"""A baseline of runs: a TOML file of guarantees that are known to break, and why they may.

The same file and the same words as a sweep's (:mod:`.known`): what is worse is red, and so
is what got better, so that the file says what is, and can only shrink by being mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from .errors import ENVIRONMENT, HELD, INCONCLUSIVE, VIOLATED, UsageError
from .known import Differences, quoted, read_known

if TYPE_CHECKING:
    from .harness.result import Result

UNTOLD = "found by a run; say here why it may be so"
Key = tuple[str, str, str]


class Known(Struct, frozen=True, forbid_unknown_fields=True):
    """A guarantee that need not hold there; ``scenario`` is ``NAME:VARIANT``."""

    scenario: str
    backend: str
    guarantee: str
    reason: str
    link: str = ""

    @property
    def key(self) -> Key:
        return self.scenario, self.backend, self.guarantee


class Baseline(Struct, frozen=True, forbid_unknown_fields=True):
    """What a file says."""

    known: tuple[Known, ...] = ()

    def of(self, key: Key) -> Known | None:
        return next((known for known in self.known if known.key == key), None)

    def excuse(self, result: Result) -> str:
        """Why that violation may be; "" unless each guarantee that broke is known."""
        found = [self.of(key) for key in _broken(result)]
        reasons = [known.reason for known in found if known]
        return "; ".join(dict.fromkeys(reasons)) if found and len(reasons) == len(found) else ""


def read(file: Path) -> Baseline:
    """What the file says. Raises :class:`UsageError` about the first thing that makes no sense."""
    baseline = read_known(file, Baseline, "jobquake run --record")
    for known in baseline.known:
        if not known.reason.strip():
            raise UsageError(
                f"expected a reason for {known.scenario} in {file}, found none; say it"
            )
    return baseline


def recorded(results: Iterable[Result], earlier: Baseline | None = None) -> str:
    """The file that expects just what these show; reasons are those of ``earlier``."""
    lines = ["# What `jobquake run` may show, and why."]
    for key in dict.fromkeys(key for result in results for key in _broken(result)):
        known = earlier.of(key) if earlier else None
        lines += ["", "[[known]]"]
        lines += [f"{name} = {quoted(said)}" for name, said in zip(_NAMES, key, strict=True)]
        lines.append(f"reason = {quoted(known.reason if known else UNTOLD)}")
        if known and known.link:
            lines.append(f"link = {quoted(known.link)}")
    return "\n".join(lines) + "\n"


_NAMES = ("scenario", "backend", "guarantee")


def compare(results: Sequence[Result], expected: Baseline) -> Differences:
    """Hold the runs against what is expected; what was not run is told, and nothing else."""
    worse, missing = list[str](), list[str]()
    broken, sound = set[Key](), set[Key]()
    for result in results:
        if result.as_expected == "inconclusive":
            missing.append(f"{_where(result)}: proved nothing: {result.sentence}")
        broken |= set(_broken(result))
        sound |= {
            (*_place(result), check.name) for check in result.checks if check.verdict == "held"
        }
        for key in _broken(result):
            if expected.of(key) is None:
                worse.append(f"{_where(result)}: expected {key[2]} held, found it violated")
    better = [
        f"{known.scenario} on {known.backend}: expected {known.guarantee} violated "
        f"({known.reason}), found it held; it got better, so take it out of the file"
        for known in expected.known
        if known.key in sound - broken
    ]
    here = {_place(result) for result in results}
    gone = [f"{one.scenario} on {one.backend}: not run" for one in expected.known
            if one.key[:2] not in here]  # fmt: skip
    judged = {(*_place(result), check.name) for result in results for check in result.checks}
    other = [
        f"{one.scenario} on {one.backend}: expected a guarantee of it, found {one.guarantee}"
        for one in expected.known
        if one.key[:2] in here and one.key not in judged
    ]
    return Differences(tuple(worse), tuple(better), tuple(other), tuple(gone), tuple(missing))


def code(results: Sequence[Result], differs: Differences) -> int:
    """What a command ends with that expected it."""
    if differs.red:
        return VIOLATED
    if any(result.exit_code == ENVIRONMENT for result in results):
        return ENVIRONMENT
    return INCONCLUSIVE if differs.missing else HELD


def better(result: Result, expected: Baseline) -> str:
    """What is known to break in such a run and did not, in a sentence; "" if there is none."""
    return next(iter(compare([result], expected).better), "")


def _place(result: Result) -> tuple[str, str]:
    return f"{result.scenario}:{result.variant}", result.backend


def _where(result: Result) -> str:
    return " on ".join(_place(result))


def _broken(result: Result) -> list[Key]:
    """What broke; of a control, whose violation is what it is for, nothing."""
    if result.as_expected != "violated":
        return []
    return [(*_place(result), c.name) for c in result.checks if c.verdict == "violated"]
