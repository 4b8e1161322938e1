"""Kills that leave nobody: a process with all its descendants, and a process group."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import Protocol

import psutil

from ...errors import EnvironmentFault

DEAD_WITHIN_S = 5.0
LOOK_EVERY_S = 0.002


class Running(Protocol):
    """A process that was started, in the words of :class:`subprocess.Popen`."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def terminate(self) -> None: ...


def kill_tree(pid: int) -> int:
    """SIGKILL the process and all its descendants; verified dead. How many there were.

    The tree is collected before the kill, while parents still know their children, and
    again until no new one appears. Raises :class:`EnvironmentFault` if one survives.
    """
    tree: dict[int, psutil.Process] = {}
    try:
        root = psutil.Process(pid)
        root.suspend()
        tree[pid] = root
        while found := [p for p in root.children(recursive=True) if p.pid not in tree]:
            for process in found:
                process.suspend()
                tree[process.pid] = process
    except psutil.NoSuchProcess:
        pass
    for process in tree.values():
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    others = [process for process in tree.values() if process.pid != pid]
    until = time.monotonic() + DEAD_WITHIN_S
    while (
        alive := [process for process in others if _lives(process)]
    ) and time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
    if alive:
        raise EnvironmentFault(f"expected the killed tree to be dead, found {alive} alive")
    return len(tree)


def links(pid: int) -> set[str]:
    """Where the process and its descendants are connected to, each as HOST:PORT."""
    found = set[str]()
    try:
        root = psutil.Process(pid)
        for process in (root, *root.children(recursive=True)):
            for link in process.net_connections("tcp"):
                if link.raddr:
                    found.add(f"{link.raddr.ip.removeprefix('::ffff:')}:{link.raddr.port}")
    except psutil.Error:
        pass
    return found


def _lives(process: psutil.Process) -> bool:
    """Whether it still does anything: a zombie is dead, though nobody may have collected it."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def belongs(pid: int, root: int) -> bool:
    """Whether that process is this one or a descendant of it."""
    try:
        return pid == root or any(p.pid == root for p in psutil.Process(pid).parents())
    except psutil.NoSuchProcess:
        return False


def kill_group(process: Running) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
