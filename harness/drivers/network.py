"""The network between nodes and queue, as proxies of a Toxiproxy that misbehave on purpose.

Each node has a proxy of its own, so that a fault can cut off some of them or all. Faults
that last from a time to a time are toxics, set through the Toxiproxy API, on the embedded
server and on a real one alike. Faults on single calls need the embedded one (see
:mod:`.calltap`): on a real one they strike nothing, and the run says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from itertools import product

from ...backends.adapter import Framing
from ...protocol.events import CALLS, Event, Phase, Said
from ...protocol.ledger import Ledger
from ...proxy.choice import EMBEDDED, opened
from ...proxy.client import Proxy, Toxiproxy, ToxiproxyError
from ...proxy.embedded import Embedded
from ...proxy.loop_thread import LoopClock
from ...proxy.proxy import TapFactory
from ..faults import LinkFault, TripFault
from ..faults.world import Link
from ..plan.plan import Plan
from ..strikes import CallStrikes, call_phase
from .calltap import CallTap, OrderedTap, Wire
from .hands import Hands
from .takings import Takings
from .trips import Record, TripStrikes
from .triptap import TripTap, Watch
from .watched import Watched

STREAMS = ("upstream", "downstream")

TCP_GIVES_UP_S = 924.6  # Linux, after net.ipv4.tcp_retries2 = 15 retransmissions


class Network:
    """Proxies to ``upstream`` (HOST:PORT) for the nodes of one run. Start, later stop.

    ``choice`` is as in :func:`..toxiproxy.choice.opened`; ``run`` names the run in the
    names of its proxies; toxics of the embedded one go by ``clock``, and there ``record`` takes
    down each round trip and ``hands`` who takes a job. Raises :class:`EnvironmentFault` where the
    server fails it.
    """

    def __init__(
        self,
        upstream: str,
        framing: Framing,
        plan: Plan,
        ledger: Ledger,
        choice: str,
        run: str,
        clock: LoopClock | None = None,
        record: Record | None = None,
        hands: Hands | None = None,
    ) -> None:
        self._upstream = upstream
        self._framing = Watched(framing)
        self._plan = plan
        self._ledger = ledger
        self._choice = choice
        self._run = run
        self._clock = clock
        self._record = record
        self._strikes = TripStrikes(plan)
        self._proxies: list[Proxy] = []
        self._services: list[Proxy] = []
        self._open: dict[int, LinkFault] = {}
        self._resources = ExitStack()
        self.version = ""
        self._hands = hands or Hands()
        self.full: int | None = None  # the number of the fault for which the server has no memory

    def start(self, nodes: int) -> list[str]:
        """Listen; the address to give to each node, by its number."""
        embedded: Embedded | None = None
        if self._choice == EMBEDDED:
            embedded = self._resources.enter_context(Embedded(self._plan.seed, clock=self._clock))
            url = embedded.address
        else:
            url = self._resources.enter_context(opened(self._choice, self._plan.seed))
        self._toxiproxy = toxiproxy = Toxiproxy(url)
        self._embedded = embedded
        self.version = f"{self._choice} Toxiproxy, API {toxiproxy.version()}"
        for node in range(nodes):
            proxy = toxiproxy.create(f"jobquake-{self._run}-{node}", self._upstream)
            self._proxies.append(proxy)
        if embedded:
            calls, index = CallStrikes(self._plan), self._plan.job_index
            wire = Wire(self._framing, calls, self._link, self._struck, index)
            wire = wire._replace(passed=self._passed, refused=self._refused, hands=self._hands)
            wire = wire._replace(takings=Takings(self._plan))
            # Jobquake's own workers give a call up by themselves.
            own = not self._plan.recovery_s
            self._wire = wire if own else wire._replace(gives_up_s=TCP_GIVES_UP_S)
            self._watch = Watch(self._wire, self._strikes, self._record)
            for node, proxy in enumerate(self._proxies):
                embedded.tap(proxy.name, self._tap_of(node))
        return [proxy.listen for proxy in self._proxies]

    def before(self, services: Mapping[str, str], nodes: int) -> dict[int, dict[str, str]]:
        """Listen for what each node has to say to these services; where, by node and name."""
        places: dict[int, dict[str, str]] = {node: {} for node in range(nodes)}
        for (name, upstream), node in product(services.items(), range(nodes)):
            called = f"jobquake-{self._run}-{node}-{name}"
            proxy = self._toxiproxy.create(called, upstream)
            self._services.append(proxy)
            if self._embedded and self._looks_at_trips:
                tap = partial(TripTap, self._watch, node, service=name)
                self._embedded.tap(proxy.name, tap)
            places[node][name] = proxy.listen
        return places

    @property
    def _looks_at_trips(self) -> bool:
        """Round trips are named where somebody looks at them or strikes them by their names."""
        faults = self._plan.faults
        return bool(self._record) or any(isinstance(fault, TripFault) for fault in faults)

    def _tap_of(self, node: int) -> TapFactory:
        if self._looks_at_trips:
            return partial(TripTap, self._watch, node)
        return partial(CallTap if self._framing.numbered else OrderedTap, self._wire, node)

    def begins(self, at_s: float) -> None:
        """The run begins at that time of its clock: from now on round trips are counted."""
        self._strikes.begin()
        if self._record:
            self._record.began_s = at_s

    def check(self) -> None:
        """Raise what the adapter's framing has raised, if it has."""
        if self._framing.raised:
            raise self._framing.raised

    def begin(self, number: int, fault: LinkFault) -> None:
        """The fault that has this number begins."""
        self._change(number, fault, begins=True)
        self._open[number] = fault

    def heal(self, number: int, fault: LinkFault) -> None:
        """The fault that has this number is over."""
        self._open.pop(number, None)
        self._change(number, fault, begins=False)

    def stop(self) -> None:
        """Remove the proxies, and end the server if it is ours."""
        try:
            if "://" in self._choice:
                for proxy in self._proxies + self._services:
                    proxy.destroy()
        except ToxiproxyError:
            pass  # it is gone, and its proxies with it
        finally:
            self._resources.close()

    def _change(self, number: int, fault: LinkFault, begins: bool) -> None:
        for node, proxy in enumerate(self._proxies):
            link = fault.link(node)
            if link is None:
                continue
            for stream in STREAMS:
                name = f"fault-{number}-{stream}"
                if not begins:
                    proxy.remove_toxic(name)
                elif link.passes:
                    late_ms = round(1000 * link.later_s)
                    proxy.add_toxic("latency", stream=stream, name=name, latency=late_ms)
                else:
                    proxy.add_toxic("timeout", stream=stream, name=name, timeout=0)

    def _link(self, node: int) -> tuple[int, Link] | None:
        """What that node's messages meet now, with the number of the fault whose toxics do it."""
        for number, fault in list(self._open.items()):
            if link := fault.link(node):
                return number, link
        return None

    def _passed(self, node: int, job: int, words: str, taken: bool) -> None:
        said = self._ledger.say(Said(words))
        self._ledger.write(Event.PASSED, node=node, job=job, key=said, value=float(taken))

    def _refused(self, node: int, job: int, call: str, words: str) -> None:
        """The server lacks what a command about that job needs."""
        said = self._ledger.say(Said(words, environment=True))
        of = call or "lease"  # what a library notes of a job that it was just given
        self._ledger.write(Event.ERRED, node=node, job=job, key=said, value=float(CALLS.index(of)))
        if self.full is not None:
            self._struck(self.full, node, call_phase(of, bool(not call)), job)

    def _struck(
        self, fault: int, node: int, phase: Phase, job: int, length_s: float = 0.0, words: str = ""
    ) -> None:
        key = self._ledger.say(Said(words)) if words else 0
        self._ledger.write(
            Event.FAULT_STRUCK,
            node=node,
            phase=phase,
            job=job,
            fault=fault,
            value=length_s,
            key=key,
        )
