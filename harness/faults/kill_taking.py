"""A worker dies when its broker has just handed it a job: a library may have it nowhere then.

Who takes a message with one command and notes it with another is bare in between. Nobody inside
the worker can stand there; the proxy can, since it sees the answer pass.
"""

from __future__ import annotations

from typing import ClassVar

from .fault import Draws, Fault, Strike
from .fields import JobIndex, Nth, Times


class KillTaking(Fault, frozen=True, tag="kill_taking"):
    """The whole worker is killed when the broker has answered it with the job, before it hears it.

    ``times`` times in a row, from the ``nth`` time on that the broker hands it out.
    """

    job: JobIndex
    times: Times = 1
    nth: Nth = 1

    rank: ClassVar[int] = 22
    label: ClassVar[str] = "kill while taking"
    short: ClassVar[str] = "killed"
    needs: ClassVar[str] = "it needs the embedded network and a library that brings its workers"
    ends_worker: ClassVar[bool] = True
    on_network: ClassVar[bool] = True

    @classmethod
    def draws(cls) -> Draws:
        return {}  # what is simulated has no wire

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who} was killed {strike.words or strike.when}"
