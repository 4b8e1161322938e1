"""Toxiproxy driven from Python: our client, the package beneath it as it comes, the choice.

Each test of a client that runs against both servers says what the package alone gets wrong.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
from jobquake.errors import EnvironmentFault
from jobquake.proxy.choice import opened
from jobquake.proxy.client import Proxy, Toxic, Toxiproxy, ToxiproxyError
from support import toxiproxies
from support.toxiproxies import (
    BUILD,
    DEADLINE_S,
    HOST,
    KINDS,
    Api,
    address,
    dial,
    ending,
    listener,
    receive,
    refused,
)

UPSTREAM = f"{HOST}:1"
NO_PORT = "listen tcp: address nope: missing port in address"


@pytest.fixture
def server(api: Api) -> Toxiproxy:
    return Toxiproxy(api.url)


@pytest.fixture
def proxy(server: Toxiproxy) -> Proxy:
    return server.create("p", UPSTREAM)


# -- the public face ------------------------------------------------------------------------


def test_the_version_is_text(server: Toxiproxy) -> None:
    assert server.version() == "2.12.0"


def test_a_proxy_is_what_the_server_says_it_is(server: Toxiproxy, proxy: Proxy) -> None:
    assert (proxy.name, proxy.upstream, proxy.enabled) == ("p", UPSTREAM, True)
    assert not refused(proxy.listen)
    (listed,) = server.proxies().values()
    assert repr(listed) == repr(proxy) == f"<Proxy 'p' {proxy.listen} -> {UPSTREAM} enabled>"


def test_toxics_are_added_changed_listed_and_removed(proxy: Proxy) -> None:
    added = proxy.add_toxic("latency", stream="upstream", toxicity=0.5, latency=5)
    assert added == Toxic(
        "latency_upstream", "latency", "upstream", 0.5, {"latency": 5, "jitter": 0}
    )
    other = proxy.add_toxic("timeout", name="own", timeout=9)
    assert (other.name, other.stream, other.toxicity) == ("own", "downstream", 1.0)
    changed = proxy.update_toxic("latency_upstream", jitter=3)
    assert changed.attributes == {"latency": 5, "jitter": 3}
    assert changed.toxicity == 0.5
    assert proxy.update_toxic("own", toxicity=0).toxicity == 0
    assert [toxic.name for toxic in proxy.toxics()] == ["latency_upstream", "own"]
    proxy.remove_toxic("latency_upstream")
    assert [toxic.name for toxic in proxy.toxics()] == ["own"]


def test_a_proxy_is_changed_disabled_enabled_and_destroyed(server: Toxiproxy, proxy: Proxy) -> None:
    listen = proxy.listen
    proxy.disable()
    assert not proxy.enabled
    assert refused(listen)
    proxy.enable()
    assert proxy.enabled
    assert not refused(listen)
    proxy.update(upstream="elsewhere:2")
    assert proxy.upstream == server.proxies()["p"].upstream == "elsewhere:2"
    proxy.destroy()
    assert refused(listen)
    assert server.proxies() == {}


def test_down_is_down_within_the_block_and_up_after_it_even_if_it_fails(proxy: Proxy) -> None:
    def fail_while_down() -> None:
        with proxy.down() as same:
            assert same is proxy
            assert refused(proxy.listen)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_down()
    assert proxy.enabled
    assert not refused(proxy.listen)


def test_bytes_go_through_a_proxy_that_was_made_so(server: Toxiproxy) -> None:
    with listener() as upstream, dial(server.create("p", address(upstream)).listen) as client:
        peer, _ = upstream.accept()
        with peer:
            client.sendall(b"hello")
            assert receive(peer, 5) == b"hello"


# -- what the package beneath gets wrong ------------------------------------------------------


@pytest.mark.parametrize("kinds", [("embedded", "real"), ("embedded", "embedded")])
def test_two_servers_in_one_process_are_not_mistaken_for_each_other(kinds: list[str]) -> None:
    with (
        opened(toxiproxies.choice(kinds[0]), 0) as first,
        opened(toxiproxies.choice(kinds[1]), 0) as second,
    ):
        one, two = Toxiproxy(first), Toxiproxy(second)
        proxy = one.create("only-in-one", UPSTREAM)

        def add_many() -> None:
            for number in range(20):
                proxy.add_toxic("noop", name=f"n{number}")

        def look_often() -> None:
            for _ in range(20):
                assert two.proxies() == {}

        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(add_many), pool.submit(look_often)]:
                done.result()
        assert len(proxy.toxics()) == 20


def test_a_server_that_does_not_answer_is_given_up_on(toxiproxy: Api) -> None:
    with listener() as mute:
        server = Toxiproxy(f"http://{address(mute)}", timeout_s=0.2)
        with pytest.raises(ToxiproxyError, match=r"tell its version, found no answer: .*timed out"):
            server.version()


def test_a_proxy_for_http_in_the_environment_does_not_come_between(
    server: Toxiproxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{HOST}:1")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert server.version() == "2.12.0"


def test_a_taken_port_is_told_and_the_proxy_does_not_claim_to_be_enabled(proxy: Proxy) -> None:
    proxy.disable()
    host, _, port = proxy.listen.rpartition(":")
    with socket.create_server((host, int(port))):
        with pytest.raises(ToxiproxyError, match=r"found its answer 500: .*address already in use"):
            proxy.enable()
        assert not proxy.enabled
        with pytest.raises(ToxiproxyError, match="address already in use"), proxy.down():
            pass
    proxy.enable()
    assert proxy.enabled


def test_what_a_server_did_by_half_is_shown(proxy: Proxy) -> None:
    with listener() as other:
        with pytest.raises(ToxiproxyError, match="address already in use"):
            proxy.update(listen=address(other))
        assert (proxy.listen, proxy.enabled) == (address(other), False)


@pytest.mark.parametrize(
    ("work", "status", "message"),
    [
        (
            lambda server, proxy: server.create("p", UPSTREAM),
            409,
            "create the proxy 'p', found its answer 409: proxy already exists",
        ),
        (
            lambda server, proxy: proxy.add_toxic("nonsense"),
            400,
            "add the toxic 'nonsense_downstream' to 'p', found its answer 400: invalid toxic type",
        ),
        (
            lambda server, proxy: [proxy.add_toxic("noop", name="n") for _ in range(2)],
            409,
            "add the toxic 'n' to 'p', found its answer 409: toxic already exists",
        ),
        (
            lambda server, proxy: proxy.update_toxic("none", jitter=1),
            404,
            "change the toxic 'none' of 'p', found its answer 404: toxic not found",
        ),
        (
            lambda server, proxy: proxy.remove_toxic("none"),
            404,
            "remove the toxic 'none' of 'p', found its answer 404: toxic not found",
        ),
        (
            lambda server, proxy: [proxy.destroy() for _ in range(2)],
            404,
            "destroy the proxy 'p', found its answer 404: proxy not found",
        ),
        (
            lambda server, proxy: server.create("q", UPSTREAM, "nope"),
            500,
            f"create the proxy 'q', found its answer 500: {NO_PORT}",
        ),
    ],
    ids=["create", "type", "name", "change", "remove", "destroy", "listen"],
)
def test_a_refusal_is_one_sentence_with_the_servers_own_words(
    server: Toxiproxy,
    proxy: Proxy,
    work: Callable[[Toxiproxy, Proxy], object],
    status: int,
    message: str,
) -> None:
    with pytest.raises(ToxiproxyError) as told:
        work(server, proxy)
    assert str(told.value) == f"expected the Toxiproxy at {server.url} to {message}"
    assert told.value.status == status


@pytest.mark.parametrize("name", ["a b", "né", "100%", "q?x#y&z", "a+b", "%2e", "ünï cødé"])
def test_any_name_that_can_stand_in_a_path_works(server: Toxiproxy, name: str) -> None:
    proxy = server.create(name, UPSTREAM)
    proxy.add_toxic("latency", name=name)
    assert proxy.update_toxic(name, latency=1).attributes["latency"] == 1
    proxy.remove_toxic(name)
    proxy.refresh()
    proxy.destroy()
    assert server.proxies() == {}


@pytest.mark.parametrize("name", ["", "a/b", "/", ".", ".."])
def test_a_name_that_could_never_be_addressed_is_refused(
    server: Toxiproxy, proxy: Proxy, name: str
) -> None:
    works: list[Callable[[], object]] = [
        lambda: server.create(name, UPSTREAM),
        lambda: server.populate([{"name": name, "upstream": UPSTREAM}]),
        lambda: proxy.remove_toxic(name),
    ]
    if name:
        works.append(lambda: proxy.add_toxic("noop", name=name))
    for work in works:
        with pytest.raises(ToxiproxyError, match=f"found {name!r}; choose one"):
            work()
    assert list(server.proxies()) == ["p"]
    assert proxy.toxics() == []


def test_populate_returns_all_and_keeps_what_is_so_already(server: Toxiproxy, proxy: Proxy) -> None:
    proxy.add_toxic("latency")
    port = proxy.listen.rpartition(":")[2]
    kept, made = server.populate(
        [
            {"name": "p", "upstream": UPSTREAM, "listen": f"localhost:{port}"},
            {"name": "q", "upstream": UPSTREAM, "enabled": False},
        ]
    )
    assert (kept.name, kept.listen, made.name, made.enabled) == ("p", proxy.listen, "q", False)
    assert [toxic.name for toxic in kept.toxics()] == ["latency_downstream"]
    assert server.populate([]) == []


def test_populate_tells_what_it_could_not_make(server: Toxiproxy) -> None:
    wanted = [
        {"name": "a", "upstream": UPSTREAM},
        {"name": "b", "upstream": UPSTREAM, "listen": "nope"},
    ]
    with pytest.raises(ToxiproxyError, match="to populate its proxies, found its answer 500: "):
        server.populate(wanted)
    assert list(server.proxies()) == ["a"]


def test_reset_removes_toxics_and_enables(server: Toxiproxy, proxy: Proxy) -> None:
    proxy.add_toxic("latency")
    proxy.disable()
    server.reset()
    proxy.refresh()
    assert proxy.enabled
    assert proxy.toxics() == []


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "127.0.0.1:8474",
        "https://h:1",
        "http://h",
        "http://h:1/path",
        "http://h:99999",
        "http://:1",
        "http://[::1:5",
    ],
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ToxiproxyError, match="expected the address of a Toxiproxy such as "):
        Toxiproxy(url)


def test_something_else_at_the_address_is_no_toxiproxy() -> None:
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", HOST]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as other:
        assert other.stdout is not None
        port = other.stdout.readline().split(b" port ")[1].split()[0].decode()
        with pytest.raises(ToxiproxyError, match="to tell its version, found its answer 404: "):
            Toxiproxy(f"http://{HOST}:{port}").version()
        other.terminate()


def test_the_client_is_loaded_only_when_it_is_used() -> None:
    script = (
        "import jobquake.proxy.choice, sys\nassert not {'requests', 'toxiproxy'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


# -- the package as it comes ------------------------------------------------------------------


@pytest.fixture
def plain(api: Api, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`toxiproxy-python` as its manual uses it, with nothing of ours around it."""
    import toxiproxy
    from toxiproxy.api import APIConsumer

    monkeypatch.setattr(APIConsumer, "host", HOST)
    monkeypatch.setattr(APIConsumer, "port", 0)
    server = toxiproxy.Toxiproxy()
    server.update_api_consumer(HOST, int(api.url.rpartition(":")[2]))
    return server


def test_the_package_as_it_comes_drives_both_servers(plain: Any) -> None:
    from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

    server = plain
    assert server.running()
    assert server.version() == b'{"version": "2.12.0"}\n'
    with listener() as upstream:
        proxy = server.create(name="p", upstream=address(upstream))
        with dial(proxy.listen) as client:
            peer, _ = upstream.accept()
            with peer:
                proxy.add_toxic(type="limit_data", attributes={"bytes": 3})
                peer.sendall(b"12345")
                assert ending(client) == (b"123", "FIN")
        (toxic,) = proxy.toxics().values()
        assert (toxic.name, toxic.attributes) == ("limit_data_downstream", {"bytes": 3})
        assert proxy.get_toxic("limit_data_downstream").toxicity == 1
        assert proxy.destroy_toxic("limit_data_downstream")
        with proxy.down():
            assert refused(proxy.listen)
        assert not refused(proxy.listen)
        with pytest.raises(ProxyExists):
            server.create(name="p", upstream=UPSTREAM)
        with pytest.raises(InvalidToxic):
            proxy.add_toxic(type="nonsense")
        with pytest.raises(NotFound):
            proxy.destroy_toxic("none")
        assert server.reset()
        made = server.populate([{"name": "q", "upstream": UPSTREAM, "listen": f"{HOST}:0"}])
        assert [one.name for one in made] == ["q"]
        assert server.get_proxy("q").upstream == UPSTREAM
        server.destroy_all()
        assert server.proxies() == {}


def test_our_client_leaves_the_package_as_it_was(plain: Any, api: Api) -> None:
    with opened("embedded", 0) as other:
        Toxiproxy(other).create("elsewhere", UPSTREAM)
        api.proxy("here")
        assert list(plain.proxies()) == ["here"]


# -- the choice -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_opened_answers_and_is_gone_after_the_block(kind: str) -> None:
    chosen = toxiproxies.choice(kind)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with opened(chosen, 7) as url:
        server = Toxiproxy(url)
        listen = server.create("p", UPSTREAM).listen
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before
    assert refused(listen)
    with pytest.raises(ToxiproxyError, match="found no answer"):
        server.version()


def test_a_server_that_runs_is_used_as_it_is(api: Api) -> None:
    kept = api.proxy("kept")
    with opened(api.url + "/", 0) as url:
        assert url == api.url
    assert api.get("/proxies/kept").json() == kept


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ("embeded", "expected 'embeded' to be the program of a Toxiproxy server, found none there"),
        (str(BUILD), "to be the program of a Toxiproxy server, found none there"),
        ("true", "to serve Toxiproxy's API within 20 s, found: no word from it"),
        ("http://127.0.0.1:1", "to tell its version, found no answer: .*refused"),
        ("http://nonsense", "expected the address of a Toxiproxy such as"),
    ],
)
def test_what_cannot_be_opened_is_told_in_one_sentence(chosen: str, message: str) -> None:
    with pytest.raises(EnvironmentFault, match=message), opened(chosen, 0):
        pass


def test_a_program_that_says_why_it_ends_is_quoted(tmp_path: Path) -> None:
    program = tmp_path / "toxiproxy-server"
    program.write_text("#!/bin/sh\necho it is too hot here\nexit 1\n")
    program.chmod(0o755)
    with (
        pytest.raises(EnvironmentFault, match="found: it is too hot here; see whether"),
        opened(str(program), 0),
    ):
        pass


def test_a_program_for_another_machine_is_told(tmp_path: Path) -> None:
    program = tmp_path / "toxiproxy-server"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    with (
        pytest.raises(EnvironmentFault, match="found: Exec format"),
        opened(str(program), 0),
    ):
        pass


@pytest.mark.parametrize("killed", ["we", "the keeper"])
def test_a_server_of_ours_outlives_neither_us_nor_its_keeper_however_they_die(killed: str) -> None:
    script = (
        "import sys, time, psutil\n"
        "from jobquake.proxy.choice import opened\n"
        "with opened(sys.argv[1], 0) as url:\n"
        "    children = psutil.Process().children(recursive=True)\n"
        "    print(*(child.pid for child in children), flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, toxiproxies.choice("real")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as us:
        assert us.stdout is not None
        keeper, server = (psutil.Process(int(pid)) for pid in us.stdout.readline().split())
        assert server.name().startswith("toxiproxy")
        (psutil.Process(us.pid) if killed == "we" else keeper).kill()
        _, living = psutil.wait_procs([server], timeout=DEADLINE_S)
        us.kill()
    assert not living
    _, living = psutil.wait_procs([keeper], timeout=DEADLINE_S)
    assert not living


def test_a_keeper_that_fails_to_run_its_program_says_why_and_ends() -> None:
    keeper = [sys.executable, "-m", "jobquake.servers.lifeline", "/no/such/program"]
    done = subprocess.run(keeper, input=b"", capture_output=True)
    assert (done.returncode, done.stderr) == (126, b"No such file or directory\n")
