"""Processes of a pool that outlive nobody: those that explore and sweep work with."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import parent_process
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def serve_parent() -> None:
    """For a pool's initializer: Ctrl-C is for whoever started us, who ends us in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()


def end_with_parent() -> None:
    """If whoever started this process is gone without having ended it, it ends at once."""
    Thread(target=_end_after_parent, daemon=True).start()


def _end_after_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def spawned(parallel: int, begin: Callable[..., None], *given: object) -> ProcessPoolExecutor:
    """A pool of fresh processes, each of which has called ``begin(*given)`` first."""
    fresh = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(parallel, fresh, initializer=begin, initargs=given)


def as_done(
    pool: ProcessPoolExecutor,
    run: Callable[..., T],
    work: Iterator[tuple[object, ...]],
    parallel: int,
    until_s: float,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[T]:
    """What ``run(*piece)`` returns, of each piece as it is done; the pool ends with it.

    Never more of them are under way than can run at once, and none begins after ``until_s`` of the
    monotonic clock, or once ``stopped()``.
    """
    under_way = set[Future[T]]()
    try:
        while True:
            while len(under_way) < parallel and time.monotonic() < until_s and not stopped():
                if (piece := next(work, None)) is None:
                    break
                under_way.add(pool.submit(run, *piece))
            if not under_way:
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)
