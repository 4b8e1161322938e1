"""A deploy of another version: who comes after these workers knows the tasks by other names.

Somebody has renamed a task, or moved its module. What was enqueued under the old name is still
there, and is handed to workers that have never heard of it.
"""

from __future__ import annotations

from typing import ClassVar

from .fault import Draws, Strike, TimedFault
from .fields import Span, When, Workers
from .world import World


class Deploy(TimedFault, frozen=True, tag="deploy"):
    """At ``at_s`` these workers get SIGTERM, and SIGKILL if they are not gone ``within_s`` later.

    Their successors do not know the task that the plan calls. It strikes each job that is handed to
    one of them, as the worker itself says.
    """

    workers: Workers
    at_s: When
    within_s: Span

    label: ClassVar[str] = "deploy"
    short: ClassVar[str] = "new version"
    strikes_later: ClassVar[bool] = True
    needs: ClassVar[str] = "it needs workers of an app, which know tasks by names"
    renames_tasks: ClassVar[bool] = True

    @property
    def over_at_s(self) -> float:
        return self.at_s + self.within_s

    def begin(self, world: World) -> bool:
        deployed = [world.deploy(worker, self.within_s) for worker in self.workers]
        return all(deployed)

    @classmethod
    def draws(cls) -> Draws:
        return {}  # jobquake's own workers know every job

    def sentence(self, strike: Strike) -> str:
        return f"{strike.who}, of another version, was given a task whose name it does not know"
