"""Scenarios that only workers of others can play: a full broker, a deploy, a name, a long delay."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jobquake
import pytest
from jobquake.backends import registry as backends
from jobquake.frameworks.app import App
from jobquake.frameworks.brokers.redis import place_of
from jobquake.frameworks.brokers.resp import RedisCalls
from jobquake.frameworks.libraries.celery.outside import LIBRARY as CELERY_S
from jobquake.frameworks.libraries.celery.outside import Commands
from jobquake.frameworks.libraries.rq.outside import LIBRARY
from jobquake.frameworks.library import Looked, find
from jobquake.frameworks.system import AppSystem
from jobquake.harness.why_not import why_not
from jobquake.scenarios import registry
from jobquake.scenarios.for_apps import Fit, fitted
from support.frameworks import APPS, CELERY, DRAMATIQ, LATE, RQ, python_of

REDIS = "redis://localhost:6379/0"
SOON = {"visibility_timeout": 20, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}
OFTEN = "--maintenance-interval 5 --job-monitoring-interval 5 --worker-ttl 20"
FIT = Fit(workers=2, kills="worker", own_task=False, recovery_s=3700.0, patience_s=30.0)
OOM = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"


def shop(**settings: Any) -> jobquake.OwnApp:
    env = {"SHOP_SETTINGS": json.dumps({"worker_concurrency": 2, **settings})}
    return jobquake.app("shop:app", python=python_of(CELERY), folder=APPS, env=env)


def jobs() -> jobquake.OwnApp:
    return jobquake.app("jobs:queue", python=python_of(RQ), folder=APPS)


def mine(broker: str = "") -> AppSystem:
    looked = Looked("rq", "3", "3", REDIS)
    return AppSystem(
        App("a:b", broker=broker), LIBRARY, looked, theirs=place_of(broker) if broker else None
    )


def refused(name: str, system: Any) -> str | None:
    plan = fitted(registry.find(name).plan(0), FIT._replace(delays_in_leases="lease" in name))
    return why_not(plan, system, "process", "real")


def test_what_cannot_be_played_somewhere_is_refused_with_the_reason() -> None:
    assert refused("broker-full", mine()) is None
    assert refused("broker-full", mine(REDIS)) == "its broker is yours, whose memory is left alone"
    told = refused("delayed-past-lease", mine())
    assert told and "due after 9250.00 s only, which takes leaping time or more patience" in told
    reference = backends.find("reference")
    told = refused("rolling-deploy", reference)
    assert told == "its workers are jobquake's own, which know every job"
    assert refused("broker-full", reference)
    assert refused("rolling-deploy", mine()) is None
    nobody = replace(mine(), library=find("huey"))
    assert refused("rolling-deploy", nobody)


def test_who_names_the_worker_command_is_the_one_to_tell_it_its_queues() -> None:
    own = replace(mine(), app=App("a:b", worker="rq worker q"))
    assert refused("slow-job-flood", mine()) is None
    assert "serve the queues that your worker command names" in str(refused("slow-job-flood", own))
    assert refused("worker-kill-before-ack", own) is None


def test_what_redis_lacks_is_told_of_the_job_whose_note_it_refused() -> None:
    session = RedisCalls(Commands).session()
    message = json.dumps([{"headers": {"id": "job-3"}}, "celery", "celery"]).encode()
    words = [b"HSET", b"unacked", b"tag", message]
    asked = b"*4\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    session.request(asked)
    assert session.passing and not session.passing.refused
    assert session.reply(OOM) == (0, "", "")
    assert session.passing and session.passing.job == "job-3"
    assert session.passing.refused.startswith("OOM command not allowed")
    session.request(asked)
    session.reply(b"-ERR no such command\r\n")
    assert session.passing is None, "that is the library's own affair"


def test_a_worker_has_a_name_or_a_scheduler_where_the_plan_needs_one() -> None:
    assert LIBRARY.named(1) == ["--name", "w2"] and LIBRARY.delays == ["--with-scheduler"]
    assert "-n" in CELERY_S.worker("python", "a", Looked("celery", "3", "5", REDIS), (), 0)


@pytest.mark.slow
def test_celery_throws_away_a_task_that_a_new_version_does_not_know() -> None:
    run = shop(**LATE).run("rolling-deploy", task="shop.charge", args=[1], confirm_s=0.0)
    assert (run.verdict, run.outcomes["stuck"]) == ("violated", 0), run.result.sentence
    assert run.outcomes["lost"] + run.outcomes["done"] == 40 and run.outcomes["lost"] > 0
    assert "of another version, was given a task whose name it does not know" in run.result.sentence
    (lost,) = (fate for fate in run.fates if fate.outcome == "lost")
    assert lost.detail == "nothing holds it; w1, of another version, had it last"


@pytest.mark.slow
def test_rq_keeps_it_as_failed() -> None:
    run = jobs().run("rolling-deploy", task="jobs.charge", args=[1])
    assert (run.verdict, run.outcomes["lost"]) == ("held", 0), run.result.sentence
    assert run.outcomes["dead-lettered"] + run.outcomes["done"] == 40
    assert any("Invalid attribute name: charge" in fate.detail for fate in run.fates)


@pytest.mark.slow
def test_dramatiq_moves_it_to_its_dead_letters() -> None:
    python = python_of(DRAMATIQ)
    worker = f"{python} -m dramatiq actors:broker -p 1 -t 2"
    app = jobquake.app("actors:broker", python=python, folder=APPS, worker=worker)
    run = app.run("rolling-deploy", task="charge", args=[7])
    assert (run.verdict, run.outcomes["lost"]) == ("held", 0), run.result.sentence
    assert run.outcomes["dead-lettered"] + run.outcomes["done"] == 40


@pytest.mark.slow
@pytest.mark.parametrize("library", ["celery", "rq"])
def test_what_a_full_redis_refuses_is_told_in_its_own_words(library: str) -> None:
    if library == "celery":
        run = shop(broker_transport_options=SOON, **LATE).run(
            "broker-full", task="shop.charge", args=[1], confirm_s=0.0
        )
    else:
        run = jobs().run("broker-full", task="jobs.charge", args=[1])
    first = run.result.troubles[0]
    assert first.environment and first.said.startswith("OOM command not allowed when used memory")
    assert run.outcomes["unknown"] > 0, "nobody knows of a refused enqueue that it did nothing"
    assert run.verdict == ("violated" if run.outcomes["lost"] else "held"), run.result.sentence
    assert run.outcomes["stuck"] == 0


@pytest.mark.slow
def test_rq_refuses_a_successor_until_the_name_of_the_dead_has_expired() -> None:
    run = jobs().run("same-name", task="jobs.charge", args=[1], options={"retry": 3})
    assert (run.verdict, run.outcomes["lost"]) == ("held", 0), run.result.sentence


@pytest.mark.slow
def test_celery_runs_what_is_due_after_its_visibility_timeout_again_and_again() -> None:
    late = shop(broker_transport_options=SOON, **LATE)
    run = late.run("delayed-past-lease", task="shop.charge", args=[1])
    assert run.outcomes["run again"] == 6 and run.outcomes["done"] == 6, run.outcomes


@pytest.mark.slow
def test_rq_with_its_scheduler_runs_it_once() -> None:
    worker = f"{python_of(RQ)} -m rq.cli worker payments --with-scheduler {OFTEN}"
    soon = jobquake.app("jobs:queue", python=python_of(RQ), folder=APPS, worker=worker)
    run = soon.run("delayed-past-lease", task="jobs.charge", args=[1])
    assert (run.verdict, run.outcomes["done"]) == ("held", 12), run.result.sentence
