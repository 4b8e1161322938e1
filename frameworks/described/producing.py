"""One producer of a described queue: runs its ``enqueue`` command for each job.

``python -m jobquake.frameworks.described.producing COMMAND...``
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import EnvironmentFault
from ...protocol.submit import submit
from .description import filled

OF_JOB = {
    "id": "id", "number": "index", "queue": "queue", "priority": "priority", "delay_s": "delay_s",
}  # fmt: skip
WITHIN_S = 60.0


class NotEnqueued(EnvironmentFault):
    """The command did not end with 0."""


def enqueue(command: Sequence[str], job: Mapping[str, Any]) -> None:
    """Run it for that job. Raises :class:`NotEnqueued` with what it said last."""
    said = {name: job[key] for name, key in OF_JOB.items()}
    words = [filled(word, said) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()
        raise NotEnqueued(f"ended with {done.returncode}: {last[-1] if last else 'without a word'}")


if __name__ == "__main__":
    submit(lambda job: enqueue(sys.argv[1:], job))
