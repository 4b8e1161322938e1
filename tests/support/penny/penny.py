"""A library of a few lines, for the example of CONTRIBUTING.md: ``python -m penny MODULE:QUEUE``.

It pops a job from a list of Redis and runs it, so whoever dies in between takes the job along.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module

from redis import Redis

__version__ = "1.0"


class Queue:
    def __init__(self, host: str, port: int) -> None:
        self.redis = Redis(host, port)
        self.tasks: dict[str, Callable[..., object]] = {}

    def task(self, function: Callable[..., object]) -> Callable[..., object]:
        self.tasks[function.__name__] = function
        return function

    def enqueue(self, name: str, identifier: str, *args: object) -> None:
        self.redis.lpush("penny", json.dumps([name, identifier, args]))

    def work(self) -> None:
        while True:
            if found := self.redis.brpop(["penny"], 1):
                name, identifier, args = json.loads(found[1])
                self.run(name, identifier, args)

    def run(self, name: str, identifier: str, args: list[object]) -> None:
        self.tasks[name](*args)


if __name__ == "__main__":
    module, _, queue = sys.argv[1].partition(":")
    sys.path.insert(0, "")
    getattr(import_module(module), queue).work()
