"""What the embedded Toxiproxy can do beyond Toxiproxy: taps, triggers tied to round trips, the
recorder of round trips, and chance that a seed repeats.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any

import pytest
from jobquake.proxy import Embedded
from jobquake.proxy.applied import Direction
from jobquake.proxy.link import Link
from jobquake.proxy.triggers import Strike, Trigger
from jobquake.proxy.watch import Watch
from support.toxiproxy_lines import PATIENCE_S, Lines, LineServer, call, eventually

TRIGGERS, TRIPS = "/jobquake/proxies/p/triggers", "/jobquake/proxies/p/round_trips"


@pytest.fixture
def toxiproxy() -> Iterator[Embedded]:
    with Embedded() as running:
        yield running


@pytest.fixture
def server() -> Iterator[LineServer]:
    with LineServer() as running:
        yield running


@pytest.fixture
def listen(toxiproxy: Embedded, server: LineServer) -> str:
    return server.behind(toxiproxy)


def set_trigger(toxiproxy: Embedded, **trigger: object) -> str:
    status, told = call(toxiproxy, "POST", TRIGGERS, trigger)
    assert status == 201, told
    return str(told["name"])


def struck(toxiproxy: Embedded, name: str) -> int:
    _, triggers = call(toxiproxy, "GET", TRIGGERS)
    return next(int(t["struck"]) for t in triggers if t["name"] == name)


def bytes_asked(watch: Watch) -> int:
    return sum(trip.request_bytes for trip in watch.round_trips)


# -- triggers -----------------------------------------------------------------------------


def test_the_first_requests_of_a_connection_fail_and_then_it_recovers(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    name = set_trigger(toxiproxy, action="cut", counts="trips_of_proxy", through=2)
    answers = []
    for number in range(4):
        with Lines(listen) as client:
            answers.append(client.ask(f"request {number}"))
    assert answers == ["RST", "RST", "REQUEST 2", "REQUEST 3"]
    assert server.seen == ["request 2", "request 3"], "a cut request never arrives"
    assert struck(toxiproxy, name) == 2


def test_the_first_connections_are_refused_in_effect_and_later_ones_work(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    set_trigger(toxiproxy, action="cut", counts="connections", through=2)

    def end() -> str:
        try:
            with Lines(listen) as client:
                return client.read_to_the_end()
        except ConnectionResetError:  # so early that connecting itself sees it
            return "RST"

    ends = [end(), end()]
    with Lines(listen) as client:
        assert client.ask("hello") == "HELLO"
    assert ends == ["RST", "RST"]
    assert server.seen == ["hello"]


def test_a_reply_is_lost_although_the_request_arrived_and_the_next_one_passes(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    set_trigger(toxiproxy, action="lose_reply", nth=2)
    call(toxiproxy, "POST", TRIPS)
    with Lines(listen) as client:
        assert client.ask("one") == "ONE"
        client.send("two")
        eventually(
            lambda: [t["reply_bytes"] for t in call(toxiproxy, "GET", TRIPS)[1]] == [4, 4],
            "the second reply has come as far as the proxy",
        )
        assert not client.answered()
        assert client.ask("three") == "THREE"
    assert server.seen == ["one", "two", "three"]


def test_a_lost_reply_can_end_the_connection_so_that_the_client_need_not_wait(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    set_trigger(toxiproxy, action="lose_reply", nth=2, then_reset=True)
    with Lines(listen) as client:
        assert client.ask("one") == "ONE"
        assert client.ask("two") == "RST"
    assert server.seen == ["one", "two"]


def test_a_lost_request_never_arrives_and_the_connection_stays_silent(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    name = set_trigger(toxiproxy, action="lose_request", nth=2)
    with Lines(listen) as client:
        assert client.ask("one") == "ONE"
        client.send("two")
        eventually(lambda: struck(toxiproxy, name), "the request is struck")
    with Lines(listen) as other:
        assert other.ask("uno") == "UNO"
    assert server.seen == ["one", "uno"]


@pytest.mark.parametrize("side", ["request", "reply"])
def test_a_delayed_round_trip_takes_as_long_as_was_said(
    toxiproxy: Embedded, server: LineServer, listen: str, side: str
) -> None:
    call(toxiproxy, "POST", TRIPS)
    set_trigger(toxiproxy, action="delay", delay_s=0.3, side=side, nth=1)
    loop_clock = toxiproxy.call(asyncio.get_running_loop).time
    with Lines(listen) as client:
        began_s = loop_clock()
        assert client.ask("late") == "LATE"
        assert loop_clock() - began_s >= 0.29
        assert client.ask("on time") == "ON TIME"
    _, trips = call(toxiproxy, "GET", TRIPS)
    assert (trips[0]["answered_s"] - trips[0]["began_s"] >= 0.29) == (side == "request")


def test_one_shot_means_once_over_all_connections(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    set_trigger(toxiproxy, action="cut", nth=1, limit=1)
    answers = []
    for _ in range(3):
        with Lines(listen) as client:
            answers.append(client.ask("x"))
    assert answers == ["RST", "X", "X"]


def test_a_trigger_can_be_tied_to_one_connection(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    set_trigger(toxiproxy, action="cut", connection=2)
    with Lines(listen) as first, Lines(listen) as second:
        assert first.ask("a") == "A"
        assert second.ask("b") == "RST"
        assert first.ask("c") == "C"


def test_a_trigger_meets_connections_that_were_open_before_it_was_set(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    with Lines(listen) as client:
        assert client.ask("before") == "BEFORE"
        set_trigger(toxiproxy, action="cut")
        assert client.ask("after") == "RST"


def test_the_callback_runs_between_the_request_and_its_reply_and_can_hold_the_reply(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    done: Future[None] = Future()
    called = threading.Event()
    strikes: list[tuple[Strike, list[str]]] = []

    def callback(strike: Strike) -> Future[None]:
        strikes.append((strike, list(server.seen)))
        called.set()
        return done

    trigger = Trigger("callback", nth=2)
    toxiproxy.call(lambda: toxiproxy.server.watch("p").arm(trigger, callback))
    with Lines(listen) as client:
        assert client.ask("one") == "ONE"
        client.send("two")
        assert called.wait(PATIENCE_S)
        [(strike, seen)] = strikes
        assert (strike.connection, strike.trip) == (1, 2)
        assert seen == ["one", "two"], "the request has been forwarded"
        with Lines(listen) as other:
            assert other.ask("others") == "OTHERS", "nobody else waits for the future"
        assert not client.answered(), "the reply waits"
        done.set_result(None)
        assert client.read() == "TWO"


def test_a_trigger_can_be_tied_to_what_a_request_says(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    words: dict[str, Any] = {"action": "cut", "counts": "trips_of_proxy", "request_has": "pop"}
    name = set_trigger(toxiproxy, **words, nth=2)
    with Lines(listen) as client, Lines(listen) as other:
        assert client.ask("pop one") == "POP ONE"
        assert other.ask("push two") == "PUSH TWO"
        assert other.ask("pop three") == "RST"
        assert client.ask("pop four") == "POP FOUR"
    assert server.seen == ["pop one", "push two", "pop four"]
    assert struck(toxiproxy, name) == 1


def test_a_trigger_can_be_tied_to_what_an_answer_says(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    words: dict[str, Any] = {"action": "lose_reply", "counts": "trips_of_proxy"}
    name = set_trigger(toxiproxy, **words, request_has="pop", reply_has="JOB", then_reset=True)
    with Lines(listen) as client:
        assert client.ask("pop nothing") == "POP NOTHING"
        assert client.ask("push job") == "PUSH JOB"
        assert client.ask("pop job") == "RST"
    with Lines(listen) as client:
        assert client.ask("pop job") == "POP JOB", "it was the first one that was to be struck"
    assert struck(toxiproxy, name) == 1


def test_a_callback_that_fails_ends_its_connection_and_no_other(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    heard: list[str] = []

    async def fails() -> None:
        raise RuntimeError("not today")

    def arm() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, what: heard.append(str(what["exception"])))
        toxiproxy.server.watch("p").arm(Trigger("callback", limit=1), lambda strike: fails())

    toxiproxy.call(arm)
    with Lines(listen) as client, Lines(listen) as other:
        assert client.ask("one") in ("FIN", "RST")
        assert other.ask("two") == "TWO"
    assert heard == ["not today"]


def test_triggers_can_be_listed_and_removed(toxiproxy: Embedded, listen: str) -> None:
    first = set_trigger(toxiproxy, action="cut")
    set_trigger(toxiproxy, action="delay", name="slow", delay_s=9)
    assert [t["name"] for t in call(toxiproxy, "GET", TRIGGERS)[1]] == [first, "slow"]
    assert call(toxiproxy, "DELETE", f"{TRIGGERS}/{first}") == (204, None)
    assert call(toxiproxy, "DELETE", f"{TRIGGERS}/{first}")[0] == 404
    assert call(toxiproxy, "POST", "/reset")[0] == 204
    assert call(toxiproxy, "GET", TRIGGERS) == (200, [])
    with Lines(listen) as client:
        assert client.ask("healthy") == "HEALTHY"


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"action": "explode"},
        {"action": "callback"},
        {"action": "cut", "nth": 0},
        {"action": "cut", "nth": 3, "through": 2},
        {"action": "delay", "delay_s": -1},
        {"action": "cut", "counts": "sheep"},
        {"action": "cut", "nht": 1},
        {"action": "cut", "request_has": "x"},
        {"action": "cut", "reply_has": "x", "counts": "trips_of_proxy"},
        {"action": "delay", "side": "request", "reply_has": "x", "counts": "trips_of_proxy"},
        [],
    ],
    ids=str,
)
def test_a_trigger_that_makes_no_sense_is_refused_with_a_reason(
    toxiproxy: Embedded, listen: str, wrong: Any
) -> None:
    status, told = call(toxiproxy, "POST", TRIGGERS, wrong)
    assert status == 400 and told["error"].startswith("bad trigger: ")
    assert call(toxiproxy, "GET", TRIGGERS) == (200, [])


def test_two_triggers_have_two_names(toxiproxy: Embedded, listen: str) -> None:
    set_trigger(toxiproxy, action="cut", name="n")
    status, _ = call(toxiproxy, "POST", TRIGGERS, {"action": "cut", "name": "n"})
    assert status == 400
    assert call(toxiproxy, "GET", "/jobquake/proxies/none/triggers")[0] == 404


# -- the recorder -------------------------------------------------------------------------


def test_the_recorder_lists_the_round_trips_of_every_connection(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    assert call(toxiproxy, "POST", TRIPS) == (204, None)
    name = set_trigger(toxiproxy, action="delay", connection=2, nth=1)
    with Lines(listen) as first, Lines(listen) as second:
        first.ask("a")
        second.ask("four")
        first.ask("abc")
    _, trips = call(toxiproxy, "GET", TRIPS)
    told = [
        (t["connection"], t["number"], t["request_bytes"], t["reply_bytes"], t["struck"])
        for t in trips
    ]
    assert told == [(1, 1, 2, 2, None), (2, 1, 5, 5, name), (1, 2, 4, 4, None)]
    for trip in trips:
        assert 0 <= trip["began_s"] <= trip["answered_s"] <= trip["last_s"]


def test_a_request_in_pieces_is_one_round_trip(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    call(toxiproxy, "POST", TRIPS)
    watch = toxiproxy.call(lambda: toxiproxy.server.watch("p"))

    def asked(so_far: int) -> bool:
        return bytes_asked(watch) == so_far

    with Lines(listen) as client:
        for piece, so_far in ((b"one", 3), (b" t", 5)):
            client.socket.sendall(piece)
            eventually(partial(asked, so_far), "the piece has come")
        client.socket.sendall(b"wo\n")
        assert client.read() == "ONE TWO"
    assert [(t.number, t.request_bytes) for t in watch.round_trips] == [(1, 8)]


def test_recording_can_begin_anew_and_be_stopped(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    call(toxiproxy, "POST", TRIPS)
    with Lines(listen) as client:
        client.ask("one")
        call(toxiproxy, "POST", TRIPS)
        client.ask("two")
        _, trips = call(toxiproxy, "GET", TRIPS)
        assert [t["number"] for t in trips] == [2]
        assert call(toxiproxy, "DELETE", TRIPS)[0] == 204
        client.ask("three")
    assert call(toxiproxy, "GET", TRIPS) == (200, [])


# -- taps ---------------------------------------------------------------------------------


class Shout:
    """A tap that adds an exclamation mark to what the client says, and keeps a diary."""

    def __init__(self, link: Link, diary: list[str]) -> None:
        self._link, self._diary = link, diary

    def opened(self) -> None:
        self._diary.append(f"opened {self._link.number}")

    def received(self, direction: Direction, data: bytes) -> None:
        self._diary.append(f"{direction.value} {data.decode().strip()}")
        if direction is Direction.UPSTREAM:
            data = data.replace(b"\n", b"!\n")
        self._link.forward(direction, data)

    def ended(self, direction: Direction) -> None:
        self._diary.append(f"{direction.value} ended")
        self._link.end(direction)

    def closed(self) -> None:
        self._diary.append("closed")


def test_a_tap_is_told_everything_and_decides_what_passes(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    diary: list[str] = []
    proxy = toxiproxy.server.proxies["p"]
    proxy.tap_factory = lambda link: Shout(link, diary)
    with Lines(listen) as client:
        assert client.ask("hi") == "HI!"
    eventually(lambda: "closed" in diary, "the connection is gone")
    assert diary[:4] == ["opened 1", "upstream hi", "downstream HI!", "upstream ended"]
    assert diary[-1] == "closed"


def test_what_a_tap_passes_on_still_meets_the_toxics(
    toxiproxy: Embedded, server: LineServer, listen: str
) -> None:
    toxiproxy.server.proxies["p"].tap_factory = lambda link: Shout(link, [])
    limit = {"type": "limit_data", "stream": "upstream", "attributes": {"bytes": 4}}
    assert call(toxiproxy, "POST", "/proxies/p/toxics", limit)[0] == 200
    with Lines(listen) as client:
        assert client.ask("hi") in ("HI!", "FIN")  # 4 bytes: the line is whole, then the end
    eventually(lambda: server.seen == ["hi!"], "what passed the toxic arrives")


def test_a_proxy_has_one_tap_and_the_second_is_refused(toxiproxy: Embedded, listen: str) -> None:
    toxiproxy.server.proxies["p"].tap_factory = lambda link: Shout(link, [])
    assert call(toxiproxy, "POST", TRIPS)[0] == 409
    assert call(toxiproxy, "POST", TRIGGERS, {"action": "cut"})[0] == 400


# -- chance -------------------------------------------------------------------------------


def fates(seed: int) -> list[bool]:
    """Which of forty connections met a toxic of toxicity one half."""
    with LineServer() as server, Embedded(seed) as toxiproxy:
        listen = server.behind(toxiproxy)
        limit = {"type": "limit_data", "toxicity": 0.5, "attributes": {"bytes": 0}}
        call(toxiproxy, "POST", "/proxies/p/toxics", limit)
        met = []
        for _ in range(40):
            with Lines(listen) as client:
                met.append(client.ask("x") != "X")
        return met


def test_the_same_seed_gives_every_connection_the_same_fate_and_another_seed_another() -> None:
    first = fates(seed=7)
    assert first == fates(seed=7)
    assert 0 < sum(first) < 40
    assert first != fates(seed=8)
