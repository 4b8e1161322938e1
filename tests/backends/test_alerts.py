"""Alert rules and dashboard: they ask for what is exported, and call in time and not before.

The times that the rules promise are held by promtool, on series of every 15 s and with the
file as it is. That the series of a real broker make them call is held by a real Prometheus,
to which a minute of the file is a second.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import jobquake
import pytest
import yaml
from jobquake.backends.reference.broker.client import Client
from jobquake.protocol import commands as c
from support.broker_process import Broker, running, wait_until
from support.prometheus_here import Prometheus, promtool, scraping
from support.scrape import LATER, LONG_S, SHORT_S, live_through_everything, scrape, take

OPERATIONS = Path(jobquake.__file__).parent / "operations"
RULES_FILE = OPERATIONS / "alerts.yml"
RULES: list[dict[str, Any]] = yaml.safe_load(RULES_FILE.read_text())["groups"][0]["rules"]
DASHBOARD: dict[str, Any] = json.loads((OPERATIONS / "dashboard.json").read_text())
EXPRESSIONS: dict[str, str] = {rule["alert"]: rule["expr"] for rule in RULES} | {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
OF_PROMETHEUS_ITSELF = {"up": {"job", "instance"}}
ADDED_BY_SCRAPING = {"job", "instance"}


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with running(tmp_path / "queue.db", 0, "--metrics-port", "0") as broker:
        yield broker


# -- words ------------------------------------------------------------------------------


def words_of(expression: str) -> tuple[set[str], set[str]]:
    """The metrics and the labels that an expression names."""
    bare = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expression)  # no values, no windows
    inside = re.findall(r"\{([^}]*)\}", bare)
    clauses = re.findall(r"\b(?:by|without|on|ignoring|group_left)\s*\(([^)]*)\)", bare)
    labels = {word for part in inside + clauses for word in re.findall(r"[a-z_]+", part)}
    outside = re.sub(r"\{[^}]*\}", "", bare)
    outside = re.sub(r"\b(?:by|without|on|ignoring|group_left)\s*\([^)]*\)", "", outside)
    names = set(re.findall(r"\b(?:jobquake_\w+|up)\b(?!\s*\()", outside))
    return names, labels


def test_the_reader_of_expressions_sees_names_and_labels() -> None:
    text = 'sum by (queue) (rate(jobquake_a_total{state="up", x=~"$y"}[5m])) / on (z) up{job="b"}'
    assert words_of(text) == ({"jobquake_a_total", "up"}, {"queue", "state", "x", "z", "job"})


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every metric that a driven broker exports, with its labels."""
    folder = tmp_path_factory.mktemp("broker")
    with running(folder / "queue.db", 0, "--metrics-port", "0") as broker:
        live_through_everything(broker.client(), "mail")
        samples = scrape(broker.metrics)
    labels = {name: {label for label, _ in pairs} for name, pairs in samples}
    return OF_PROMETHEUS_ITSELF | {n: found | ADDED_BY_SCRAPING for n, found in labels.items()}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_names_only_what_a_broker_exports(
    expression: str, shown: dict[str, set[str]]
) -> None:
    names, labels = words_of(expression)
    assert names and names <= shown.keys()
    assert labels <= set().union(*(shown[name] for name in names))


def test_every_metric_of_trouble_is_looked_at_by_somebody(shown: dict[str, set[str]]) -> None:
    asked = set().union(*(words_of(expression)[0] for expression in EXPRESSIONS.values()))
    everyday = {"jobquake_lease_extended_total", "jobquake_handed_back_total"}
    assert shown.keys() - asked == everyday | {"jobquake_replayed_total"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_what_to_do_and_how_urgent_it_is(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"].keys() == {"summary", "action"}
    assert all(text.endswith(".") for text in rule["annotations"].values())


def test_the_metrics_that_alerts_tell_people_to_read_are_there(shown: dict[str, set[str]]) -> None:
    told = " ".join(text for rule in RULES for text in rule["annotations"].values())
    assert set(re.findall(r"jobquake_\w+", told)) <= shown.keys()


def test_the_dashboard_is_well_formed() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    covered = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(covered)) == len(covered), "no panel lies on another"
    assert max(x for x, _ in covered) < 24
    assert [v["name"] for v in DASHBOARD["templating"]["list"]] == ["datasource", "queue"]
    assert all('queue=~"$queue"' in t["expr"] for panel in panels for t in panel["targets"])
    assert all(panel["description"].endswith(".") for panel in panels)


# -- the times that the file promises, in true length ------------------------------------

EVERY_S, BEGIN_S, END_S = 15, 1800, 3600
Value = Callable[[float], float]
WHERE = 'job="jobquake",instance="here"'
MAIL = f'queue="mail",{WHERE}'
WAITING = f"jobquake_jobs_waiting{{{MAIL}}}"
OLDEST = f"jobquake_oldest_wait_seconds{{{MAIL}}}"
COMPLETED = f"jobquake_completed_total{{{MAIL}}}"
LEASED = f"jobquake_leased_total{{{MAIL}}}"
FAILED = f'jobquake_retried_total{{cause="failed",{MAIL}}}'
EXPIRED = f'jobquake_leases_expired_total{{cause="lease_expired",{MAIL}}}'
EXHAUSTED = f'jobquake_dead_lettered_total{{kind="exhausted",{MAIL}}}'
UP = f"up{{{WHERE}}}"
# One job a second; one delivery in twenty fails, a worker crashes every quarter of an hour,
# and twice an hour 450 jobs come at once, which take seven minutes. Beside it a queue that
# slowly comes to more, but never a minute's work, and one that is hardly used, where a few
# jobs gather, and of the few that run every other one fails once.
EVERYDAY: dict[str, Value] = {
    **{
        series.replace("mail", queue): value
        for queue, life in {
            "reports": {WAITING: lambda t: 12 + t / 100, COMPLETED: lambda t: t},
            "seldom": {
                WAITING: lambda t: t / 400,
                COMPLETED: lambda t: t // 120,
                LEASED: lambda t: t // 80,
                FAILED: lambda t: t // 240,
            },
        }.items()
        for series, value in life.items()
    },
    WAITING: lambda t: max(2.0, 450 - (t - 300) % 1800),
    OLDEST: lambda t: 1 + (t % 600) / 10,
    COMPLETED: lambda t: t,
    LEASED: lambda t: 1.05 * t,
    FAILED: lambda t: 0.05 * t,
    EXPIRED: lambda t: t // 900,
    f'jobquake_leases_expired_total{{cause="timed_out",{MAIL}}}': lambda t: 0,
    EXHAUSTED: lambda t: 0,
    f'jobquake_dead_lettered_total{{kind="permanent",{MAIL}}}': lambda t: 0,
    UP: lambda t: 1,
}
# What changes, by the seconds since it began, and by when the file promises the alert.
TROUBLE: dict[str, tuple[dict[str, Value], int]] = {
    "JobquakeBacklogGrowing": ({WAITING: lambda s: 5 + 2 * s}, 360),
    "JobquakeJobsWaitTooLong": ({OLDEST: lambda s: s}, 420),
    "JobquakeRetryStorm": (
        {FAILED: lambda s: 0.05 * BEGIN_S + 0.5 * s, LEASED: lambda s: 1.05 * BEGIN_S + s},
        180,
    ),
    "JobquakeDeadLetters": ({EXHAUSTED: lambda s: 1}, 60),
    "JobquakeStalled": ({COMPLETED: lambda s: BEGIN_S, WAITING: lambda s: 5}, 420),
    "JobquakeLeasesExpiring": ({EXPIRED: lambda s: BEGIN_S // 900 + 4}, 60),
    "JobquakeNotScraped": ({UP: lambda s: 0}, 120),
}


def values(everyday: Value, trouble: Value | None) -> str:
    times = range(0, END_S + 1, EVERY_S)
    return " ".join(
        str(float(trouble(t - BEGIN_S) if trouble and t > BEGIN_S else everyday(t))) for t in times
    )


def held_by_promtool(folder: Path, trouble: dict[str, Value], tests: list[dict[str, Any]]) -> None:
    series = [
        {"series": name, "values": values(everyday, trouble.get(name))}
        for name, everyday in EVERYDAY.items()
    ]
    (folder / "alerts.yml").write_text(RULES_FILE.read_text())
    story = {"interval": f"{EVERY_S}s", "input_series": series, "promql_expr_test": tests}
    file = {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": f"{EVERY_S}s",
        "tests": [story],
    }
    (folder / "story.yml").write_text(yaml.safe_dump(file))
    promtool("test", "rules", "story.yml", folder=folder)


def firing(alert: str, at_s: int, number: int) -> dict[str, Any]:
    samples = [{"labels": "{}", "value": number}] if number else []
    expression = f'count(ALERTS{{alertstate="firing",alertname=~"{alert}"}})'
    return {"expr": expression, "eval_time": f"{at_s}s", "exp_samples": samples}


def test_promtool_is_content_with_the_rules(tmp_path: Path) -> None:
    told = promtool("check", "rules", str(RULES_FILE), folder=tmp_path)
    assert f"{len(RULES)} rules found" in told


def test_every_alert_has_its_trouble() -> None:
    assert TROUBLE.keys() == {rule["alert"] for rule in RULES}


def test_an_everyday_hour_makes_no_alert_call(tmp_path: Path) -> None:
    quiet = [firing(".*", at_s, 0) for at_s in range(0, END_S, 60)]
    held_by_promtool(tmp_path, {}, quiet)


@pytest.mark.parametrize("alert", TROUBLE)
def test_an_alert_calls_as_soon_as_the_file_says_and_not_before_the_trouble(
    alert: str, tmp_path: Path
) -> None:
    changed, within_s = TROUBLE[alert]
    tests = [firing(alert, BEGIN_S, 0), firing(alert, BEGIN_S + within_s, 1)]
    held_by_promtool(tmp_path, changed, tests)


def test_the_times_that_are_tested_are_those_that_the_file_tells() -> None:
    head = " ".join(RULES_FILE.read_text().split("groups:")[0].replace("#", "").split())
    told = re.search(r"How soon they call[^:]*: (.*?)\. A counter", head)
    assert told
    assert told[1].split("; ") == [
        "a backlog that starts to grow: 6 min",
        "half of all deliveries failing: 3 min",
        "no completion while work waits: 7 min",
        "a job that waits: 300 s and 2 min",
        "a dead letter, four crashes: 1 min",
        "no scrape: 2 min",
    ]


# -- a real broker, a real Prometheus, a minute of the file in a second -------------------


@pytest.fixture
def prometheus(broker: Broker, tmp_path: Path) -> Iterator[Prometheus]:
    text = re.sub(r"\b(\d+)m\b", r"\1s", RULES_FILE.read_text()).replace("> 300", "> 5")
    (tmp_path / "fast.yml").write_text(text)
    with scraping(broker.metrics, tmp_path / "fast.yml", tmp_path) as server:
        wait_until(lambda: server.query("up == 1"))
        yield server


def everyday(client: Client, seconds: float) -> None:
    """One job after the other, done at once."""
    until, number = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        number += 1
        client.call(c.Enqueue(c.Job(f"everyday-{number}", "mail")))
        client.call(c.Ack(take(client, "mail").job.id, 1))


def test_every_expression_gives_an_answer_in_prometheus(
    broker: Broker, prometheus: Prometheus
) -> None:
    live_through_everything(broker.client(), "mail")
    wait_until(lambda: prometheus.query('jobquake_replayed_total{queue="mail"} == 1'))
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            asked = target["expr"].replace("$queue", ".*").replace("$__rate_interval", "5s")
            wait_until(partial(prometheus.query, asked))
            keys = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
            assert all(keys <= row["metric"].keys() for row in prometheus.query(asked))
    for rule in RULES:
        prometheus.query(rule["expr"])
    wait_until(lambda: {rule["health"] for rule in prometheus.rules()} == {"ok"})
    assert not [rule["lastError"] for rule in prometheus.rules() if rule.get("lastError")]


def test_a_queue_in_health_makes_nobody_call(broker: Broker, prometheus: Prometheus) -> None:
    everyday(broker.client(), 4.0)  # the length of the test itself: a rule's window and more
    assert not {alert for alert in prometheus.alerts() if alert[1]}
    assert prometheus.query("jobquake_completed_total > 0")


def test_a_backlog_shows_in_the_next_scrape_and_calls(
    broker: Broker, prometheus: Prometheus
) -> None:
    client, number = broker.client(), 0

    def grows() -> set[tuple[str, str]]:
        nonlocal number
        number += 1
        client.call(c.Enqueue(c.Job(f"job-{number}", "mail")))
        return prometheus.alerts()

    for _ in range(20):
        grows()

    def waiting() -> float:
        samples = scrape(broker.metrics).items()
        return sum(value for (name, _), value in samples if name == "jobquake_jobs_waiting")

    # A scrape may be as old as the broker allows itself, which is longer on a busy machine.
    wait_until(lambda: waiting() == number)
    wanted = {"JobquakeBacklogGrowing", "JobquakeStalled", "JobquakeJobsWaitTooLong"}
    wait_until(lambda: {(alert, "mail") for alert in wanted} <= grows())


def test_a_wave_of_failures_calls(broker: Broker, prometheus: Prometheus) -> None:
    client, number = broker.client(), 0
    everyday(client, 0.5)

    def fails() -> set[tuple[str, str]]:
        """One that is retried, one that dies, and one whose worker crashes."""
        nonlocal number
        number += 1
        for what in ("retried", "dies", "crashes"):
            client.call(c.Enqueue(c.Job(f"{what}-{number}", "mail", max_deliveries=2, retry=LATER)))
            job = take(client, "mail", SHORT_S if what == "crashes" else LONG_S).job.id
            if what != "crashes":
                client.call(c.Nack(job, 1, "no", permanent=what == "dies"))
        return prometheus.alerts()

    wanted = {"JobquakeRetryStorm", "JobquakeDeadLetters", "JobquakeLeasesExpiring"}
    wait_until(lambda: {(alert, "mail") for alert in wanted} <= fails())


def test_a_broker_that_is_gone_calls(broker: Broker, prometheus: Prometheus) -> None:
    assert ("JobquakeNotScraped", "") not in prometheus.alerts()
    broker.end()
    wait_until(lambda: ("JobquakeNotScraped", "") in prometheus.alerts())
