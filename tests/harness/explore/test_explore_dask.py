"""Exploration on a Dask cluster: the same result, though a worker is killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jobquake.backends import registry
from jobquake.backends.adapter import Unavailable
from jobquake.harness.explore import search
from jobquake.harness.explore.on_dask import cluster_at
from jobquake.harness.explore.search import Here, Limits, Search

if TYPE_CHECKING:
    from distributed import LocalCluster

dask = pytest.importorskip("dask", reason="needs the extra jobquake[dask]")
distributed = pytest.importorskip("distributed", reason="needs the extra jobquake[dask]")
SCHEDULES = 1_000
TWIN = "twin-ack-without-token"


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[LocalCluster]:
    with (
        dask.config.set(temporary_directory=str(tmp_path)),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as made,
    ):
        yield made


def explored(crew: search.Crew, progress: Callable[[Search], None] | None = None) -> Search:
    return search.search(
        registry.find,
        TWIN,
        crew,
        Limits(SCHEDULES),
        seed=4,
        oracle="reference",
        keep_going=True,
        progress=progress,
    )


@pytest.mark.slow
def test_a_cluster_finds_all_that_one_core_finds_though_a_worker_is_killed(
    cluster: LocalCluster,
) -> None:
    address = cluster.scheduler_address.removeprefix("tcp://")
    with distributed.Client(cluster.scheduler_address) as client:
        workers = client.run(os.getpid)
    victim = next(iter(workers.values()))
    killed: list[int] = []

    def kill_one(state: Search) -> None:
        if state.shards >= 1 and not killed:
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)

    with cluster_at(f"dask://{address}") as crew:
        together = explored(crew, kill_one)
    assert killed
    alone = explored(Here())
    assert alone.found
    assert together.schedules == alone.schedules == SCHEDULES
    assert together.first == alone.first
    assert sorted(together.found, key=str) == sorted(alone.found, key=str)
    assert together.bites == alone.bites
    assert together.features == alone.features
    assert together.nearest == alone.nearest


def test_a_cluster_that_is_not_there_is_told_in_one_sentence() -> None:
    with (
        pytest.raises(Unavailable, match=r"expected a Dask scheduler at 127\.0\.0\.1:9"),
        cluster_at("dask://127.0.0.1:9"),
    ):
        pass
