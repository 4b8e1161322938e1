"""A Redis of the team's own as the broker of a run, and how an app's own login is kept apart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jobquake
import pytest
from jobquake.errors import EnvironmentFault, UsageError
from jobquake.frameworks.brokers.redis import Redis, place_of
from jobquake.frameworks.brokers.theirs import TAKEN, empty, take
from jobquake.servers.running import started
from support.frameworks import APPS, CELERY, LATE, RQ, python_of

NOBODY = "redis://127.0.0.1:1"


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[str]:
    """A Redis with something of the team's in its last database."""
    with started("redis", tmp_path / "theirs", careless=True) as address:
        redis = Redis(address, 15)
        redis.ask("SET", "orders", "7")
        redis.close()
        yield address


def keys(address: str, database: int) -> list[str]:
    redis = Redis(address, database)
    try:
        return redis.names()
    finally:
        redis.close()


def test_a_run_takes_an_empty_database_and_leaves_it_empty(theirs: str) -> None:
    place = take(f"redis://{theirs}")
    assert place.database == 14 and keys(theirs, 14) == [TAKEN]
    assert take(f"redis://{theirs}").database == 13  # a second run beside it
    assert take(f"redis://{theirs}/3").database == 3
    redis = Redis(theirs, 14)
    redis.ask("LPUSH", "celery", "message")
    redis.close()
    empty(place)
    assert keys(theirs, 14) == [TAKEN]
    assert keys(theirs, 15) == ["orders"]


def test_a_database_that_holds_something_is_left_alone(theirs: str) -> None:
    with pytest.raises(UsageError, match=r"expected an empty database .* found keys in number 15"):
        take(f"redis://{theirs}/15")
    assert keys(theirs, 15) == ["orders"]


@pytest.mark.parametrize(
    ("url", "error"), [(NOBODY, EnvironmentFault), ("rediss://h/1", UsageError), ("x", UsageError)]
)
def test_a_broker_that_is_away_or_none_is_one_sentence(
    url: str, error: type[jobquake.JobquakeError]
) -> None:
    with pytest.raises(error, match="expected"):
        take(url)


def test_a_place_is_a_url_again() -> None:
    for url in ("redis://u:p%40ss@h:7/3", "redis://h:6379/0", "redis://:p@h:6379/0"):
        assert place_of(url).url == url


@pytest.mark.slow
def test_celery_and_rq_run_on_a_redis_of_the_team_s(theirs: str) -> None:
    env = {"SHOP_SETTINGS": json.dumps(LATE)}
    shop = jobquake.app("shop:app", python=python_of(CELERY), folder=APPS, env=env)
    jobs = jobquake.app("jobs:queue", python=python_of(RQ), folder=APPS)
    for app, task in ((shop, "shop.charge"), (jobs, "jobs.charge")):
        run = app.run(task=task, args=[1], kill="child", broker=f"redis://{theirs}")
        assert run.verdict == "held", run.result.sentence
        assert run.result.environment["time"].startswith("real; its Redis is yours")
    assert keys(theirs, 15) == ["orders"]
    assert all(keys(theirs, database) in ([], [TAKEN]) for database in range(15))


@pytest.mark.slow
def test_the_login_of_an_app_is_not_that_of_the_private_redis(tmp_path: Path) -> None:
    """Its URL names a password, a database and TLS; what stands in its place has none of them."""
    source = (APPS / "shop.py").read_text()
    url = "rediss://:secret@cache.example.com:6380/3?ssl_cert_reqs=none"
    (tmp_path / "shop.py").write_text(source.replace("redis://localhost:6379/0", url))
    env = {"SHOP_SETTINGS": json.dumps(LATE)}
    shop = jobquake.app("shop:app", python=python_of(CELERY), folder=tmp_path, env=env)
    run = shop.run(task="shop.charge", args=[1], kill="child")
    assert run.verdict == "held", run.result.sentence


TAKES = """
import os, signal, sys
from jobquake.frameworks.brokers.redis import Redis
from jobquake.frameworks.brokers.theirs import take
place = take(sys.argv[1])
Redis(f"{place.host}:{place.port}", place.database).ask("LPUSH", "celery", "message")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_left_goes_with_the_next(theirs: str) -> None:
    url = f"redis://{theirs}/3"
    subprocess.run([sys.executable, "-c", TAKES, url], check=False)
    assert keys(theirs, 3) == ["celery", TAKEN]
    assert take(url).database == 3
    assert keys(theirs, 3) == [TAKEN]


def test_what_is_taken_by_a_living_run_or_elsewhere_is_named(theirs: str) -> None:
    take(f"redis://{theirs}/3")
    with pytest.raises(UsageError, match=rf"has taken or left .process {os.getpid()} on "):
        take(f"redis://{theirs}/3")
    redis = Redis(theirs, 4)
    redis.ask("SET", TAKEN, "another-machine 7 1.00")
    redis.ask("LPUSH", "celery", "message")
    redis.close()
    with pytest.raises(UsageError, match=r"number 4: celery, which .*process 7 on another-machine"):
        take(f"redis://{theirs}/4")
    assert keys(theirs, 4) == ["celery", TAKEN]


def test_a_broker_behind_tls_is_refused_and_what_to_do_is_said() -> None:
    with pytest.raises(UsageError, match="does not speak TLS: name a way without it, or leave"):
        take("rediss://localhost:6379/3")
    with pytest.raises(UsageError, match="found 'http://localhost'; correct it"):
        take("http://localhost")
