"""What leaping time costs: ``python benchmarks/leaping_time.py``.

A client that looks every second, alone and beside others that sleep: real time and processor time
of the governor for each look. Then what the library costs where nothing leaps: the processor time
of three programs with it and without.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from jobquake.leap.clock import LeapingClock

LOOKS = 3000
CROWDS = (0, 10, 50)
RUNS = 5
CLIENT = "import time\nwhile True: time.sleep(1)"
PROGRAMS = {
    "2 million readings of the clock": "import time\nfor _ in range(2000000): time.monotonic()",
    "600,000 calls on sockets": """
import socket
a, b = socket.socketpair()
for _ in range(300000): a.send(b'x'); b.recv(1)
""",
    "20,000 turns of two threads": """
import threading
a, b = threading.Semaphore(1), threading.Semaphore(0)
def turns(own, other):
    for _ in range(10000): own.acquire(); other.release()
thread = threading.Thread(target=turns, args=(b, a)); thread.start(); turns(a, b); thread.join()
""",
}


def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for crowd in CROWDS:
        look(crowd)
    with LeapingClock() as clock:
        for name, text in PROGRAMS.items():
            without_s, with_s = (cpu_s(text, env) for env in ({}, clock.environment))
            print(f"{name}: {without_s:.2f} s of processor time without, {with_s:.2f} s with")


def look(crowd: int) -> None:
    """A client that looks every second beside so many processes that sleep."""
    with LeapingClock() as clock:
        environment = os.environ | clock.environment
        client = subprocess.Popen([sys.executable, "-c", CLIENT], env=environment)
        others = [subprocess.Popen(["sleep", "1000000"], env=environment) for _ in range(crowd)]
        while clock.stats.leaps < 100:  # until all of them sleep
            clock.wait(1.0)
        governor = clock.governor_pid
        began, before, spent_ms = time.monotonic(), clock.stats, ran_ms(governor)
        clock.wait(LOOKS)
        leaps = clock.stats.leaps - before.leaps
        real_ms = (time.monotonic() - began) * 1000 / leaps
        print(
            f"beside {crowd} others: {real_ms:.2f} real ms a look, of which the governor computes "
            f"{(ran_ms(governor) - spent_ms) / leaps:.3f} ms"
        )
        for process in (client, *others):
            process.kill()
            process.wait()


def ran_ms(pid: int) -> float:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


def cpu_s(text: str, environment: dict[str, str]) -> float:
    """Processor time of that program, the least of a few runs."""

    def once() -> float:
        before = os.times()
        subprocess.run([sys.executable, "-c", text], env=os.environ | environment, check=True)
        after = os.times()
        spent = after.children_user + after.children_system
        return spent - before.children_user - before.children_system

    return min(once() for _ in range(RUNS))


if __name__ == "__main__":
    main()
