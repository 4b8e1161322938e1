"""Addresses, HOST:PORT, as Toxiproxy reads them, with its words for what is wrong.

One difference, on purpose: without a host, an address to listen on is the loopback, not
every interface of the machine.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import socket

from ..errors import UsageError

LOOPBACK = "127.0.0.1"


class AddressError(UsageError):
    """The address cannot be had; the message is the one that the API answers with."""


class ListenError(AddressError):
    """There is nothing wrong with the address, but it is taken, or not ours."""


def split(address: str) -> tuple[str, str]:
    """Host and port as text, neither of them checked; an IPv6 host without its brackets."""
    host, colon, port = address.rpartition(":")
    if not colon:
        raise AddressError(f"address {address}: missing port in address")
    if address.startswith("["):
        host, bracket, rest = address[1:].partition("]")
        if not bracket:
            raise AddressError(f"address {address}: missing ']' in address")
        if not rest.startswith(":"):
            raise AddressError(f"address {address}: missing port in address")
        port = rest[1:]
    if ":" in (port if address.startswith("[") else host):
        raise AddressError(f"address {address}: too many colons in address")
    return host, port


def port_number(text: str) -> int:
    if not text:
        return 0
    if text.isascii() and text.lstrip("+-").isdigit():
        number = int(text) if len(text) < 12 else -1
        if not 0 <= number <= 65535:
            raise AddressError(f"address {text}: invalid port")
        return number
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, UnicodeError) as error:
        raise AddressError(f"lookup tcp/{text}: unknown port") from error


def join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def resolve(address: str) -> str:
    """The address with its host looked up, as an IP address, and its port as a number."""
    host, port_text = split(address) if address else ("", "")
    port = port_number(port_text)
    if host in ("", "localhost"):
        return join(LOOPBACK, port)
    try:
        return join(str(ipaddress.ip_address(host)), port)
    except ValueError:
        pass
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise AddressError(f"lookup {host}: no such host") from error
    first = next((info for info in found if info[0] == socket.AF_INET), found[0])
    return join(str(first[4][0]), port)


def listen(resolved: str) -> socket.socket:
    """A socket that listens on an address which ``resolve`` has given. Raises ListenError."""
    host, port = split(resolved)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((host, int(port)))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        reason = os.strerror(error.errno or 0).lower()
        raise ListenError(f"listen tcp {resolved}: bind: {reason}") from error
    return listener


def name(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return join(host, port)
