"""The worker program: runs several jobs of an app at once, each in a thread of its own.

python -m tiny_framework.worker HOST:PORT APP --queues a,b --ack late --concurrency 2
"""

from __future__ import annotations

import argparse
import signal
import threading
import time
from importlib import import_module

from . import functions, tell
from .client import Client

AGAIN_AFTER_S = 0.1
leaving = threading.Event()


def serve(address: str, queues: list[str], acks_late: bool) -> None:
    master = Client(address)
    while not leaving.is_set():
        try:
            taken = master.ask("take", queues=queues)
            if taken:
                run(master, taken["id"], taken["function"], acks_late)
        except OSError:
            time.sleep(AGAIN_AFTER_S)


def run(master: Client, identifier: str, function: str, acks_late: bool) -> None:
    tell("took", identifier)
    if not acks_late:
        acknowledge(master, identifier)
    tell("begins", identifier)
    try:
        functions[function](identifier)
    except Exception as error:  # noqa: BLE001 - a job may raise anything
        tell("raised", identifier)
        print(f"{identifier} failed: {error}", flush=True)
        master.ask("back", id=identifier)
    else:
        tell("returned", identifier)
        if acks_late:
            acknowledge(master, identifier)
    tell("over", identifier)


def acknowledge(master: Client, identifier: str) -> None:
    tell("acking", identifier)
    master.ask("ack", id=identifier)
    tell("acked", identifier)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("app")
    parser.add_argument("--queues", required=True)
    parser.add_argument("--ack", choices=["early", "late"], default="late")
    parser.add_argument("--concurrency", type=int, default=2)
    wanted = parser.parse_args()
    import_module(wanted.app)
    signal.signal(signal.SIGTERM, lambda *_: leaving.set())
    threads = [
        threading.Thread(
            target=serve, args=(wanted.address, wanted.queues.split(","), wanted.ack == "late")
        )
        for _ in range(wanted.concurrency)
    ]
    tell("ready")
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.1)


if __name__ == "__main__":
    main()
