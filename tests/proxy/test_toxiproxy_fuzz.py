"""The embedded Toxiproxy under wild requests and wild toxics.

Whatever comes, it answers afterwards, it says what the real server says, the bytes that no
toxic drops arrive complete and in order, and nothing is left open.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from jobquake.proxy.embedded import Embedded
from support import toxiproxies
from support.toxiproxies import DEADLINE_S, HOST, Api, Line, Pair, dial, ending, until

fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
STREAMS = ("upstream", "downstream")


@dataclass(frozen=True)
class Ours:
    """The embedded server, in this process, and its API."""

    embedded: Embedded
    api: Api


@pytest.fixture(scope="module")
def ours() -> Iterator[Ours]:
    embedded = Embedded(seed=0)
    yield Ours(embedded, Api("embedded", embedded.start()))
    embedded.stop()


# -- wild requests --------------------------------------------------------------------------

NAMES = ["a", "b", "a b", "né", "", "%", "toxics"]
LISTENS = [f"{HOST}:0", "localhost:0", "nope", "", f"{HOST}:99999", ":0", None, 5]
TYPES = ["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"]
TYPES += ["noop", "nonsense", "Latency", ""]
ATTRIBUTES = ["latency", "jitter", "rate", "delay", "timeout", "bytes", "average_size", "JITTER"]
ODD: list[object] = [
    0, 1, -1, 5, 2**62, 2**63, -(2**63), 10**30, 1.5, 1e3, True, None, "5", [], {}, "ü\u2028<&>",
]  # fmt: skip

odd = st.sampled_from(ODD)
attributes = st.dictionaries(st.sampled_from(ATTRIBUTES), odd, max_size=3) | odd
proxy_bodies = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(NAMES) | odd,
        "upstream": st.sampled_from([f"{HOST}:1", "nope", ""]) | odd,
        "listen": st.sampled_from(LISTENS),
        "enabled": st.booleans() | odd,
        "Enabled": st.booleans(),
        "unknown": odd,
    },
)
good_proxies = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "b", "a b"]),
        "upstream": st.just(f"{HOST}:1"),
        "listen": st.just(f"{HOST}:0"),
    },
    optional={"enabled": st.booleans()},
)
toxic_bodies = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={
        "name": st.sampled_from(["t", "u", ""]) | odd,
        "stream": st.sampled_from([*STREAMS, "UPSTREAM", "", "both"]) | odd,
        "toxicity": st.sampled_from([0, 1, 0.1, 2, -1, 1e-9, 1e40, 1 / 3]) | odd,
        "attributes": attributes,
    },
)
anything = st.recursive(
    odd | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
documents = st.one_of(
    good_proxies,
    proxy_bodies,
    toxic_bodies,
    st.lists(good_proxies | proxy_bodies, max_size=3),
    anything,
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """A body: JSON, JSON cut short, JSON with more behind it, or nonsense."""
    text = json.dumps(draw(documents), ensure_ascii=draw(st.booleans()))
    match draw(st.sampled_from(["whole", "whole", "whole", "cut", "more", "nonsense"])):
        case "cut":
            text = text[: draw(st.integers(0, len(text)))]
        case "more":
            text += draw(st.sampled_from([" ", "x", "{}", "]", "\n\n"]))
        case "nonsense":
            text = draw(st.text("{}[]\":,0123456789.-+eEtrufalsn'\\ \n\x00é", max_size=20))
    return text.encode("utf-8", "surrogatepass")


@st.composite
def paths(draw: st.DrawFn) -> str:
    name, toxic = draw(st.sampled_from(["a", "b", "a%20b"])), draw(st.sampled_from(["t", "u"]))
    known = ["/version", "/proxies", "/proxies", "/populate", "/reset", f"/proxies/{name}"]
    known += [f"/proxies/{name}/toxics"] * 3 + [f"/proxies/{name}/toxics/{toxic}"] * 2
    known += [f"/proxies/{name}/toxics/latency_downstream", "/nope", "/proxies/", "//proxies"]
    return draw(st.sampled_from(known))


requests = st.tuples(
    st.sampled_from(["GET", "POST", "POST", "POST", "PATCH", "DELETE", "PUT", "HEAD"]),
    paths(),
    texts(),
)


def spoken(api: Api, method: str, path: str, body: bytes) -> tuple[object, ...]:
    """What a server says, without what chance decides: ports and ids."""
    answer = api.ask(method, path, body)
    text = re.sub(rb"(127\.0\.0\.1|\[::\]):\d{4,5}", b"LISTEN", answer.body)
    kept = ("Content-Type", "Location", "Allow", "X-Content-Type-Options")
    return answer.status, text, *(answer.headers[name] for name in kept)


@pytest.fixture(scope="module")
def theirs() -> Iterator[Api]:
    with toxiproxies.running("real") as api:
        yield api


@settings(fuzz, max_examples=300)
@given(sequence=st.lists(requests, min_size=1, max_size=10))
def test_whatever_is_asked_ours_says_what_the_real_server_says(
    ours: Ours, theirs: Api, sequence: list[tuple[str, str, bytes]]
) -> None:
    ours.api.clear()
    theirs.clear()
    for method, path, body in sequence:
        said = spoken(ours.api, method, path, body)
        assert said == spoken(theirs, method, path, body)
        if said[0] == 400 and "/toxics/" in path:
            break  # of a change that it refuses, the real one carries out a part


our_routes = st.tuples(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.sampled_from(
        [
            "/jobquake",
            "/jobquake/populate",
            "/jobquake/proxies/a/triggers",
            "/jobquake/proxies/a/triggers/1",
            "/jobquake/proxies/none/triggers",
            "/jobquake/proxies/a/round_trips",
        ]
    ),
    texts()
    | st.fixed_dictionaries(
        {
            "action": st.sampled_from(
                ["cut", "lose_reply", "lose_request", "delay", "callback", "x"]
            )
        },
        optional=dict.fromkeys(
            ["name", "counts", "nth", "through", "limit", "delay_s", "side"], odd
        ),
    ).map(lambda trigger: json.dumps(trigger).encode()),
)


@settings(fuzz, max_examples=200)
@given(sequence=st.lists(our_routes, min_size=1, max_size=10))
def test_whatever_is_asked_of_the_routes_of_our_own_is_answered(
    ours: Ours, sequence: list[tuple[str, str, bytes]]
) -> None:
    ours.api.clear()
    ours.api.proxy("a")
    for method, path, body in sequence:
        answer = ours.api.ask(method, path, body)
        refused = answer.status in (400, 404, 405, 409)
        cannot_listen = answer.status == 500 and b"listen" in answer.body
        assert answer.status in (200, 201, 204) or refused or cannot_listen, answer


HEADERS = ["Content-Length", "Transfer-Encoding", "Connection", "Host", "Expect", "User-Agent"]
HEADERS += ["Upgrade", "X", " X", "X Y", "", "Content-Type"]
VALUES = ["0", "5", "-1", "+5", "0x5", "99999999999999999999", "chunked", "gzip, chunked", "close"]
VALUES += ["keep-alive", "100-continue", "h2c", "", "\x00", "x" * 70_000, "a, b"]
words = st.text(max_size=8)
headers = st.lists(
    st.tuples(st.sampled_from(HEADERS) | words, st.sampled_from(VALUES) | words), max_size=6
)


@st.composite
def wild_bytes(draw: st.DrawFn) -> bytes:
    """Something that began as an HTTP request."""
    line = " ".join(
        [
            draw(st.sampled_from(["GET", "POST", "DELETE", "get", "", "PRI", "\x16\x03\x01"])),
            draw(paths() | st.text(max_size=10) | st.just("/" + "x" * 70_000) | st.just("*")),
            draw(st.sampled_from(["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "", "x"])),
        ]
    )
    lines = [line, *(f"{name}: {value}" for name, value in draw(headers))]
    end = draw(st.sampled_from(["\r\n", "\r\n", "\r\n", "\n", "\r"]))
    whole = (end.join(lines) + end * 2).encode("utf-8", "surrogatepass") + draw(
        texts()
        | st.binary(max_size=20)
        | st.sampled_from(
            [b"5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"ffffffffffffffff\r\n", b"-1\r\n"]
        )
    )
    whole *= draw(st.sampled_from([1, 1, 1, 3]))
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        at = draw(st.integers(0, len(whole) - 1))
        whole = whole[:at] + draw(st.binary(max_size=2)) + whole[at + 1 :]
    return whole[: draw(st.integers(0, len(whole)) | st.just(len(whole)))]


@settings(fuzz, max_examples=400)
@given(data=wild_bytes(), ends=st.sampled_from(["half", "close", "reset"]))
@example(data=b"", ends="half")
@example(data=b"\r\n\r\n\r\n", ends="half")
@example(data=b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 12_000, ends="half")
@example(data=b"POST /proxies HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n{}", ends="half")
@example(
    data=b"POST /proxies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx" * 3,
    ends="half",
)
def test_whatever_is_sent_to_the_api_it_ends_and_disturbs_nobody(
    ours: Ours, data: bytes, ends: str
) -> None:
    witness = http.client.HTTPConnection(ours.api.url.removeprefix("http://"), timeout=DEADLINE_S)
    witness.request("GET", "/version")
    witness.getresponse().read()
    kept = witness.sock
    with dial(ours.api.url.removeprefix("http://")) as connection:
        with suppress(ConnectionError):  # it may be turned away before all of it is sent
            connection.sendall(data)
        if ends == "half":
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            told, _ = ending(connection)
            assert re.match(rb"(HTTP/1\.[01] \d{3} |$)", told)
        elif ends == "reset":
            toxiproxies.reset(connection)
    witness.request("GET", "/version")
    answer = witness.getresponse()
    assert (answer.status, answer.read()) == (200, b'{"version": "2.12.0"}\n')
    assert witness.sock is kept
    witness.close()


# -- wild toxics ----------------------------------------------------------------------------

DELAYING = ["latency", "bandwidth", "slicer", "slow_close", "noop"]
DROPPING = ["timeout", "reset_peer", "limit_data"]
SETTINGS: dict[str, dict[str, list[int]]] = {
    "latency": {"latency": [0, 1, 20, 10_000, -5], "jitter": [0, 5, -1]},
    "bandwidth": {"rate": [0, 1, 50, 100_000, -1]},
    "slicer": {
        "average_size": [0, 1, 64, 5_000, -1],
        "size_variation": [0, 1, 63, 10_000, -1],
        "delay": [0, 10, 1_000_000, -1],
    },
    "slow_close": {"delay": [0, 10, 10_000]},
    "noop": {},
    "timeout": {"timeout": [0, 1, 50, 10_000]},
    "reset_peer": {"timeout": [0, 1, 50, 10_000]},
    "limit_data": {"bytes": [0, 1, 1000, 10**9, -1]},
}
EVERY = {name: values for kind in SETTINGS.values() for name, values in kind.items()}
toxicities = st.sampled_from([0, 0.5, 1, 1, 1])
pieces = st.sampled_from([0, 1, 10, 1000, 32_768, 40_000])
MOST = 400_000  # bytes per direction that the kernel takes even if nobody reads


def some(values: dict[str, list[int]]) -> st.SearchStrategy[dict[str, int]]:
    return st.fixed_dictionaries({name: st.sampled_from(of) for name, of in values.items()})


def steps(types: list[str]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """What happens to a line: (what, its details, bytes sent up after it, bytes sent down)."""
    add = st.sampled_from(types).flatmap(
        lambda type: st.tuples(
            st.just(type), st.sampled_from(STREAMS), toxicities, some(SETTINGS[type])
        )
    )
    change = st.tuples(st.integers(0, 9), toxicities, some(EVERY))
    remove = st.tuples(st.integers(0, 9))
    happenings = [("add", add), ("add", add), ("change", change), ("remove", remove)]
    happenings += [("connect", st.just(())), ("reset", st.just(()))]
    step = st.sampled_from(happenings).flatmap(
        lambda named: st.tuples(st.just(named[0]), named[1], pieces, pieces)
    )
    return st.lists(step, min_size=4, max_size=15)


class Flow:
    """One direction of one connection: what was sent, and all that has arrived."""

    def __init__(self, sender: socket.socket, receiver: socket.socket, seed: int) -> None:
        self._sender, self._receiver, self._rng = sender, receiver, Random(seed)
        self.sent = bytearray()
        self.got = bytearray()
        self.over = False
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        with suppress(OSError):
            while part := self._receiver.recv(1 << 16):
                self.got += part
        self.over = True

    def send(self, size: int) -> None:
        data = self._rng.randbytes(min(size, MOST - len(self.sent)))
        with suppress(ConnectionError):
            self._sender.sendall(data)
            self.sent += data

    def arrived(self) -> bool:
        return len(self.got) >= len(self.sent)

    def join(self) -> None:
        self._thread.join(DEADLINE_S)
        assert self.over


def carry_out(line: Line, happenings: list[tuple[Any, ...]]) -> list[Flow]:
    """Do all that happens, then remove every toxic, so that what is held back is let go."""
    flows: list[Flow] = []
    names: list[str] = []

    def connect() -> None:
        pair: Pair = line.connect()
        flows.append(Flow(pair.client, pair.peer, len(flows)))
        flows.append(Flow(pair.peer, pair.client, len(flows)))

    connect()
    for what, details, up, down in happenings:
        match what, details:
            case "connect", () if len(flows) < 6:
                connect()
            case "add", (type, stream, toxicity, attributes):
                name = f"t{len(names)}"
                names.append(line.add(type, toxicity, stream, name=name, **attributes))
            case "change", (which, toxicity, attributes) if names:
                path = f"/proxies/fuzz/toxics/{names[which % len(names)]}"
                wanted = {"toxicity": toxicity, "attributes": attributes}
                assert line.api.patch(path, wanted).status in (200, 404)
            case "remove", (which,) if names:
                path = f"/proxies/fuzz/toxics/{names[which % len(names)]}"
                assert line.api.delete(path).status in (204, 404)
            case "reset", ():
                assert line.api.post("/reset").status == 204
        for number, flow in enumerate(flows):
            flow.send((up, down)[number % 2])
    for toxic in line.api.get("/proxies/fuzz/toxics").json():
        line.remove(toxic["name"])
    return flows


@settings(fuzz, max_examples=60)
@given(happenings=steps(DELAYING))
def test_toxics_that_only_delay_lose_nothing_whatever_comes_and_goes(
    ours: Ours, happenings: list[tuple[Any, ...]]
) -> None:
    ours.api.clear()
    line = Line(ours.api, "fuzz")
    with line.cleanup:
        flows = carry_out(line, happenings)
        for flow in flows:
            flow.send(100)
            until(flow.arrived, "all has arrived")
            assert flow.got == flow.sent
            assert not flow.over
        assert line.api.delete("/proxies/fuzz").status == 204
        for flow in flows:
            flow.join()
            assert flow.got == flow.sent


@settings(fuzz, max_examples=60)
@given(happenings=steps(DELAYING + DROPPING))
def test_toxics_that_drop_cut_off_but_neither_reorder_nor_invent(
    ours: Ours, happenings: list[tuple[Any, ...]]
) -> None:
    gaps = any(what == "add" and details[0] == "timeout" for what, details, *_ in happenings)
    ours.api.clear()
    line = Line(ours.api, "fuzz")
    with line.cleanup:
        flows = carry_out(line, happenings)
        assert line.api.delete("/proxies/fuzz").status == 204
        for flow in flows:
            flow.join()
            if gaps:  # one that was made harmless again has dropped what came before
                assert is_subsequence(bytes(flow.got), bytes(flow.sent))
            else:
                assert flow.sent.startswith(flow.got)
    assert ours.api.get("/version").status == 200


def is_subsequence(part: bytes, whole: bytes) -> bool:
    at = 0
    for byte in part:
        at = whole.find(byte, at) + 1
        if not at:
            return False
    return True


# -- what is left -----------------------------------------------------------------------------


def left(ours: Ours) -> tuple[int, int, int]:
    """File descriptors, tasks of the server's loop, threads."""
    tasks = ours.embedded.call(lambda: len(asyncio.all_tasks()))
    return psutil.Process().num_fds(), tasks, threading.active_count()


@pytest.mark.parametrize(
    "requests", [1_000, pytest.param(10_000, marks=pytest.mark.slow)], ids=["1000", "10000"]
)
def test_after_many_requests_and_connections_nothing_is_left_open(
    ours: Ours, requests: int
) -> None:
    before = left(ours)
    rng = Random(requests)
    line = Line(ours.api, "leaks")
    with line.cleanup:
        for number in range(requests):
            match number % 10:
                case 0:
                    line.add(
                        rng.choice(["latency", "timeout", "reset_peer", "slicer", "bandwidth"]),
                        stream=rng.choice(STREAMS),
                        name="t",
                        toxicity=rng.random(),
                    )
                case 9:
                    line.remove("t")
                case 5:
                    with dial(ours.api.url.removeprefix("http://")) as wild:
                        wild.sendall(
                            rng.choice([b"\x00\r\n\r\n", b"GET /", b"POST /reset HTTP/1.1"])
                        )
                case 2 | 4 | 6 | 8:
                    client, peer = line.connect()
                    with suppress(ConnectionError):
                        client.sendall(bytes(100))
                        peer.sendall(bytes(100))
                    for end in rng.sample([client, peer], 2):
                        rng.choice([toxiproxies.reset, socket.socket.close])(end)
                case _:
                    assert ours.api.get("/proxies").status == 200
    assert ours.api.delete("/proxies/leaks").status == 204
    until(lambda: left(ours) <= before, f"{left(ours)} has come back to {before}")


def test_a_server_that_stops_leaves_no_thread_no_socket_and_no_task() -> None:
    before = psutil.Process().num_fds(), threading.active_count()
    for _ in range(3):
        embedded = Embedded()
        api = Api("embedded", embedded.start())
        line = Line(api, "open")
        with line.cleanup:
            line.add("latency", latency=3_600_000)
            for _ in range(5):
                client, peer = line.connect()
                peer.sendall(b"held")
            embedded.stop()
            assert ending(client)[0] == b""
    now = psutil.Process().num_fds(), threading.active_count()
    assert now == before
