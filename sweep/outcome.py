"""What became of a cell's job, in a word; how grave that is, and how it looks.

The first job's fate is told. Where it is no worse than it may be and yet the job behind it was
never done, that is told instead.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Outcome = Literal[
    "done", "run again", "untold", "repeated", "not accepted", "dead letter", "failed", "held",
    "cut short", "stuck", "blocked", "missing", "lost", "phantom", "not hit", "unproved",
]  # fmt: skip
Gravity = Literal["held", "told", "violated", "inconclusive"]


class Look(NamedTuple):
    """``sign`` is its shape, on a page and in a terminal; ``means`` its legend."""

    sign: str
    gravity: Gravity
    means: str


LOOKS: dict[Outcome, Look] = {
    "done": Look("\u25cf", "held", "done once, and whoever sent it was told that it was accepted"),
    "not accepted": Look(
        "\u25cb", "held", "never done, and whoever sent it was never told that it was accepted"
    ),
    "untold": Look(
        "\u25d0", "told", "done, though whoever sent it was never told that it was accepted"
    ),
    "run again": Look("\u21bb", "told", "its function ran to its end more than once"),
    "repeated": Look(
        "\u2248", "told", "an effect on a service came twice, and nothing in it tells that it did"
    ),
    "cut short": Look(
        "\u25d2", "told", "lost before its function ended, but after all its effects on services"
    ),
    "dead letter": Look("\u271d", "told", "given up, and kept where the library keeps failures"),
    "failed": Look("!", "told", "its function raised, and nothing runs it again"),
    "held": Look(
        "\u25d4", "told", "held at the end; the library gives it back by itself later than waited"
    ),
    "stuck": Look("\u25a0", "violated", "held at the end, and nothing gives it back"),
    "blocked": Look("\u25a4", "violated", "sound itself, but the job behind it was never done"),
    "missing": Look("\u2205", "violated", "ran to its end, but an effect on a service is missing"),
    "lost": Look("\u2716", "violated", "accepted, never done, and held nowhere"),
    "phantom": Look("\u2666", "violated", "ran without having been sent"),
    "not hit": Look("\u00b7", "inconclusive", "the round trip never came, so nothing was broken"),
    "unproved": Look("?", "inconclusive", "the run said nothing"),
}  # fmt: skip
ORDER: tuple[Outcome, ...] = tuple(LOOKS)
