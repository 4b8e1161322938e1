"""The blocking TCP client: timeouts on everything, reconnects, repeats what is ambiguous.

``attempt`` sends a command once and says None when it cannot know what became of it;
``call`` repeats by :mod:`..repeat` until it is answered. One client, one thread.
"""

from __future__ import annotations

import socket
import time

from msgspec.structs import replace

from ....protocol.commands import (
    Command,
    DeadLetters,
    Failed,
    Lease,
    ListDead,
    QueueError,
    Refused,
    Reply,
    Unanswered,
)
from ....protocol.repeat import DEFAULT, RepeatPolicy, Sleep, until_answered
from . import wire


class Client:
    """A connection to the broker at ``host:port``, made when first needed.

    ``connect_timeout_s`` and ``read_timeout_s`` bound each attempt; a lease that waits
    may take its ``wait_s`` longer.
    """

    def __init__(
        self,
        address: str,
        connect_timeout_s: float = 1.0,
        read_timeout_s: float = 1.0,
        repeat: RepeatPolicy = DEFAULT,
    ) -> None:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ValueError(f"expected an address HOST:PORT, found {address!r}")
        self._host, self._port = host, int(port)
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._repeat = repeat
        self._socket: socket.socket | None = None
        self._buffer = bytearray()
        self._request_id = 0

    def call(self, command: Command) -> Reply:
        """Carry out the command and return its reply.

        Raises Unanswered if no attempt was answered, or the last one with an error (the
        command may have taken effect), QueueError if the broker refused the command as bad
        (it had none).
        """
        wants = until_answered(command, self._repeat)
        want = next(wants)
        while True:
            answer = None
            if isinstance(want, Sleep):
                time.sleep(want.seconds)
            else:
                answer = self.attempt(want.command)
            try:
                want = wants.send(answer)
            except StopIteration as end:
                if end.value is None or isinstance(end.value, Failed):
                    name = type(command).__name__.lower()
                    found = f"the error {end.value.error!r}" if end.value else "none"
                    raise Unanswered(
                        f"expected an answer to {name} from {self._host}:{self._port}, found "
                        f"{found} in {self._repeat.attempts} attempts; it may or may not have "
                        "taken effect"
                    ) from None
                return _checked(end.value)

    def attempt(self, command: Command) -> Reply | None:
        """One attempt; None if no answer came, and then the connection is dropped.

        A command too large for a frame is refused here, unsent. Dead letters that come in
        pages are asked for until there are as many as are wanted.
        """
        reply = self._ask(command)
        while isinstance(command, ListDead) and isinstance(reply, DeadLetters) and reply.next:
            left = command.limit - len(reply.letters)
            if left <= 0:
                break
            more = self._ask(replace(command, after=reply.next, limit=left))
            if not isinstance(more, DeadLetters):
                return more
            reply = DeadLetters(reply.letters + more.letters, more.next)
        return reply

    def _ask(self, command: Command) -> Reply | None:
        wait_s = command.wait_s if isinstance(command, Lease) else 0.0
        self._request_id += 1
        try:
            frame = wire.encode(self._request_id, command)
        except wire.FrameError as error:
            return Refused(str(error))
        try:
            connection = self._connected()
            deadline = time.monotonic() + self._read_timeout_s + wait_s
            connection.settimeout(self._read_timeout_s)
            connection.sendall(frame)
            return self._read(connection, self._request_id, deadline)
        except (OSError, wire.FrameError, wire.MessageError):
            self.close()
            return None

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None
        self._buffer.clear()

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(
                (self._host, self._port), self._connect_timeout_s
            )
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def _read(self, connection: socket.socket, request_id: int, deadline: float) -> Reply:
        while True:
            for body in wire.split(self._buffer):
                answered, reply = wire.decode_reply(body)
                if answered in (request_id, 0):
                    return reply
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            connection.settimeout(left_s)
            data = connection.recv(65536)
            if not data:
                raise ConnectionError("the broker closed the connection")
            self._buffer += data


def _checked(reply: Reply) -> Reply:
    if isinstance(reply, Refused):
        raise QueueError(reply.error)
    return reply
