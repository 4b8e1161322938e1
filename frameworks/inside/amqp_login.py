"""How a process logs in to the RabbitMQ that its connections are led to.

The team's settings name their own broker, with its user, password, virtual host and TLS; what
stands in its place has others. Reaches what connects with py-amqp (Celery) or with pika's blocking
connection (Dramatiq).
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .redirect import logins_of


def watch(module: Any, said: str) -> None:
    """``module``: ``amqp.connection`` or ``pika.adapters.blocking_connection``.

    ``said``: see :func:`.redirect.redirect`.
    """
    logins = logins_of(said)
    if hasattr(module, "BlockingConnection"):
        _of_pika(module.BlockingConnection, logins)
    else:
        _of_py_amqp(module.Connection, logins)


def _of_py_amqp(connection: Any, logins: Any) -> None:
    begin = connection.__init__

    def begin_there(self: Any, host: Any = "localhost:5672", *rest: Any, **named: Any) -> None:
        name, _, port = str(host).rpartition(":")
        login = logins.get((name.strip("[]"), int(port))) if port.isdecimal() else None
        if login:
            rest, named = (), {**named, **login, "ssl": False, "login_method": "PLAIN"}
        begin(self, host, *rest, **named)

    connection.__init__ = begin_there


def _of_pika(connection: Any, logins: Any) -> None:
    begin = connection.__init__

    def begin_there(self: Any, parameters: Any = None, *rest: Any, **named: Any) -> None:
        many = isinstance(parameters, (list, tuple))
        for one in parameters if many else [parameters]:
            login = logins.get((getattr(one, "host", ""), int(getattr(one, "port", 0) or 0)))
            if login:
                credentials = import_module("pika.credentials")
                one.credentials = credentials.PlainCredentials(login["userid"], login["password"])
                one.virtual_host = login["virtual_host"]
                one.ssl_options = None
        begin(self, parameters, *rest, **named)

    connection.__init__ = begin_there
