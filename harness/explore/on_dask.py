"""Shards on a Dask cluster: many machines, the same findings. Needs the extra ``dask``.

The scheduler runs a shard again whose worker died; when it gives up, the search submits the
shard anew. Results are kept here as they come, so no death can lose one.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any

from ...backends.adapter import Unavailable
from .search import Crew, Task, WorkerDied, run_task
from .shard import ShardResult

SCHEME = "dask://"
CONNECT_S = 5.0


class Cluster:
    """The workers of a Dask cluster; ``size`` grows and shrinks with it."""

    def __init__(self, client: Any) -> None:  # their types are not annotated
        self._client = client

    @property
    def size(self) -> int:
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        return max(1, sum(int(worker["nthreads"]) for worker in workers))

    def submit(self, task: Task) -> Future[ShardResult]:
        theirs = self._client.submit(run_task, task, pure=False)
        ours: Future[ShardResult] = Future()
        theirs.add_done_callback(partial(_hand_over, ours))
        return ours

    def result(self, future: Future[ShardResult]) -> ShardResult:
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise WorkerDied(str(error)) from error


def _hand_over(ours: Future[ShardResult], theirs: Any) -> None:
    """What came of it there, here; it does not depend on the cluster any more."""
    try:
        ours.set_result(theirs.result())
    except BaseException as error:  # noqa: BLE001 (whoever waits must be told whatever it was)
        ours.set_exception(error)


@contextmanager
def cluster_at(address: str) -> Iterator[Crew]:
    """The cluster whose scheduler is at ``dask://HOST:PORT``. Raises Unavailable."""
    host = address.removeprefix(SCHEME)
    try:
        from distributed import Client
    except ImportError as error:
        raise Unavailable(
            "expected the package 'distributed' for a Dask cluster, found none; "
            "install jobquake[dask]"
        ) from error
    try:
        client: Any = Client(  # type: ignore[no-untyped-call]
            f"tcp://{host}", timeout=CONNECT_S, set_as_default=False
        )
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"expected a Dask scheduler at {host}, found: {error}; "
            "start one with 'dask scheduler' and name its address"
        ) from error
    try:
        yield Cluster(client)
    finally:
        client.close()
