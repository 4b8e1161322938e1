"""Bytes counted per proxy and direction, in the text format that Prometheus reads.

A connection's bytes are added when it has ended. Knows no HTTP.
"""

from __future__ import annotations

from collections import Counter

from .applied import Direction
from .proxy import Proxy

Labels = tuple[str, str, str, str]


class Metrics:
    """Call it with what passed; read ``text``."""

    def __init__(self) -> None:
        self._received: Counter[Labels] = Counter()
        self._sent: Counter[Labels] = Counter()

    def __call__(self, proxy: Proxy, direction: Direction, received: int, sent: int) -> None:
        labels = (direction.value, proxy.listen, proxy.name, proxy.upstream)
        self._received[labels] += received
        self._sent[labels] += sent

    def text(self) -> str:
        return _family("received", self._received) + _family("sent", self._sent)


def _family(what: str, counts: Counter[Labels]) -> str:
    if not counts:
        return ""
    name = f"toxiproxy_proxy_{what}_bytes_total"
    lines = [f"# HELP {name} ", f"# TYPE {name} counter"]
    for labels, count in sorted(counts.items()):
        direction, listener, proxy, upstream = map(_escaped, labels)
        lines.append(
            f'{name}{{direction="{direction}",listener="{listener}",proxy="{proxy}",'
            f'upstream="{upstream}"}} {count}'
        )
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
