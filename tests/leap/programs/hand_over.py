"""hand_over.py WAY: two processes hand something to and fro, so often, and sleep in between.

Tells how many turns took longer than a second.
"""

import multiprocessing
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from random import Random

TURNS = 100
BIG = b"z" * 3_000_000
FAR_S = 20_000.0

Act = Callable[[], object]


class Side:
    """One of the two: what it waits for, and what it hands over."""

    def __init__(self, take: Act, give: Act) -> None:
        self.take, self.give = take, give


def of_sockets(kind: socket.SocketKind) -> tuple[Side, Side]:
    ends = socket.socketpair(socket.AF_UNIX, kind)
    return (
        Side(lambda: ends[0].recv(1), lambda: ends[0].send(b"x")),
        Side(lambda: ends[1].recv(1), lambda: ends[1].send(b"x")),
    )


def stream() -> tuple[Side, Side]:
    return of_sockets(socket.SOCK_STREAM)


def datagrams() -> tuple[Side, Side]:
    return of_sockets(socket.SOCK_DGRAM)


def of_pipes(take: Callable[[int], object]) -> tuple[Side, Side]:
    (one, to_one), (other, to_other) = os.pipe(), os.pipe()
    return (
        Side(lambda: take(one), lambda: os.write(to_other, b"x")),
        Side(lambda: take(other), lambda: os.write(to_one, b"x")),
    )


def pipes() -> tuple[Side, Side]:
    return of_pipes(lambda fd: os.read(fd, 1))


def epoll() -> tuple[Side, Side]:
    def take(fd: int) -> None:
        with select.epoll() as looks:
            looks.register(fd, select.EPOLLIN)
            looks.poll(FAR_S)
        os.read(fd, 1)

    return of_pipes(take)


def eventfds() -> tuple[Side, Side]:
    one, other = os.eventfd(0), os.eventfd(0)
    return (
        Side(lambda: os.eventfd_read(one), lambda: os.eventfd_write(other, 1)),
        Side(lambda: os.eventfd_read(other), lambda: os.eventfd_write(one, 1)),
    )


def semaphores() -> tuple[Side, Side]:
    one, other = multiprocessing.Semaphore(0), multiprocessing.Semaphore(0)
    return (
        Side(lambda: one.acquire(timeout=FAR_S), other.release),
        Side(lambda: other.acquire(timeout=FAR_S), one.release),
    )


def signals() -> tuple[Side, Side]:
    rung, parent = [signal.SIGUSR1], os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, rung)
    return (
        Side(lambda: signal.sigwait(rung), lambda: os.kill(parent, signal.SIGUSR1)),
        Side(lambda: signal.sigwait(rung), lambda: os.kill(child, signal.SIGUSR1)),
    )


def udp() -> tuple[Side, Side]:
    ends = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(2)]
    for end in ends:
        end.bind(("127.0.0.1", 0))
    ends[0].connect(ends[1].getsockname())
    ends[1].connect(ends[0].getsockname())
    return (
        Side(lambda: ends[0].recv(1), lambda: ends[0].send(b"x")),
        Side(lambda: ends[1].recv(1), lambda: ends[1].send(b"x")),
    )


def connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        return one, listener.accept()[0]


def of_tcp(size: int, pieces: tuple[bytes, ...]) -> tuple[Side, Side]:
    def side(end: socket.socket) -> Side:
        def take() -> None:
            left = size
            while left:
                left -= len(end.recv(min(left, 65536)))

        def give() -> None:
            for piece in pieces:
                end.sendall(piece)

        return Side(take, give)

    one, other = connected()
    return side(one), side(other)


def tcp() -> tuple[Side, Side]:
    return of_tcp(1, (b"x",))


def tcp_held_back() -> tuple[Side, Side]:
    return of_tcp(10, (b"x", b"y" * 9))


def tcp_big() -> tuple[Side, Side]:
    return of_tcp(len(BIG), (BIG,))


def new_connections() -> tuple[Side, Side]:
    listener = socket.create_server(("127.0.0.1", 0))
    opened: list[socket.socket] = []

    def accept() -> None:
        opened.append(listener.accept()[0])
        opened[-1].recv(1)

    def answer() -> None:
        with opened.pop() as line:
            line.send(b"x")

    def ask() -> None:
        opened.append(socket.create_connection(listener.getsockname()))
        opened[-1].send(b"x")

    def hear() -> None:
        with opened.pop() as line:
            line.recv(1)

    return Side(accept, answer), Side(hear, ask)


theirs, ours = globals()[sys.argv[1]]()
child = os.fork()
while child == 0:
    theirs.take()
    theirs.give()
rng, late = Random(sys.argv[1]), 0
for _ in range(TURNS):
    began = time.monotonic()
    ours.give()
    ours.take()
    late += time.monotonic() - began > 1.0
    time.sleep(rng.uniform(1.0, 60.0))
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
print(late, "late")
