"""What the toxic ``limit_time`` does, tried inside a copy of the package that has its file."""

from __future__ import annotations

from jobquake.proxy import Embedded

from support.toxiproxy_lines import Lines, LineServer, call


def main() -> None:
    """Data passes; when its time is over, the connection closes."""
    wanted = {"type": "limit_time", "attributes": {"time": 60_000}}
    with LineServer() as server, Embedded() as toxiproxy:
        toxics = "/proxies/p/toxics"
        listen = server.behind(toxiproxy)
        status, made = call(toxiproxy, "POST", toxics, wanted)
        assert status == 200 and made["attributes"] == {"time": 60_000}
        with Lines(listen) as client:
            assert client.ask("one") == "ONE"
            name = f"{toxics}/limit_time_downstream"
            call(toxiproxy, "PATCH", name, {"attributes": {"time": 50}})
            assert client.read_to_the_end() == "FIN"


if __name__ == "__main__":
    main()
