"""Toxiproxy's HTTP API, byte for byte, held by the embedded server and by the real one.

What is expected was measured on the real server. The tests whose names say "embedded" hold
what the embedded one does otherwise on purpose.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
from typing import Any

import pytest
from support.toxiproxies import (
    DEADLINE_S,
    HOST,
    Answer,
    Api,
    Line,
    address,
    dial,
    listener,
    receive,
    running,
    silent,
)

JSON = "application/json"
PLAIN = "text/plain; charset=utf-8"
ROUTED = [
    ("GET", "/version"),
    ("GET", "/proxies"),
    ("POST", "/proxies"),
    ("POST", "/populate"),
    ("POST", "/reset"),
    ("GET", "/proxies/p"),
    ("PATCH", "/proxies/p"),
    ("POST", "/proxies/p"),
    ("DELETE", "/proxies/p"),
    ("GET", "/proxies/p/toxics"),
    ("POST", "/proxies/p/toxics"),
    ("GET", "/proxies/p/toxics/t"),
    ("PATCH", "/proxies/p/toxics/t"),
    ("POST", "/proxies/p/toxics/t"),
    ("DELETE", "/proxies/p/toxics/t"),
]


def error(answer: Answer, status: int, message: str) -> None:
    """Holds that this is the server's way to tell an error."""
    assert (
        answer.body.decode()
        == json.dumps(
            {"error": message, "status": status}, separators=(",", ":"), ensure_ascii=False
        )
        + "\n"
    )
    assert answer.status == status
    assert answer.headers["Content-Type"] == PLAIN
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def shown(answer: Answer, status: int, body: str) -> None:
    """Holds that this is the server's way to show something."""
    assert answer.body.decode() == body
    assert (answer.status, answer.headers["Content-Type"]) == (status, JSON)


def proxy_text(told: dict[str, Any]) -> str:
    """A proxy without toxics in the server's spelling."""
    return (
        f'{{"name":"{told["name"]}","listen":"{told["listen"]}","upstream":"{told["upstream"]}",'
        f'"enabled":{json.dumps(told["enabled"])},"Logger":{{}},"toxics":[]}}'
    )


def cannot(what: str, where: str) -> str:
    """The Go decoder's way to say that a value is of the wrong kind."""
    return f"bad request body: json: cannot unmarshal {what} into Go {where}"


# -- HTTP ---------------------------------------------------------------------------------


def test_the_version_is_told_with_a_space_and_a_newline(api: Api) -> None:
    answer = api.get("/version")
    assert (answer.status, answer.body) == (200, b'{"version": "2.12.0"}\n')
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/proxies/", "/PROXIES", "/proxies/p/", "/proxies/p/toxics/", "/metrics"]
)
def test_an_unknown_path_is_not_found_in_plain_words(api: Api, path: str) -> None:
    api.proxy("p")
    answer = api.get(path)
    assert (answer.status, answer.body) == (404, b"404 page not found\n")
    assert answer.headers["Content-Type"] == PLAIN
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/version"),
        ("HEAD", "/version"),
        ("OPTIONS", "/proxies"),
        ("PUT", "/proxies"),
        ("PATCH", "/proxies"),
        ("DELETE", "/proxies"),
        ("GET", "/reset"),
        ("GET", "/populate"),
        ("PUT", "/proxies/p"),
        ("DELETE", "/proxies/p/toxics"),
        ("PUT", "/proxies/p/toxics/t"),
    ],
)
def test_a_wrong_method_is_refused_without_a_word(api: Api, method: str, path: str) -> None:
    answer = api.ask(method, path)
    assert (answer.status, answer.body) == (405, b"")
    assert answer.headers["Allow"] is None


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("//proxies", "/proxies"),
        ("/proxies//p", "/proxies/p"),
        ("/./proxies", "/proxies"),
        ("/proxies/../version", "/version"),
    ],
)
def test_an_untidy_path_is_redirected_to_the_tidy_one(api: Api, path: str, clean: str) -> None:
    answer = api.get(path)
    assert (answer.status, answer.headers["Location"]) == (301, clean)


def test_a_query_is_ignored(api: Api) -> None:
    assert api.get("/proxies?x=1").status == 200


def test_browsers_are_refused_but_only_where_there_is_something(api: Api) -> None:
    answer = api.ask("GET", "/proxies", User_Agent="Mozilla/5.0 (X11)")
    assert (answer.status, answer.body) == (403, b"User agent not allowed\n")
    assert answer.headers["Content-Type"] == PLAIN
    assert api.ask("GET", "/nope", User_Agent="Mozilla/5.0").status == 404
    assert api.ask("POST", "/version", User_Agent="Mozilla/5.0").status == 405
    assert api.ask("GET", "/proxies", User_Agent="mozilla/5.0").status == 200


@pytest.mark.parametrize(("method", "path"), ROUTED)
def test_every_routed_answer_has_an_id_of_its_own(api: Api, method: str, path: str) -> None:
    ids = {api.ask(method, path, "{}").headers["X-Toxiproxy-Request-Id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(ids)
    assert api.get("/nope").headers["X-Toxiproxy-Request-Id"] is None


def test_one_connection_serves_many_requests(api: Api) -> None:
    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=DEADLINE_S)
    for method, path, body, status in [
        ("GET", "/version", None, 200),
        ("POST", "/proxies", "{", 400),
        ("GET", "/nope", None, 404),
        ("PUT", "/proxies", "{}", 405),
        ("POST", "/reset", None, 204),
        ("GET", "/version", None, 200),
    ]:
        connection.request(method, path, body)
        own = connection.sock
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
        assert connection.sock is own, "the server did not close it"
    connection.close()


def test_a_body_may_come_in_chunks_and_pipelined_requests_are_answered_in_order(api: Api) -> None:
    body = json.dumps({"name": "chunky", "listen": f"{HOST}:0", "upstream": "u"})
    chunks = "".join(f"{len(part):x}\r\n{part}\r\n" for part in (body[:7], body[7:])) + "0\r\n\r\n"
    head = "Host: x\r\n"
    with dial(api.url.removeprefix("http://")) as connection:
        connection.sendall(
            f"POST /proxies HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n{chunks}"
            f"GET /nope HTTP/1.1\r\n{head}\r\n"
            f"GET /version HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode()
        )
        told = b""
        while part := connection.recv(65536):
            told += part
    assert re.findall(rb"HTTP/1.1 (\d+) ", told) == [b"201", b"404", b"200"]
    assert told.endswith(b'{"version": "2.12.0"}\n')
    assert "chunky" in api.get("/proxies").json()


@pytest.mark.parametrize("junk", [b"nonsense\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"])
def test_what_is_not_http_is_turned_away_and_disturbs_nobody(api: Api, junk: bytes) -> None:
    with dial(api.url.removeprefix("http://")) as connection:
        connection.sendall(junk)
        told = b""
        while part := connection.recv(65536):
            told += part
    assert re.match(rb"HTTP/1\.[01] (400|505) ", told)
    assert api.get("/version").status == 200


# -- proxies ------------------------------------------------------------------------------


def test_no_proxies_are_an_empty_map(api: Api) -> None:
    shown(api.get("/proxies"), 200, "{}")


def test_a_proxy_is_made_enabled_and_shown_with_its_keys_in_their_order(api: Api) -> None:
    answer = api.post("/proxies", {"name": "a", "listen": f"{HOST}:0", "upstream": "up:1"})
    told = answer.json()
    assert re.fullmatch(r"127\.0\.0\.1:[1-9]\d*", told["listen"])
    assert (told["upstream"], told["enabled"]) == ("up:1", True)
    shown(answer, 201, proxy_text(told))
    shown(api.get("/proxies/a"), 200, proxy_text(told))
    shown(api.get("/proxies"), 200, f'{{"a":{proxy_text(told)}}}')
    dial(told["listen"]).close()


def test_proxies_are_shown_in_the_order_of_their_names(api: Api) -> None:
    made = {name: api.proxy(name) for name in ("b", "a10", "a9", "B")}
    texts = ",".join(f'"{name}":{proxy_text(made[name])}' for name in sorted(made))
    shown(api.get("/proxies"), 200, f"{{{texts}}}")


def test_a_proxy_may_be_made_disabled_and_then_nobody_looks_at_its_listen(api: Api) -> None:
    told = api.proxy("off", listen="no address at all", enabled=False)
    assert (told["listen"], told["enabled"]) == ("no address at all", False)


def test_listen_localhost_is_resolved(api: Api) -> None:
    assert api.proxy("l", listen="localhost:0")["listen"].startswith("127.0.0.1:")


@pytest.mark.parametrize("listen", ["", ":0"])
def test_without_a_host_the_real_server_listens_everywhere_and_the_embedded_on_loopback(
    api: Api, listen: str
) -> None:
    host, _, port = api.proxy("open", listen=listen)["listen"].rpartition(":")
    assert host == {"real": "[::]", "embedded": HOST}[api.kind]
    dial(f"{HOST}:{port}").close()


def test_the_upstream_is_not_looked_at(api: Api) -> None:
    assert api.proxy("u", upstream="no address at all")["upstream"] == "no address at all"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "bad request body: EOF"),
        ("  \n", "bad request body: EOF"),
        ("{", "bad request body: unexpected EOF"),
        ('{"name":"a', "bad request body: unexpected EOF"),
        (
            "nonsense",
            "bad request body: invalid character 'o' in literal null (expecting 'u')",
        ),
        ("x", "bad request body: invalid character 'x' looking for beginning of value"),
        ('{"a"}', "bad request body: invalid character '}' after object key"),
        (
            '{"a":1,}',
            "bad request body: invalid character '}' looking for beginning of object key string",
        ),
        (
            '{"name":"a" "b":1}',
            "bad request body: invalid character '\"' after object key:value pair",
        ),
        (
            "[]",
            cannot("array", "value of type toxiproxy.Proxy"),
        ),
        (
            '"x"',
            cannot("string", "value of type toxiproxy.Proxy"),
        ),
        (
            '{"name":1}',
            cannot("number", "struct field Proxy.name of type string"),
        ),
        (
            '{"name":"a","upstream":[]}',
            cannot("array", "struct field Proxy.upstream of type string"),
        ),
        (
            '{"name":"a","upstream":"b","listen":{}}',
            cannot("object", "struct field Proxy.listen of type string"),
        ),
        (
            '{"name":"a","upstream":"b","enabled":"yes"}',
            cannot("string", "struct field Proxy.enabled of type bool"),
        ),
        ("null", "missing required field: name"),
        ("{}", "missing required field: name"),
        ('{"upstream":"b"}', "missing required field: name"),
        ('{"name":"","upstream":"b"}', "missing required field: name"),
        ('{"name":"a"}', "missing required field: upstream"),
    ],
)
def test_a_bad_proxy_is_refused_with_the_reason(api: Api, body: str, message: str) -> None:
    error(api.post("/proxies", body), 400, message)
    shown(api.get("/proxies"), 200, "{}")


def test_a_name_that_is_taken_is_a_conflict(api: Api) -> None:
    api.proxy("twice")
    error(api.post("/proxies", {"name": "twice", "upstream": "u"}), 409, "proxy already exists")


@pytest.mark.parametrize(
    ("listen", "message"),
    [
        ("nope", "listen tcp: address nope: missing port in address"),
        (f"{HOST}:99999", "listen tcp: address 99999: invalid port"),
    ],
)
def test_a_proxy_that_cannot_listen_is_not_kept(api: Api, listen: str, message: str) -> None:
    error(api.post("/proxies", {"name": "a", "upstream": "u", "listen": listen}), 500, message)
    shown(api.get("/proxies"), 200, "{}")


def test_a_proxy_on_a_taken_port_is_not_kept(api: Api) -> None:
    with listener() as other:
        taken = address(other)
        answer = api.post("/proxies", {"name": "a", "upstream": "u", "listen": taken})
    error(answer, 500, f"listen tcp {taken}: bind: address already in use")
    shown(api.get("/proxies"), 200, "{}")


@pytest.mark.parametrize(
    "body",
    [
        '{"NAME":"lenient","Upstream":"u","LISTEN":"127.0.0.1:0","eNabled":true}',
        '{"name":"lenient","upstream":"u","listen":"127.0.0.1:0","more":{"of":[1]},"toxics":[1]}',
        '{"name":"lenient","upstream":"u","listen":"127.0.0.1:0"} and more',
        '{"name":"lenient","upstream":"u","listen":"127.0.0.1:0"}{"name":"other"}',
        '{"name":"first","name":"lenient","upstream":"u","listen":"127.0.0.1:0"}',
        '{"name":"lenient","upstream":"u","listen":"127.0.0.1:0","enabled":null}',
        ' \n{"name":"lenient","upstream":"u","listen":"127.0.0.1:0"}',
    ],
    ids=["case", "unknown keys", "trailing bytes", "second value", "repeated", "null", "space"],
)
def test_bodies_are_read_leniently(api: Api, body: str) -> None:
    answer = api.ask("POST", "/proxies", body, Content_Type="image/png")
    assert answer.status == 201
    told = answer.json()
    assert (told["name"], told["upstream"], told["enabled"]) == ("lenient", "u", True)
    assert list(api.get("/proxies").json()) == ["lenient"]


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        ("a b", "a%20b", '"a b"'),
        ("né", "n%C3%A9", '"né"'),
        ("100%", "100%25", '"100%"'),
        ("q?x#y", "q%3Fx%23y", '"q?x#y"'),
        ("<&>", "%3C%26%3E", '"\\u003c\\u0026\\u003e"'),
    ],
)
def test_any_name_that_fits_into_a_path_can_be_addressed(
    api: Api, name: str, path: str, text: str
) -> None:
    api.proxy(name)
    answer = api.get(f"/proxies/{path}")
    assert (answer.status, answer.json()["name"]) == (200, name)
    assert answer.body.decode().startswith(f'{{"name":{text},')
    assert api.delete(f"/proxies/{path}").status == 204


def test_a_name_with_a_slash_can_be_made_and_never_addressed(toxiproxy: Api) -> None:
    with running(toxiproxy.kind) as api:  # a server of its own, since nothing removes it
        api.proxy("un/reachable")
        assert list(api.get("/proxies").json()) == ["un/reachable"]
        for path in ("/proxies/un/reachable", "/proxies/un%2Freachable"):
            assert api.get(path).body == b"404 page not found\n"
            assert api.delete(path).status == 404


def test_deleting_a_proxy_says_nothing_and_frees_its_port(api: Api) -> None:
    listen = api.proxy("gone")["listen"]
    answer = api.delete("/proxies/gone")
    assert (answer.status, answer.body, answer.headers["Content-Type"]) == (204, b"", None)
    error(api.delete("/proxies/gone"), 404, "proxy not found")
    assert api.proxy("next", listen=listen)["listen"] == listen


@pytest.mark.parametrize(
    ("method", "path"), [route for route in ROUTED if route[1].startswith("/proxies/")]
)
def test_what_is_asked_of_no_proxy_is_not_found(api: Api, method: str, path: str) -> None:
    error(api.ask(method, path, "{}"), 404, "proxy not found")


# -- changing a proxy -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_a_change_keeps_what_it_does_not_name(api: Api, method: str) -> None:
    told = api.proxy("p", upstream="one:1")
    changes: list[tuple[object, dict[str, object]]] = [
        ("null", {}),
        ("{}", {}),
        ({"name": "other"}, {}),
        ({"enabled": None}, {}),
        ({"enabled": False}, {"enabled": False}),
        ({"upstream": "two:2"}, {"upstream": "two:2"}),
        ({"ENABLED": True}, {"enabled": True}),
        ({"upstream": ""}, {"upstream": ""}),
    ]
    for body, differs in changes:
        told |= differs
        shown(api.ask(method, "/proxies/p", body), 200, proxy_text(told))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "bad request body: EOF"),
        ("{", "bad request body: unexpected EOF"),
        (
            '{"upstream":"changed","enabled":"s"}',
            cannot("string", "struct field Proxy.enabled of type bool"),
        ),
    ],
)
def test_a_bad_change_changes_nothing(api: Api, body: str, message: str) -> None:
    told = api.proxy("p")
    error(api.patch("/proxies/p", body), 400, message)
    shown(api.get("/proxies/p"), 200, proxy_text(told))


def test_a_malformed_listen_changes_nothing(api: Api) -> None:
    told = api.proxy("p")
    answer = api.patch("/proxies/p", {"listen": "nope", "upstream": "changed"})
    error(answer, 500, "address nope: missing port in address")
    shown(api.get("/proxies/p"), 200, proxy_text(told))


def test_a_taken_listen_leaves_the_proxy_disabled_where_it_could_not_go(api: Api) -> None:
    told = api.proxy("p")
    with listener() as other:
        taken = address(other)
        answer = api.patch("/proxies/p", {"listen": taken})
        error(answer, 500, f"listen tcp {taken}: bind: address already in use")
        told |= {"listen": taken, "enabled": False}
        shown(api.get("/proxies/p"), 200, proxy_text(told))
        error(
            api.patch("/proxies/p", {"enabled": True}),
            500,
            f"listen tcp {taken}: bind: address already in use",
        )
    told |= {"enabled": True}
    shown(api.patch("/proxies/p", {"enabled": True}), 200, proxy_text(told))


def test_localhost_is_not_a_change_from_loopback_and_connections_live_on(line: Line) -> None:
    client, peer = line.connect()
    port = line.listen.rpartition(":")[2]
    assert line.set(listen=f"localhost:{port}").json()["listen"] == line.listen
    client.sendall(b"still")
    assert receive(peer, 5) == b"still"


def test_a_new_listen_moves_the_proxy(api: Api) -> None:
    old = api.proxy("p")["listen"]
    new = api.patch("/proxies/p", {"listen": f"{HOST}:0"}).json()["listen"]
    assert new != old
    dial(new).close()
    with pytest.raises(ConnectionRefusedError):
        dial(old)


# -- populate -----------------------------------------------------------------------------


def wanted(name: str, listen: str = f"{HOST}:0", **more: object) -> dict[str, object]:
    return {"name": name, "listen": listen, "upstream": "u"} | more


def test_populate_makes_all_and_shows_them_in_the_order_given(api: Api) -> None:
    asked = [wanted("b"), wanted("a", enabled=False), wanted("c", enabled=None)]
    answer = api.post("/populate", asked)
    told = answer.json()["proxies"]
    assert [(one["name"], one["enabled"]) for one in told] == [
        ("b", True),
        ("a", False),
        ("c", True),
    ]
    shown(answer, 201, f'{{"proxies":[{",".join(map(proxy_text, told))}]}}')


@pytest.mark.parametrize("body", ["[]", "null"])
def test_populating_with_nothing_shows_null(api: Api, body: str) -> None:
    shown(api.post("/populate", body), 201, '{"proxies":null}')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "bad request body: EOF"),
        ("[", "bad request body: unexpected EOF"),
        ("x", "bad request body: invalid character 'x' looking for beginning of value"),
        ([{}], "missing required field: name at proxy 1"),
        ("[null]", "missing required field: name at proxy 1"),
        ([wanted("a"), {"name": "b"}], "missing required field: upstream at proxy 2"),
        ([wanted("a"), {"upstream": "b"}], "missing required field: name at proxy 2"),
    ],
)
def test_populate_looks_at_all_before_it_makes_one(api: Api, body: object, message: str) -> None:
    text = f'{{"error":{json.dumps(message)},"status":400,"proxies":null}}'
    shown(api.post("/populate", body), 400, text)
    shown(api.get("/proxies"), 200, "{}")


@pytest.mark.parametrize("body", ["{}", "5", "[5]", '[{"name":5}]', '[{"enabled":"x"}]'])
def test_populate_refuses_what_is_no_list_of_proxies(api: Api, body: str) -> None:
    answer = api.post("/populate", body)
    assert (answer.status, answer.headers["Content-Type"]) == (400, JSON)
    told = answer.json()
    assert list(told) == ["error", "status", "proxies"]
    assert told["error"].startswith("bad request body: json: cannot unmarshal ")
    assert told["proxies"] is None


def test_populate_stops_at_the_first_that_cannot_listen_and_keeps_those_before(api: Api) -> None:
    answer = api.post("/populate", [wanted("a"), wanted("b", "nope"), wanted("c")])
    (first,) = answer.json()["proxies"]
    message = "listen tcp: address nope: missing port in address"
    text = f'{{"error":"{message}","status":500,"proxies":[{proxy_text(first)}]}}'
    shown(answer, 500, text)
    shown(api.get("/proxies"), 200, f'{{"a":{proxy_text(first)}}}')


def test_populate_leaves_alone_what_is_so_already(line: Line) -> None:
    line.add("latency", latency=1)
    client, peer = line.connect()
    before = line.api.get("/proxies/line").body.decode()
    port = line.listen.rpartition(":")[2]
    same = {"name": "line", "listen": f"localhost:{port}", "upstream": address(line.upstream)}
    for enabled in (True, False):
        answer = line.api.post("/populate", [same | {"enabled": enabled}])
        shown(answer, 201, f'{{"proxies":[{before}]}}')
    client.sendall(b"still")
    assert receive(peer, 5) == b"still"


def test_populate_replaces_what_leads_elsewhere_and_its_toxics_are_lost(line: Line) -> None:
    line.add("latency", latency=1)
    client, _ = line.connect()
    answer = line.api.post("/populate", [wanted("line", line.listen)])
    assert answer.status == 201
    (told,) = answer.json()["proxies"]
    assert (told["listen"], told["upstream"], told["toxics"]) == (line.listen, "u", [])
    assert client.recv(1) == b""


def test_populate_does_not_read_toxics(api: Api) -> None:
    answer = api.post("/populate", [wanted("a", toxics=[{"type": "latency"}])])
    assert answer.json()["proxies"][0]["toxics"] == []


# -- toxics -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "attributes"),
    [
        ("latency", '{"latency":0,"jitter":0}'),
        ("bandwidth", '{"rate":0}'),
        ("slow_close", '{"delay":0}'),
        ("timeout", '{"timeout":0}'),
        ("reset_peer", '{"timeout":0}'),
        ("slicer", '{"average_size":0,"size_variation":0,"delay":0}'),
        ("limit_data", '{"bytes":0}'),
        ("noop", "{}"),
    ],
)
def test_a_toxic_has_defaults_and_is_shown_with_its_keys_in_their_order(
    api: Api, type: str, attributes: str
) -> None:
    api.proxy("p")
    text = (
        f'{{"attributes":{attributes},"name":"{type}_downstream","type":"{type}",'
        '"stream":"downstream","toxicity":1}'
    )
    shown(api.post("/proxies/p/toxics", {"type": type}), 200, text)
    shown(api.get(f"/proxies/p/toxics/{type}_downstream"), 200, text)
    shown(api.get("/proxies/p/toxics"), 200, f"[{text}]")
    assert api.get("/proxies/p").body.decode().endswith(f'"Logger":{{}},"toxics":[{text}]}}')


def test_a_proxy_without_toxics_shows_an_empty_list(api: Api) -> None:
    api.proxy("p")
    shown(api.get("/proxies/p/toxics"), 200, "[]")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("1", "1"),
        ("0", "0"),
        ("0.5", "0.5"),
        ("0.1", "0.1"),
        ("0.333333333333", "0.33333334"),
        ("1e-9", "1e-9"),
        ("7", "7"),
        ("-0.5", "-0.5"),
        ("null", "1"),
    ],
)
def test_toxicity_is_shown_as_a_float_of_32_bits(api: Api, given: str, told: str) -> None:
    api.proxy("p")
    answer = api.post("/proxies/p/toxics", f'{{"type":"noop","toxicity":{given}}}')
    assert answer.status == 200
    assert answer.body.decode().endswith(f',"toxicity":{told}}}')


@pytest.mark.parametrize("stream", ["upstream", "UPSTREAM", "downstream", "Downstream"])
def test_a_stream_is_read_in_any_case_and_shown_as_typed(api: Api, stream: str) -> None:
    api.proxy("p")
    told = api.post("/proxies/p/toxics", {"type": "noop", "stream": stream}).json()
    assert (told["stream"], told["name"]) == (stream, f"noop_{stream}")


def test_toxics_are_listed_upstream_first_and_then_as_they_were_added(api: Api) -> None:
    api.proxy("p")
    for name in ("d2", "u2", "d1", "u1"):
        stream = {"d": "downstream", "u": "upstream"}[name[0]]
        api.post("/proxies/p/toxics", {"type": "noop", "name": name, "stream": stream})
    told = api.get("/proxies/p/toxics").json()
    assert [one["name"] for one in told] == ["u2", "u1", "d2", "d1"]
    assert api.get("/proxies/p").json()["toxics"] == told


def test_toxic_names_are_unique_across_both_streams(api: Api) -> None:
    api.proxy("p")
    api.post("/proxies/p/toxics", {"type": "noop", "name": "same"})
    other = {"type": "latency", "name": "same", "stream": "upstream"}
    error(api.post("/proxies/p/toxics", other), 409, "toxic already exists")


STREAM = "stream was invalid, can be either upstream or downstream"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "bad request body: EOF"),
        ("{", "bad request body: unexpected EOF"),
        ("null", "invalid toxic type"),
        ("{}", "invalid toxic type"),
        ('{"type":"Latency"}', "invalid toxic type"),
        ('{"type":"latency","stream":""}', STREAM),
        ('{"type":"nonsense","stream":"both"}', STREAM),
        (
            "[]",
            cannot("array", "value of type toxics.ToxicWrapper"),
        ),
        (
            '{"type":5}',
            cannot("number", "struct field ToxicWrapper.type of type string"),
        ),
        (
            '{"type":"slicer","toxicity":"x"}',
            cannot("string", "struct field ToxicWrapper.toxicity of type float32"),
        ),
        (
            '{"type":"timeout","attributes":[]}',
            cannot("array", "struct field ToxicWrapper.attributes of type toxics.NoopToxic"),
        ),
        (
            '{"type":"timeout","attributes":{"timeout":1.5}}',
            cannot("number 1.5", "struct field TimeoutToxic.attributes.timeout of type int64"),
        ),
        (
            '{"type":"latency","attributes":{"latency":"x"}}',
            cannot("string", "struct field LatencyToxic.attributes.latency of type int64"),
        ),
        (
            '{"type":"latency","attributes":{"latency":99999999999999999999}}',
            cannot(
                "number 99999999999999999999",
                "struct field LatencyToxic.attributes.latency of type int64",
            ),
        ),
    ],
)
def test_a_bad_toxic_is_refused_with_the_reason(api: Api, body: str, message: str) -> None:
    api.proxy("p")
    error(api.post("/proxies/p/toxics", body), 400, message)
    shown(api.get("/proxies/p/toxics"), 200, "[]")


@pytest.mark.parametrize(
    "body",
    [
        '{"type":"bandwidth","attributes":{"rate":-1}}',
        '{"type":"latency","attributes":{"latency":-5,"jitter":-5}}',
        '{"type":"slicer","attributes":{"average_size":1,"size_variation":9,"delay":-3}}',
        '{"type":"limit_data","attributes":{"bytes":-9}}',
    ],
)
def test_numbers_are_not_looked_at(api: Api, body: str) -> None:
    api.proxy("p")
    answer = api.post("/proxies/p/toxics", body)
    assert answer.status == 200
    assert answer.json()["attributes"] == json.loads(body)["attributes"]


@pytest.mark.parametrize(
    "body",
    [
        '{"TYPE":"limit_data","ATTRIBUTES":{"Bytes":5}}',
        '{"type":"limit_data","attributes":{"bytes":5,"unknown":"x"},"more":1}',
        '{"type":"limit_data","attributes":{"bytes":5}} and more',
        '{"attributes":{"bytes":5},"name":"","type":"limit_data"}',
        '{"type":"limit_data","attributes":{"bytes":5},"stream":null}',
    ],
)
def test_toxics_are_read_leniently(api: Api, body: str) -> None:
    api.proxy("p")
    answer = api.post("/proxies/p/toxics", body)
    text = '"name":"limit_data_downstream","type":"limit_data","stream":"downstream","toxicity":1'
    shown(answer, 200, f'{{"attributes":{{"bytes":5}},{text}}}')


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_changing_a_toxic_merges_attributes_and_keeps_what_it_is(api: Api, method: str) -> None:
    api.proxy("p")
    api.post("/proxies/p/toxics", {"type": "latency", "name": "t", "attributes": {"latency": 5}})
    attributes, toxicity = {"latency": 5, "jitter": 0}, 1.0
    bodies: list[dict[str, Any] | None] = [
        {},
        None,
        {"attributes": {"jitter": 6}, "name": "u", "type": "slicer", "stream": "upstream"},
        {"attributes": {"LATENCY": 7}},
        {"attributes": None},
        {"attributes": {"latency": None}},
        {"toxicity": 0.5},
        {"toxicity": None},
        {"attributes": {"latency": 0}, "toxicity": 0},
    ]
    for body in bodies:
        for name, value in ((body or {}).get("attributes") or {}).items():
            if value is not None:
                attributes[name.lower()] = value
        new = (body or {}).get("toxicity")
        toxicity = toxicity if new is None else new
        text = (
            f'{{"attributes":{json.dumps(attributes, separators=(",", ":"))},"name":"t",'
            f'"type":"latency","stream":"downstream","toxicity":{toxicity:g}}}'
        )
        shown(api.ask(method, "/proxies/p/toxics/t", json.dumps(body)), 200, text)
        shown(api.get("/proxies/p/toxics/t"), 200, text)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "bad request body: EOF"),
        ("{", "bad request body: unexpected EOF"),
        (
            '{"attributes":{"jitter":"x"}}',
            cannot("string", "struct field LatencyToxic.attributes.jitter of type int64"),
        ),
    ],
)
def test_a_bad_change_of_a_toxic_is_refused(api: Api, body: str, message: str) -> None:
    api.proxy("p")
    api.post("/proxies/p/toxics", {"type": "latency", "name": "t"})
    error(api.patch("/proxies/p/toxics/t", body), 400, message)


def test_a_refused_change_is_carried_out_by_half_in_the_real_server_and_not_in_the_embedded(
    api: Api,
) -> None:
    api.proxy("p")
    api.post("/proxies/p/toxics", {"type": "latency", "name": "t"})
    api.patch("/proxies/p/toxics/t", {"attributes": {"latency": 9, "jitter": "x"}})
    told = api.get("/proxies/p/toxics/t").json()["attributes"]
    assert told == {"latency": 9 if api.kind == "real" else 0, "jitter": 0}


def test_deleting_a_toxic_says_nothing(api: Api) -> None:
    api.proxy("p")
    api.post("/proxies/p/toxics", {"type": "latency", "name": "t"})
    answer = api.delete("/proxies/p/toxics/t")
    assert (answer.status, answer.body) == (204, b"")
    shown(api.get("/proxies/p/toxics"), 200, "[]")


@pytest.mark.parametrize("method", ["GET", "PATCH", "POST", "DELETE"])
def test_what_is_asked_of_no_toxic_is_not_found(api: Api, method: str) -> None:
    api.proxy("p")
    error(api.ask(method, "/proxies/p/toxics/t", "{}"), 404, "toxic not found")


def test_a_toxic_named_with_a_slash_can_be_made_and_never_addressed(api: Api) -> None:
    api.proxy("p")
    assert api.post("/proxies/p/toxics", {"type": "noop", "name": "a/b"}).status == 200
    assert api.delete("/proxies/p/toxics/a%2Fb").body == b"404 page not found\n"


# -- reset --------------------------------------------------------------------------------


def test_reset_removes_toxics_enables_proxies_and_ends_no_connection(line: Line) -> None:
    client, peer = line.connect()
    line.add("latency", stream="upstream", latency=1)
    off = line.api.proxy("off", listen=f"{HOST}:0", enabled=False)
    answer = line.api.post("/reset", "whatever")
    assert (answer.status, answer.body) == (204, b"")
    told = line.api.get("/proxies").json()
    assert all(one["enabled"] and not one["toxics"] for one in told.values())
    assert told["off"]["listen"] != off["listen"], "port 0 has become a port"
    client.sendall(b"still")
    assert receive(peer, 5) == b"still"
    assert silent(client)


def test_reset_tells_of_a_proxy_that_cannot_listen(api: Api) -> None:
    with listener() as other:
        taken = address(other)
        api.proxy("off", listen=taken, enabled=False)
        error(api.post("/reset"), 500, f"listen tcp {taken}: bind: address already in use")
    assert api.get("/proxies/off").json()["enabled"] is False
    assert api.post("/reset").status == 204


def test_the_api_is_served_on_loopback_only(toxiproxy: Api) -> None:
    assert toxiproxy.url.startswith(f"http://{HOST}:")
    with socket.create_connection((HOST, int(toxiproxy.url.rpartition(":")[2]))) as connection:
        assert connection.getpeername()[0] == HOST
