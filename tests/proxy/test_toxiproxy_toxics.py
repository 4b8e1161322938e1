"""What Toxiproxy does to bytes on their way, held by the embedded server and by the real one.

A test plays both ends of a proxied connection. Times are bounded from below only, and what
must not come is waited for in vain for a moment, so that a slow machine fails nothing. The
tests whose names say "embedded" hold what the embedded one does otherwise on purpose.
"""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from support.toxiproxies import (
    DEADLINE_S,
    HOST,
    Api,
    Line,
    Pair,
    address,
    dial,
    ending,
    listener,
    receive,
    refused,
    reset,
    running,
    silent,
    until,
)

HOUR_MS = 3_600_000
NOTHING = (b"", "FIN")


@contextmanager
def taking_at_least(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start >= seconds * 0.98  # timers tick in milliseconds


@pytest.fixture(params=["downstream", "upstream"])
def stream(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def oriented(line: Line, stream: str) -> tuple[socket.socket, socket.socket]:
    """A new connection as (who sends, who receives) in ``stream``."""
    client, peer = line.connect()
    return (client, peer) if stream == "upstream" else (peer, client)


def established(line: Line) -> Pair:
    """A new connection that the proxy forwards already; a byte went upstream."""
    pair = line.connect()
    pair.client.sendall(b".")
    assert receive(pair.peer, 1) == b"."
    return pair


# -- connections --------------------------------------------------------------------------


def test_bytes_go_both_ways_at_once_complete_and_in_order(line: Line) -> None:
    ends = line.connect()
    sent = [hashlib.sha256(bytes([n])).digest() * 150_000 for n in range(2)]  # 4.8 MB each
    got: dict[int, bytes] = {}

    def take(n: int) -> None:
        got[n] = receive(ends[1 - n], len(sent[n]))

    threads = [threading.Thread(target=take, args=(n,)) for n in range(2)]
    threads += [threading.Thread(target=ends[n].sendall, args=(sent[n],)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == dict(enumerate(sent))


def test_many_connections_do_not_mix(line: Line) -> None:
    pairs = [line.connect() for _ in range(30)]
    for number, pair in enumerate(pairs):
        pair.client.sendall(b"up%04d" % number)
        pair.peer.sendall(b"dn%04d" % number)
    for number, pair in enumerate(pairs):
        assert receive(pair.peer, 6) == b"up%04d" % number
        assert receive(pair.client, 6) == b"dn%04d" % number


def test_a_receiver_that_does_not_read_holds_up_the_sender(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    sender.settimeout(0.5)
    sent = 0
    with suppress(TimeoutError):
        while sent < 1 << 28:
            sent += sender.send(bytes(1 << 16))
    assert sent < 1 << 28
    sender.settimeout(DEADLINE_S)
    assert receive(receiver, sent) == bytes(sent)


@pytest.mark.parametrize("last", [b"", b"last words"])
def test_an_end_on_one_side_ends_the_other_after_what_was_sent(
    line: Line, stream: str, last: bytes
) -> None:
    sender, receiver = oriented(line, stream)
    sender.sendall(last)
    sender.close()
    assert ending(receiver) == (last, "FIN")


def test_a_reset_on_one_side_is_a_plain_end_on_the_other(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    reset(sender)
    assert ending(receiver) == NOTHING


def test_half_a_close_is_a_whole_one(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    sender.shutdown(socket.SHUT_WR)
    assert ending(receiver) == NOTHING
    assert ending(sender)[0] == b""


def test_without_an_upstream_a_client_is_accepted_and_at_once_let_go(api: Api) -> None:
    with listener() as nobody:
        gone = address(nobody)
    with dial(api.proxy("p", gone)["listen"]) as client:
        assert ending(client)[0] == b""


def test_disabling_ends_connections_refuses_new_ones_and_keeps_toxics(line: Line) -> None:
    line.add("latency", latency=1)
    client, peer = line.connect()
    before = line.api.get("/proxies/line/toxics").body
    assert line.set(enabled=False).json()["enabled"] is False
    assert ending(client) == NOTHING
    assert ending(peer) == NOTHING
    assert refused(line.listen)
    told = line.set(enabled=True).json()
    assert (told["enabled"], told["listen"]) == (True, line.listen)
    assert line.api.get("/proxies/line/toxics").body == before
    client, peer = line.connect()
    peer.sendall(b"again")
    assert receive(client, 5) == b"again"


def test_disabling_loses_what_is_held_back(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    line.add("latency", stream=stream, latency=HOUR_MS)
    sender.sendall(b"lost")
    assert silent(receiver)
    line.set(enabled=False)
    assert ending(receiver)[0] == b""


def test_deleting_a_proxy_ends_connections_and_refuses_new_ones(line: Line) -> None:
    client, peer = line.connect()
    assert line.api.delete("/proxies/line").status == 204
    assert ending(client) == NOTHING
    assert ending(peer) == NOTHING
    assert refused(line.listen)


def test_a_new_upstream_ends_connections_and_gets_the_next(line: Line) -> None:
    client, _ = line.connect()
    with listener() as other:
        line.set(upstream=address(other))
        assert ending(client) == NOTHING
        with dial(line.listen) as client:
            peer, _ = other.accept()
            with peer:
                client.sendall(b"here")
                assert receive(peer, 4) == b"here"


def test_a_hanging_upstream_holds_up_no_other_proxy_and_in_the_embedded_server_not_even_its_own(
    api: Api,
) -> None:
    with ExitStack() as cleanup:
        full = cleanup.enter_context(socket.socket())
        full.bind((HOST, 0))
        full.listen(0)
        for _ in range(3):  # fill its backlog: the kernel answers no further connection
            waiting = cleanup.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        listen = api.proxy("hangs", address(full))["listen"]
        cleanup.enter_context(dial(listen))
        lines = [Line(api, "other")]
        if api.kind == "embedded":  # the real one does not even stop until its dial has failed
            lines.append(Line(api, "healthy"))
            lines[1].listen = listen
            change = {"upstream": address(lines[1].upstream)}
            assert api.patch("/proxies/hangs", change).status == 200
        for line in lines:
            with line.cleanup:
                client, peer = line.connect()
                client.sendall(b"hello")
                assert receive(peer, 5) == b"hello"


# -- every toxic, as far as they are alike ------------------------------------------------

HARMLESS: list[tuple[str, dict[str, int]]] = [
    ("noop", {}),
    ("latency", {"latency": 5, "jitter": 3}),
    ("bandwidth", {"rate": 100_000}),
    ("slow_close", {"delay": 5}),
    ("slicer", {"average_size": 700, "size_variation": 300, "delay": 1}),
    ("limit_data", {"bytes": 1 << 40}),
]
DEADLY: list[tuple[str, dict[str, int]]] = [
    ("timeout", {"timeout": 1}),
    ("reset_peer", {"timeout": 1}),
    ("limit_data", {"bytes": 1}),
]


def type_alone(value: object) -> str:
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("type", "attributes"), HARMLESS, ids=type_alone)
@pytest.mark.parametrize("when", ["before the connection", "on a live connection"])
def test_a_toxic_that_drops_nothing_drops_nothing(
    line: Line, stream: str, when: str, type: str, attributes: dict[str, int]
) -> None:
    if when == "before the connection":
        name = line.add(type, stream=stream, **attributes)
        sender, receiver = oriented(line, stream)
    else:
        sender, receiver = oriented(line, stream)
        name = line.add(type, stream=stream, **attributes)
    data = hashlib.sha512(type.encode()).digest() * 2000  # 128 kB
    thread = threading.Thread(target=sender.sendall, args=(data * 3,))
    thread.start()
    assert receive(receiver, len(data)) == data
    line.change(name, **attributes)
    assert receive(receiver, len(data)) == data
    line.remove(name)
    assert receive(receiver, len(data)) == data
    thread.join()
    receiver.sendall(b"back")
    assert receive(sender, 4) == b"back"
    sender.close()
    assert ending(receiver) == NOTHING


@pytest.mark.parametrize(("type", "attributes"), DEADLY, ids=type_alone)
def test_with_toxicity_0_a_toxic_strikes_nobody_and_with_1_everybody(
    line: Line, stream: str, type: str, attributes: dict[str, int]
) -> None:
    name = line.add(type, toxicity=0, stream=stream, **attributes)
    for _ in range(3):
        sender, receiver = oriented(line, stream)
        sender.sendall(b"unharmed")
        assert receive(receiver, 8) == b"unharmed"
        assert silent(receiver, 0.05)
    line.change(name, toxicity=1)
    for _ in range(3):
        sender, receiver = oriented(line, stream)
        sender.sendall(b"struck")
        assert ending(receiver)[0] in (b"", b"s")


def test_toxicity_between_is_decided_for_each_connection_and_kept(line: Line) -> None:
    line.add("limit_data", toxicity=0.5, bytes=0)
    spared = 0
    for _ in range(60):  # all alike by chance: once in 10^18 runs
        client, peer = line.connect()
        peer.sendall(b"1")
        if client.recv(1) == b"1":
            spared += 1
            for _ in range(5):
                peer.sendall(b"n")
                assert client.recv(1) == b"n"
    assert 0 < spared < 60


def test_the_seed_decides_who_is_struck_in_the_embedded_server_alone() -> None:
    def struck(seed: int) -> list[bytes]:
        with running("embedded", seed) as api:
            line = Line(api, "seeded")
            with line.cleanup:
                line.add("limit_data", toxicity=0.5, bytes=0)
                got = []
                for _ in range(64):
                    client, peer = line.connect()
                    peer.sendall(b"1")
                    got.append(client.recv(1))
                return got

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)


# -- latency ------------------------------------------------------------------------------


def test_latency_delays_its_own_direction_only(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    line.add("latency", stream=stream, latency=300)
    with taking_at_least(0.3):
        sender.sendall(b"slow")
        assert receive(receiver, 4) == b"slow"
    line.change(f"latency_{stream}", latency=HOUR_MS)
    receiver.sendall(b"free")
    assert receive(sender, 4) == b"free"


def test_two_latencies_add_up(line: Line) -> None:
    client, peer = line.connect()
    line.add("latency", name="one", latency=200)
    line.add("latency", name="two", latency=250)
    with taking_at_least(0.45):
        peer.sendall(b"slow")
        assert receive(client, 4) == b"slow"


def test_latency_varies_by_its_jitter_at_most_and_keeps_the_order(line: Line) -> None:
    client, peer = line.connect()
    line.add("latency", latency=300, jitter=100)
    start = time.monotonic()
    for number in range(50):
        peer.sendall(b"%03d" % number)
        time.sleep(0.002)  # so that they are chunks of their own
    assert receive(client, 1) == b"0"
    assert time.monotonic() - start >= 0.2 * 0.98
    assert receive(client, 149) == b"".join(b"%03d" % n for n in range(50))[1:]


def test_latency_delays_chunks_from_their_arrival_and_not_one_after_another(line: Line) -> None:
    client, peer = line.connect()
    line.add("latency", latency=500)
    start = time.monotonic()
    for _ in range(50):
        peer.sendall(b"x")
        time.sleep(0.01)
    assert receive(client, 50) == b"x" * 50
    assert time.monotonic() - start < 12, "one after another they take 25 s"


def test_latency_delays_neither_a_connect_nor_a_bare_end(line: Line) -> None:
    line.add("latency", latency=HOUR_MS)
    line.add("latency", stream="upstream", latency=HOUR_MS)
    client, peer = line.connect()
    peer.close()
    assert ending(client) == NOTHING


def test_an_end_waits_for_the_data_before_it(line: Line) -> None:
    client, peer = line.connect()
    line.add("latency", latency=300)
    with taking_at_least(0.3):
        peer.sendall(b"last words")
        peer.close()
        assert ending(client) == (b"last words", "FIN")


@pytest.mark.parametrize("how", ["removed", "changed", "followed by another", "reset"])
def test_what_latency_holds_back_goes_out_at_once_when_it_is(
    line: Line, stream: str, how: str
) -> None:
    sender, receiver = oriented(line, stream)
    name = line.add("latency", stream=stream, latency=HOUR_MS)
    sender.sendall(b"held")
    assert silent(receiver)
    if how == "removed":
        line.remove(name)
    elif how == "changed":
        line.change(name, latency=HOUR_MS + 1)
    elif how == "followed by another":
        line.add("noop", stream=stream)
    else:
        assert line.api.post("/reset").status == 204
    assert receive(receiver, 4) == b"held"


# -- bandwidth ----------------------------------------------------------------------------


def test_bandwidth_takes_its_time_for_each_byte(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    line.add("bandwidth", stream=stream, rate=100)
    with taking_at_least(0.5):
        sender.sendall(bytes(50_000))
        assert receive(receiver, 50_000) == bytes(50_000)


def test_large_chunks_are_let_through_bit_by_bit(line: Line) -> None:
    client, peer = line.connect()
    line.add("bandwidth", rate=10)
    with taking_at_least(0.2):
        peer.sendall(bytes(1 << 15))  # one chunk, which as a whole would take 3.3 s
        got = len(client.recv(1 << 15))
        got += len(client.recv(1 << 15))
    assert 0 < got < 1 << 15
    line.remove("bandwidth_downstream")
    assert receive(client, (1 << 15) - got) == bytes((1 << 15) - got)


@pytest.mark.parametrize("rate", [0, -1])
@pytest.mark.parametrize("how", ["removed", "changed"])
def test_bandwidth_without_a_rate_stalls_and_loses_nothing(line: Line, rate: int, how: str) -> None:
    if rate < 0 and line.api.kind == "real":
        pytest.skip("the real server crashes of it")
    client, peer = line.connect()
    line.add("bandwidth", rate=rate)
    data = hashlib.sha512(b"stalled").digest() * 10_000
    thread = threading.Thread(target=peer.sendall, args=(data,))
    thread.start()
    assert silent(client)
    if how == "removed":
        line.remove("bandwidth_downstream")
    else:
        line.change("bandwidth_downstream", rate=1_000_000)
    assert receive(client, len(data)) == data
    thread.join()


# -- slow_close ---------------------------------------------------------------------------


def test_slow_close_delays_the_end_of_its_direction_and_no_data(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    line.add("slow_close", stream=stream, delay=400)
    sender.sendall(b"data")
    assert receive(receiver, 4) == b"data"
    with taking_at_least(0.4):
        sender.close()
        assert ending(receiver) == NOTHING


def test_slow_close_does_not_delay_the_end_of_the_other_direction(line: Line) -> None:
    client, peer = line.connect()
    line.add("slow_close", stream="downstream", delay=HOUR_MS)
    client.close()
    assert ending(peer) == NOTHING


def test_removing_slow_close_ends_what_it_kept_open(line: Line) -> None:
    client, peer = line.connect()
    line.add("slow_close", delay=HOUR_MS)
    peer.close()
    assert silent(client)
    line.remove("slow_close_downstream")
    assert ending(client) == NOTHING


def test_changing_slow_close_starts_its_delay_anew(line: Line) -> None:
    client, peer = line.connect()
    line.add("slow_close", delay=HOUR_MS)
    peer.close()
    assert silent(client)
    with taking_at_least(0.4):
        line.change("slow_close_downstream", delay=400)
        assert ending(client) == NOTHING


# -- timeout ------------------------------------------------------------------------------


def test_timeout_drops_its_direction_and_ends_both_after_so_much_silence(
    line: Line, stream: str
) -> None:
    sender, receiver = oriented(line, stream)
    with taking_at_least(0.4):
        line.add("timeout", stream=stream, timeout=400)
        sender.sendall(b"dropped")
        assert ending(receiver) == NOTHING
    assert ending(sender)[0] == b""


def test_every_chunk_starts_the_timeout_anew(line: Line) -> None:
    for _ in range(5):
        client, peer = line.connect()
        line.add("timeout", timeout=1000)
        start = last = time.monotonic()
        longest_gap = 0.0
        alive = True
        while alive and last < start + 1.6:
            peer.sendall(b"dropped")
            alive = silent(client, 0.05)
            longest_gap = max(longest_gap, time.monotonic() - last)
            last = time.monotonic()
        assert line.api.delete("/proxies/line/toxics/timeout_downstream").status == 204
        if longest_gap < 0.5:  # else the machine slept, and the server was right to end it
            assert alive
            return
    pytest.fail("expected a machine that does not sleep for half a second")


def test_timeout_0_drops_for_ever_and_never_ends(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    line.add("timeout", stream=stream, timeout=0)
    sender.sendall(b"dropped")
    assert silent(receiver, 0.3)
    receiver.sendall(b"the other way")
    assert receive(sender, 13) == b"the other way"
    sender.close()
    assert ending(receiver) == NOTHING


def test_changing_a_timeout_starts_it_anew(line: Line) -> None:
    client, _ = line.connect()
    line.add("timeout", timeout=0)
    with taking_at_least(0.4):
        line.change("timeout_downstream", timeout=400)
        assert ending(client) == NOTHING


@pytest.mark.parametrize("toxicity", [0, 1])
@pytest.mark.parametrize("how", ["removed", "reset"])
def test_a_timeout_that_goes_takes_every_live_connection_along(
    line: Line, toxicity: float, how: str
) -> None:
    early = line.connect()
    line.add("timeout", toxicity=toxicity, timeout=HOUR_MS)
    pairs = [early, established(line)]
    assert silent(early.client)
    if how == "removed":
        line.remove("timeout_downstream")
    else:
        assert line.api.post("/reset").status == 204
    for pair in pairs:
        assert ending(pair.client) == NOTHING
        assert ending(pair.peer)[0] == b""
    client, peer = line.connect()
    peer.sendall(b"new")
    assert receive(client, 3) == b"new"


# -- reset_peer ---------------------------------------------------------------------------


def test_reset_peer_is_armed_by_the_first_data_and_resets_both_ends(
    line: Line, stream: str
) -> None:
    line.add("reset_peer", stream=stream, timeout=300)
    sender, receiver = oriented(line, stream)
    assert silent(receiver, 0.4), "nothing was sent"
    with taking_at_least(0.3):
        sender.sendall(b"dropped")
        assert ending(receiver) == (b"", "RST")
    assert ending(sender) == (b"", "RST")


def test_reset_peer_is_armed_by_an_end_as_well(line: Line) -> None:
    line.add("reset_peer", timeout=300)
    client, peer = line.connect()
    with taking_at_least(0.3):
        peer.shutdown(socket.SHUT_WR)
        assert ending(client) == (b"", "RST")


def test_connections_older_than_reset_peer_end_plainly(line: Line) -> None:
    client, peer = established(line)
    line.add("reset_peer", timeout=0)
    peer.sendall(b"dropped")
    assert ending(client) == NOTHING


@pytest.mark.parametrize("how", ["toxicity 0", "removed"])
def test_reset_peer_leaves_a_reset_at_the_end_even_of_those_it_spares(line: Line, how: str) -> None:
    line.add("reset_peer", toxicity=0 if how == "toxicity 0" else 1, timeout=0)
    client, peer = established(line)
    if how == "removed":
        line.remove("reset_peer_downstream")
    peer.sendall(b"spared")
    assert receive(client, 6) == b"spared"
    peer.close()
    assert ending(client) == (b"", "RST")


def test_removing_a_waiting_reset_peer_is_answered_at_once_by_the_embedded_server_alone(
    line: Line,
) -> None:
    client, peer = line.connect()
    wait_s = 2.0 if line.api.kind == "real" else HOUR_MS / 1000
    line.add("reset_peer", timeout=int(wait_s * 1000))
    peer.sendall(b"armed")
    assert silent(client)
    start = time.monotonic()
    assert line.api.delete("/proxies/line/toxics/reset_peer_downstream").status == 204
    took = time.monotonic() - start
    assert (took > wait_s / 2) == (line.api.kind == "real")


# -- slicer -------------------------------------------------------------------------------


def test_slicer_sends_in_pieces_with_a_delay_after_each(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    line.add("slicer", stream=stream, average_size=10, size_variation=0, delay=20_000)
    data = bytes(range(100))
    with taking_at_least(15 * 0.02):  # halved until they are at most 10: 16 pieces
        sender.sendall(data)
        first = receiver.recv(100)
        assert 0 < len(first) < 100
        assert first + receive(receiver, 100 - len(first)) == data


@pytest.mark.parametrize("how", ["removed", "changed"])
def test_what_slicer_has_not_sent_goes_out_at_once_when_it_is(line: Line, how: str) -> None:
    client, peer = line.connect()
    line.add("slicer", average_size=10, size_variation=0, delay=HOUR_MS * 1000)
    data = bytes(range(200))
    peer.sendall(data)
    first = client.recv(200)
    assert 0 < len(first) <= 10
    assert silent(client)
    if how == "removed":
        line.remove("slicer_downstream")
    else:
        line.change("slicer_downstream", delay=0)
    assert first + receive(client, 200 - len(first)) == data


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"average_size": 5, "size_variation": 50},
        {"average_size": -5, "size_variation": -5, "delay": -5},
        {"average_size": 1, "size_variation": 1},
        {"average_size": 1 << 62, "size_variation": 1 << 62},
    ],
)
def test_odd_slicers_crash_the_real_server_and_lose_nothing_in_the_embedded(
    line: Line, attributes: dict[str, int]
) -> None:
    if line.api.kind == "real":
        pytest.skip("it would crash")
    client, peer = line.connect()
    line.add("slicer", stream="downstream", **attributes)
    data = bytes(range(250)) * 10
    peer.sendall(data)
    assert receive(client, len(data)) == data
    assert line.api.get("/version").status == 200


# -- limit_data ---------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 5, 6, 100_000])
def test_limit_data_delivers_exactly_so_many_bytes_and_ends(
    line: Line, stream: str, size: int
) -> None:
    line.add("limit_data", stream=stream, bytes=size)
    sender, receiver = oriented(line, stream)
    data = hashlib.sha512(b"limit").digest() * (size // 64 + 1)
    sender.sendall(data[:size])
    assert ending(receiver) == (data[:size], "FIN")


def test_limit_data_cuts_a_chunk_that_goes_beyond(line: Line) -> None:
    line.add("limit_data", bytes=5)
    client, peer = line.connect()
    peer.sendall(b"12345678")
    assert ending(client) == (b"12345", "FIN")


def test_limit_data_counts_for_each_connection_and_from_when_it_was_added(line: Line) -> None:
    pairs = [line.connect() for _ in range(2)]
    for client, peer in pairs:
        peer.sendall(b"before")
        assert receive(client, 6) == b"before"
    line.add("limit_data", bytes=4)
    for client, peer in pairs:
        peer.sendall(b"123")
        assert receive(client, 3) == b"123"
        assert silent(client, 0.05)
        peer.sendall(b"45")
        assert ending(client) == (b"4", "FIN")


@pytest.mark.parametrize(("bytes", "rest"), [(8, b"5678"), (2, b"")])
def test_changing_limit_data_keeps_the_count(line: Line, bytes: int, rest: bytes) -> None:
    client, peer = line.connect()
    line.add("limit_data", bytes=6)
    peer.sendall(b"1234")
    assert receive(client, 4) == b"1234"
    line.change("limit_data_downstream", bytes=bytes)
    peer.sendall(b"567890")
    assert ending(client) == (rest, "FIN")


@pytest.mark.parametrize("bytes", [0, -7])
def test_limit_data_0_ends_on_the_first_byte(line: Line, bytes: int) -> None:
    line.add("limit_data", bytes=bytes)
    client, peer = line.connect()
    assert silent(client)
    peer.sendall(b"x")
    assert ending(client) == NOTHING


# -- chains -------------------------------------------------------------------------------


def test_toxics_act_in_the_order_in_which_they_were_added(line: Line) -> None:
    line.add("limit_data", bytes=10)
    line.add("latency", latency=300)
    client, peer = line.connect()
    with taking_at_least(0.3):
        peer.sendall(b"0123456789more")
        assert ending(client) == (b"0123456789", "FIN"), "the end, too, goes through the latency"


def test_removing_one_toxic_leaves_the_others_as_they_are(line: Line) -> None:
    client, peer = line.connect()
    line.add("latency", name="first", latency=1)
    line.add("limit_data", name="second", bytes=6)
    line.add("latency", name="third", latency=1)
    peer.sendall(b"123")
    assert receive(client, 3) == b"123"
    line.remove("first")
    line.remove("third")
    peer.sendall(b"45678")
    assert ending(client) == (b"456", "FIN")


def test_toxics_come_and_go_while_data_flows_and_no_byte_is_lost(line: Line, stream: str) -> None:
    sender, receiver = oriented(line, stream)
    block = hashlib.sha512(b"flow").digest() * 100
    stop = threading.Event()
    sent: list[bytes] = []
    got: list[bytes] = []

    def send() -> None:
        while not stop.is_set():
            sender.sendall(block)
            sent.append(block)
        sender.close()

    sending = threading.Thread(target=send)
    taking = threading.Thread(target=lambda: got.append(ending(receiver)[0]))
    sending.start()
    taking.start()
    for type, attributes in HARMLESS * 4:
        name = line.add(type, stream=stream, toxicity=0.8, **attributes)
        line.change(name, toxicity=1)
        line.remove(name)
    stop.set()
    sending.join()
    taking.join()
    assert len(got[0]) == len(sent) * len(block)
    assert got == [b"".join(sent)]


def test_an_api_that_is_asked_while_data_flows_answers(line: Line) -> None:
    sender, receiver = oriented(line, "downstream")
    line.add("bandwidth", rate=50)
    sending = threading.Thread(target=sender.sendall, args=(bytes(60_000),))
    sending.start()
    for _ in range(20):
        assert line.api.get("/proxies/line").status == 200
    assert receive(receiver, 60_000) == bytes(60_000)
    sending.join()


def test_a_client_that_goes_leaves_no_connection_to_the_upstream(line: Line) -> None:
    pairs = [line.connect() for _ in range(20)]
    for pair in pairs:
        pair.client.close()
    for pair in pairs:
        assert ending(pair.peer) == NOTHING
    until(lambda: line.api.get("/proxies/line").status == 200, "the API answers")
