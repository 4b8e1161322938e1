"""Servers that lack what they need, for real: memory, a disk, connections, prepared statements.

Whatever they say stands in the run, in their own words, and the exit code is the environment's.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
import redis
from jobquake.backends import registry
from jobquake.errors import ENVIRONMENT, EnvironmentFault, JobquakeError
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.plan.replay import encode
from jobquake.harness.run import Run, run
from jobquake.proxy.client import Toxiproxy
from jobquake.proxy.embedded import Embedded
from jobquake.reports import text
from jobquake.servers import running
from jobquake.servers.program import become
from msgspec.structs import replace
from support.broker_process import wait_until
from support.servers_here import folder, or_skip

KIB = 1024
PLAN = Plan(
    scenario="server-words",
    variant="default",
    seed=1,
    queues=(Queue("q"),),
    pools=(Pool("p", ("q",), 2),),
    jobs=tuple(PlannedJob(0.02 * n, 0, 0.02, payload_bytes=32 * KIB) for n in range(40)),
    faults=(),
    guarantees=("no_lost_work", "no_duplicated_effects"),
    producers=1,
    deadline_s=4.0,
)


@contextmanager
def served(kind: str, place: Path) -> Iterator[str]:
    started = or_skip(lambda: running.start(kind, place, careless=True))
    assert isinstance(started, running.Running)
    try:
        yield started.address
    finally:
        running.stop(started)


@pytest.fixture
def place() -> Iterator[Path]:
    with folder() as made:
        yield made


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A disk of a few MiB."""
    yield from disk_of("2m", place)


@pytest.fixture
def disk_of_a_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk with just enough room for a run, where runs are."""
    for disk in disk_of("6m", place):
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        yield disk


def disk_of(size: str, place: Path) -> Iterator[Path]:
    disk = place / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(disk)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.fixture
def full_redis(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Somebody's Redis with room for a dozen jobs."""
    with served("redis", place / "redis") as address:
        client = redis.Redis.from_url(f"redis://{address}/0")
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 600 * KIB)
        monkeypatch.setenv("JOBQUAKE_REDIS", f"redis://{address}/0")
        yield


def processes(backend: str, plan: Plan = PLAN) -> Run:
    return run(plan, registry.find(backend), "process")


def blames_the_environment(done: Run, words: str) -> None:
    result = done.result
    assert result.verdict == "inconclusive", text.render([done])
    assert result.exit_code == ENVIRONMENT
    assert result.sentence.startswith("the environment was at fault, not the queue: ")
    assert words in result.sentence, text.render([done])
    assert any(words in line for line in result.story)


def test_a_redis_whose_memory_is_full(full_redis: None) -> None:
    done = processes("reference-redis")
    blames_the_environment(done, "OOM command not allowed when used memory > 'maxmemory'")
    assert done.ledger is not None
    assert b'["OOM command not allowed' in done.ledger


@pytest.mark.slow
def test_the_command_line_ends_with_the_code_of_the_environment(
    full_redis: None, tmp_path: Path
) -> None:
    command = [
        sys.executable,
        "-m",
        "jobquake",
        "replay",
        encode(PLAN, "reference-redis", "process"),
    ]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == ENVIRONMENT, ended.stdout
    assert "the environment was at fault, not the queue" in ended.stdout
    assert "OOM command not allowed" in ended.stdout


@pytest.mark.slow
def test_a_redis_that_is_a_read_only_replica(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served("redis", place / "redis") as address:
        redis.Redis.from_url(f"redis://{address}/0").replicaof("127.0.0.1", "1")
        monkeypatch.setenv("JOBQUAKE_REDIS", f"redis://{address}/0")
        with pytest.raises(EnvironmentFault, match="READONLY You can't write against a read only"):
            processes("reference-redis")


@pytest.mark.slow
def test_a_redis_that_wants_a_password(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served("redis", place / "redis") as address:
        redis.Redis.from_url(f"redis://{address}/0").config_set("requirepass", "secret")
        monkeypatch.setenv("JOBQUAKE_REDIS", f"redis://{address}/0")
        with pytest.raises(EnvironmentFault, match="Authentication required"):
            processes("reference-redis")


@pytest.mark.slow
def test_a_redis_with_too_few_connections(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served("redis", place / "redis") as address:
        redis.Redis.from_url(f"redis://{address}/0").config_set("maxclients", 3)
        monkeypatch.setenv("JOBQUAKE_REDIS", f"redis://{address}/0")
        blames_the_environment(processes("reference-redis"), "max number of clients reached")


@pytest.mark.slow
def test_a_redis_whose_disk_is_full(
    place: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``appendfsync always`` Redis ends by itself; so it is asked every second here."""
    with served("redis", small_disk) as address:
        client = redis.Redis.from_url(f"redis://{address}/0")
        client.config_set("appendfsync", "everysec")
        client.config_set("appendonly", "yes")
        while client.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.01)
        monkeypatch.setenv("JOBQUAKE_REDIS", f"redis://{address}/0")
        (small_disk / "ballast").write_bytes(bytes(shutil.disk_usage(small_disk).free - 300 * KIB))
        told = whatever("reference-redis")
        assert "MISCONF" in told
        assert "No space left on device" in told


@pytest.mark.slow
def test_a_failover_to_a_replica_that_lags_is_told_as_that(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replica is cut off from its primary, and takes its place while jobs run."""
    with (
        served("redis", place / "first") as first,
        served("redis", place / "second") as second,
        Embedded() as proxy,
    ):
        front, copying = (Toxiproxy(proxy.address).create(n, first) for n in ("front", "copying"))
        one, other = (redis.Redis.from_url(f"redis://{at}/0") for at in (first, second))
        other.replicaof(*copying.listen.split(":"))
        wait_until(lambda: other.info("replication")["master_link_status"] == "up")
        monkeypatch.setenv("JOBQUAKE_REDIS", f"redis://{front.listen}/0")

        def jobs(server: redis.Redis) -> int:
            return sum(1 for _ in server.scan_iter("*:job:*"))

        def fail_over() -> None:
            wait_until(lambda: jobs(other) > 0)
            copying.add_toxic("timeout", name="lag", timeout=0)
            wait_until(lambda: jobs(one) >= jobs(other) + 10)
            other.replicaof("NO", "ONE")
            front.update(upstream=second)
            with front.down():
                pass  # who is connected to the first is cut off

        names = [server.info("server")["run_id"][:12] for server in (one, other)]
        with ThreadPoolExecutor(1) as others:
            done = others.submit(fail_over)
            result = processes("reference-redis", replace(PLAN, deadline_s=20.0)).result
            done.result()
    assert result.verdict == "violated", result.sentence
    assert "the queue no longer holds it" in result.sentence
    told = next(t for t in result.troubles if t.first == "the queue's server was replaced")
    assert told.said.startswith(f"it was {names[0]} at the start and is {names[1]} at the end")


def filled(disk: Path, least: int = 0) -> None:
    (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - least))


def test_no_run_begins_where_there_is_no_room(disk_of_a_run: Path) -> None:
    filled(disk_of_a_run, 300 * KIB)
    with pytest.raises(EnvironmentFault, match=r"4,096 KiB, found 300 KiB; make room there, or .*"):
        processes("reference")
    assert [entry.name for entry in disk_of_a_run.iterdir()] == ["ballast"]


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["reference", "reference-sqlite"])
def test_a_disk_that_fills_up_during_a_run_is_what_is_told(
    disk_of_a_run: Path, backend: str
) -> None:
    def fill() -> None:
        wait_until(lambda: any(disk_of_a_run.glob("jobquake-*/ledger.jsonl")))
        with suppress(OSError):  # the run takes the last of it
            filled(disk_of_a_run)

    with ThreadPoolExecutor(1) as others:
        done = others.submit(fill)
        with pytest.raises(EnvironmentFault, match=r"found 0 KiB; make room there, or .* TMPDIR"):
            processes(backend)
        done.result()
    assert [entry.name for entry in disk_of_a_run.iterdir()] == ["ballast"]


@pytest.mark.slow
def test_a_postgres_whose_disk_is_full(
    place: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables of the run lie on the small disk, the rest of the cluster does not."""
    with served("postgres", place / "postgres") as address:
        user = pwd.getpwnam("postgres")
        for path in (place, small_disk):
            path.chmod(0o755)
        os.chown(small_disk, user.pw_uid, user.pw_gid)
        with psycopg.connect(url(address), autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'".encode())
            connection.execute("ALTER ROLE jobquake SET default_tablespace = small")
        monkeypatch.setenv("JOBQUAKE_POSTGRES", url(address))
        blames_the_environment(processes("reference-postgres"), "No space left on device")


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["reference", "reference-sqlite"])
def test_a_file_on_a_full_disk(
    backend: str, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger lies there, too, so it may be the first that finds no room."""
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    monkeypatch.setenv("TMPDIR", str(small_disk))
    assert "disk" in whatever(backend)


def whatever(backend: str) -> str:
    """What is told of the run, which may not have come to its end: the environment's fault."""
    try:
        done = processes(backend)
    except JobquakeError as error:
        if error.exit_code == ENVIRONMENT:
            return str(error)
        raise
    assert done.result.exit_code == ENVIRONMENT, text.render([done])
    return text.render([done])


def url(address: str) -> str:
    return f"postgresql://jobquake@{address}/postgres"


@contextmanager
def pooled(address: str, place: Path, *settings: str) -> Iterator[str]:
    """PgBouncer in transaction mode before that PostgreSQL; skipped where it is not installed."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        if os.environ.get("CI", "").lower() in ("true", "1"):
            pytest.fail("expected pgbouncer, found none")
        pytest.skip("pgbouncer is not installed; on Debian: apt-get install pgbouncer")
    host, port = address.split(":")
    ours = running.free_port()
    settings = (
        "[databases]", f"postgres = host={host} port={port} dbname=postgres user=jobquake",
        "[pgbouncer]", "listen_addr = 127.0.0.1", f"listen_port = {ours}", "unix_socket_dir =",
        "auth_type = any", "pool_mode = transaction", "default_pool_size = 3", *settings,
    )  # fmt: skip
    place.chmod(0o755)
    configuration = place / "pgbouncer.ini"
    configuration.write_text("\n".join(settings))
    nobody = pwd.getpwnam("nobody")
    root = os.geteuid() == 0  # as which it refuses to run
    process = subprocess.Popen(
        [program, "--quiet", str(configuration)],
        preexec_fn=(lambda: become(nobody.pw_uid, nobody.pw_gid)) if root else None,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 20.0
        while not running.answers(ours, b"\0\0\0\x08\x04\xd2\x16\x2f", b"N"):  # may we use SSL?
            assert process.poll() is None, "pgbouncer has ended"
            assert time.monotonic() < until, "pgbouncer does not answer"
            time.sleep(0.01)
        yield f"127.0.0.1:{ours}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
def test_a_pooler_that_breaks_prepared_statements(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served("postgres", place / "postgres") as address, pooled(address, place) as pooler:
        monkeypatch.setenv("JOBQUAKE_POSTGRES", url(pooler))
        told = whatever("reference-postgres")
        assert 'prepared statement "_pg3_' in told


@pytest.mark.slow
def test_a_pooler_with_too_few_connections(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        served("postgres", place / "postgres") as address,
        pooled(address, place, "max_client_conn = 2") as pooler,
    ):
        monkeypatch.setenv("JOBQUAKE_POSTGRES", url(pooler))
        told = whatever("reference-postgres")
        assert "no more connections allowed (max_client_conn)" in told


@pytest.mark.slow
def test_a_server_that_ends_by_itself(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """A Redis that may not write a file larger than that ends, and says so at last."""
    limited = place / "redis-server"
    real = shutil.which("redis-server")
    if real is None:
        pytest.skip("redis-server is not installed")
    limited.write_text(f'#!/bin/sh\ntrap "" XFSZ\nulimit -f 512\nexec {real} "$@"\n')
    limited.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    began = time.monotonic()
    done = processes("reference-redis", replace(PLAN, deadline_s=60.0))
    assert time.monotonic() - began < 50.0, "the run was not ended when its server was gone"
    assert done.result.exit_code == ENVIRONMENT, text.render([done])
    assert "the queue's server ended by itself: status " in done.result.sentence
    assert "Exiting" in done.result.sentence
    assert done.result.outcomes["lost"] == 0
