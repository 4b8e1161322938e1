"""What broke, in the fewest strikes, jobs and workers: plain data that can be kept and told."""

from __future__ import annotations

from msgspec import Struct

from ...harness.result import Confirmation
from ...harness.shrink.reproduction import Reproduction
from ..outcome import Outcome


class Finding(Struct, frozen=True):
    """Strikes of these names (``strikes``) make an ``outcome`` that the library does not claim.

    ``replay`` is the plan as a string, ``again`` what to type. ``number`` is the plan that broke
    first, ``after_s`` when that was seen; ``found_as`` repeats it as it was drawn. ``first`` is how
    often that plan broke when it was repeated, ``rate`` how often the small one did: None, if that
    was not asked any more. ``told`` are its strikes, with jobs and ordinals. ``times``: how many
    plans came to the same. ``mended``: it was known, and did not break any more.
    """

    outcome: Outcome
    strikes: tuple[str, ...]
    told: tuple[str, ...]
    jobs: int
    workers: int
    sentence: str
    story: tuple[str, ...]
    logged: tuple[str, ...]
    replay: str
    number: int
    after_s: float
    again: str
    found_as: str
    first: Reproduction | None = None
    rate: Reproduction | None = None
    certificate: str = ""
    minimal: bool = False
    confirmation: Confirmation | None = None
    folder: str = ""
    times: int = 1
    mended: bool = False

    @property
    def key(self) -> tuple[str, ...]:
        return self.outcome, *self.strikes

    @property
    def vanished(self) -> bool:
        """Whether real time does not show it: then it accuses nobody."""
        return self.confirmation is not None and self.confirmation.outcome == "vanished"

    def explains(self, strikes: frozenset[str]) -> bool:
        """Whether it was to be expected of a plan with these strikes that it breaks."""
        return strikes.issuperset(self.strikes)
