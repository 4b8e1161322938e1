"""The ``sim`` driver: simpy, virtual time, one thread, bit-exact from the plan.

The worker, the producer and the queue do not know that they are simulated: this file
carries out their acts in virtual time and plays the network between them. All
randomness comes from one generator seeded by the plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from random import Random
from typing import Any, NamedTuple, assert_never, cast

from simpy import Interrupt

from ...backends.adapter import Adapter, Queue
from ...backends.system import see_driver
from ...protocol.commands import Command, Reply
from ...protocol.events import Event, Phase, Row, Said
from ...protocol.ledger import in_brief
from ...protocol.producer import Client, WaitUntil
from ...protocol.repeat import Attempt, Sleep
from ...protocol.worker import Worker
from ..faults import TimedFault
from ..plan.plan import Plan
from ..plan.within import options as options_of
from ..record.history import History
from ..record.node_record import NodeRecord
from ..strikes import PointStrikes, phase_of
from .acts import Die, Labour, Pause, acts
from .clock import UNTIL_WOKEN, Clock, Process, Steps
from .conductor import QUIET_POLL_S, Conductor, Due, Holding, agenda
from .observe import observations
from .simnet import SimulatedNetwork
from .skew import WallClocks

SIGKILL, TIMED_OUT = -9.0, 1.0
LOOKS = 0.02  # the longest pause between two looks, as a share of the time that was waited
Lend = Callable[[Clock, WallClocks], Queue]


class Death(NamedTuple):
    """How a worker ended: its status as a parent would see it.

    Its successor starts ``back_s`` seconds later; None: as soon as the plan says.
    """

    status: float = 0.0
    back_s: float | None = None


class _Node:
    """One simulated process: its identity in the ledger and its record.

    ``wake`` ends its wait for an answer that the queue did not have at once.
    """

    def __init__(
        self,
        simulation: Simulation,
        number: int,
        incarnation: int = 0,
        process: Process | None = None,
    ) -> None:
        self.number = number
        self.incarnation = incarnation
        rows, clock = simulation.rows, simulation.clock

        def write(
            event: int,
            *,
            since: float = -1.0,
            answer: int = 0,
            phase: int = 0,
            job: int = -1,
            token: int = 0,
            fault: int = -1,
            key: int = 0,
            value: float = 0.0,
        ) -> None:
            rows.append(
                Row(
                    clock.now, since, event, answer, phase, number, incarnation,
                    job, token, fault, key, value,
                )
            )  # fmt: skip

        self.write = write
        self.record = NodeRecord(
            simulation.plan, write, lambda: clock.now, lambda: clock.now, simulation.say
        )
        self.struck = self.record.struck
        self.stopping = self.gone = False
        if process:
            self.wake = process.wake

    def told_to_stop(self) -> bool:
        return self.stopping


class SimulatedWorld:
    """See :class:`..faults.world.World`: the powers of one fault over a simulation."""

    def __init__(self, simulation: Simulation, number: int) -> None:
        self._simulation = simulation
        self._number = number

    def kill(self, worker: int, back_s: float | None) -> None:
        self._simulation.kill(self._number, worker, Death(SIGKILL, back_s))

    def stop(self, worker: int, within_s: float) -> None:
        self._simulation.stop(self._number, worker, within_s)

    def crash_server(self) -> bool:
        self._simulation.network.crash()
        return True

    def fill_server(self) -> bool:
        return False

    def empty_server(self) -> None: ...

    def deploy(self, worker: int, within_s: float) -> bool:
        return False

    def start_server(self) -> None:
        """It is back at once; until the fault is over its link refuses every call."""

    def change_links(self) -> bool:
        """The simulated network reads from the plan which fault lasts at which time."""
        return True

    def restore_links(self) -> None:
        """See :meth:`change_links`."""

    def skew(self, node: int, by_s: float) -> bool:
        """The clocks read from the plan when they jump; the queue must be told to look."""
        if node >= self._simulation.workers:
            return False
        self._simulation.network.look_again()
        return True


class Simulation:
    """One plan on one backend. ``run`` once; then ``rows`` is the history.

    ``lend(clock, walls)`` gives the queue if it shall not be a new one. To the conductor this
    is the :class:`.conductor.Stage`.
    """

    def __init__(self, plan: Plan, adapter: Adapter, lend: Lend | None = None) -> None:
        clock = Clock()
        self.plan = plan
        self.clock = clock
        self.rows: list[Row] = []
        self.said: dict[int, Said] = {}
        self._adapter = adapter
        walls = WallClocks(clock, plan)
        self._queue = (
            lend(clock, walls)
            if lend
            else adapter.local(walls.of_queue(), Random(f"queue {plan.seed}"))
        )
        self.network = SimulatedNetwork(clock, walls, self._queue, plan)
        self.workers = len(plan.workers)
        self._points = PointStrikes(plan, _passings())
        self._conductor = Conductor(plan, self, adapter.claims)
        self._processes: list[Process] = []
        self._clients: list[Process] = []
        self._nodes: dict[int, _Node] = {}
        self._at_work = plan.clients

    def run(self) -> History:
        """Execute the plan to quiet or to its deadline; the history."""
        clock, plan = self.clock, self.plan
        for number, pool in enumerate(plan.workers):
            self._processes.append(Process(clock, self._supervise(number, pool.queues)))
        for number in range(plan.clients):
            self._clients.append(Process(clock, self._client(number)))
        for due in agenda(plan):
            Process(clock, self._conduct(due))
        self._end = Process(clock, self._until_quiet())
        clock.run_until_stopped()
        driver = _Node(self, -1)
        for seen in observations(plan, self._adapter.claims, self._queue.call, self.say):
            driver.write(
                seen.event, job=seen.job, answer=seen.answer, value=seen.value, key=seen.key
            )
        # Nodes that still wait would keep each other and the whole run in memory.
        for process in (*self._processes, *self._clients):
            process.end()
        return History(self.rows, self.said)

    def say(self, said: Said) -> int:
        """Keep an error's words; the number by which rows name them."""
        key, self.said[key] = in_brief(said)
        return key

    # -- nodes --------------------------------------------------------------------------

    def _client(self, number: int) -> Steps:
        """A producer, or the operator."""
        node = _Node(self, self.workers + number, 1, self._clients[number])
        yield from self._perform(node, self.plan.client(number))
        self._at_work -= 1
        if not self._at_work and self.clock.now < self.plan.deadline_s:
            self._end.hurry()

    def _supervise(self, number: int, queues: tuple[str, ...]) -> Steps:
        """The supervisor of one worker: start it, and start it again when it dies."""
        plan = self.plan
        options = options_of(plan, self._adapter.claims)
        incarnation = 0
        while True:
            incarnation += 1
            node = _Node(self, number, incarnation, self._processes[number])
            self._nodes[number] = node
            node.write(Event.WORKER_STARTED)
            try:
                program = self._adapter.worker(f"w{number + 1}", queues, options)
                death = yield from self._perform(node, program)
            except Interrupt as interrupt:
                death = cast("Death", interrupt.cause)
            node.record.delivery = None
            node.gone = True
            node.write(Event.WORKER_EXITED, value=death.status)
            yield plan.restart_s if death.back_s is None else death.back_s

    def _perform(self, node: _Node, program: Worker | Client) -> Generator[float, Any, Death]:
        """Carry the program's acts out until it ends or dies."""
        attempt = self.network.attempt
        steps = acts(program, node.record, self._points, node.told_to_stop)
        ask, answer = steps.send, None
        while True:
            try:
                act = ask(answer)
            except StopIteration:
                return Death()
            answer = None
            if isinstance(act, Attempt):
                answer = yield from attempt(act.command, node)
            elif isinstance(act, Labour):
                if act.timeout_s <= act.work_s:
                    yield max(0.0, act.timeout_s)
                    return Death(TIMED_OUT)
                if act.work_s > 0:
                    yield act.work_s
            elif isinstance(act, Sleep):
                yield act.seconds
            elif isinstance(act, WaitUntil):
                if act.at_s > self.clock.now:
                    yield act.at_s - self.clock.now
            elif isinstance(act, Pause):
                yield act.for_s
            elif isinstance(act, Die):
                return Death(SIGKILL)
            else:
                assert_never(act)

    # -- faults -------------------------------------------------------------------------

    def _conduct(self, due: Due) -> Steps:
        yield due.at_s
        if due.what == "begins":
            self._conductor.begin(due.number, due.fault)
        else:
            self._conductor.heal(due.number, due.fault)

    def world(self, number: int, fault: TimedFault) -> SimulatedWorld:
        return SimulatedWorld(self, number)

    def holdings(self) -> list[Holding]:
        return [self._holding(node) for node in self._nodes.values()]

    def _holding(self, node: _Node) -> Holding:
        delivery = node.record.delivery
        job = self.plan.job_index(delivery.job.id) if delivery else -1
        phase = phase_of(self.rows, node.number, job)
        return Holding(node.number, node.incarnation, job, phase, delivery is not None)

    def strike(self, number: int, holding: Holding, length_s: float = 0.0) -> None:
        self._nodes[holding.node].struck(number, holding.phase, holding.job, length_s)

    def strike_waiting(self, number: int, length_s: float) -> None:
        _Node(self, -1).struck(number, Phase.BEFORE_LEASE, -1, length_s)

    def kill(self, number: int, worker: int, death: Death) -> None:
        """That fault kills this worker, if there is one."""
        if worker >= self.workers:
            return
        node = self._nodes[worker]
        self.strike(number, self._holding(node))
        self._end_node(node, death)

    def stop(self, number: int, worker: int, within_s: float) -> None:
        """That fault tells this worker to stop, and kills it if it is not gone in time."""
        if worker >= self.workers:
            return
        node = self._nodes[worker]
        self.strike(number, self._holding(node))
        node.stopping = True

        def time_is_up(_: object) -> float:
            self._end_node(node, Death(SIGKILL))
            return UNTIL_WOKEN

        self.clock.after(within_s, time_is_up)

    def _end_node(self, node: _Node, death: Death) -> None:
        if not node.gone:
            self._processes[node.number].interrupt(Interrupt(death))

    # -- the end ------------------------------------------------------------------------

    def clients_at_work(self) -> bool:
        return self._at_work > 0

    def workers_at_work(self) -> bool:
        return any(node.record.delivery for node in self._nodes.values())

    def ask(self, command: Command) -> Reply:
        return self._queue.call(command)

    def _until_quiet(self) -> Steps:
        """End the run when everything is settled and healed, or at the deadline."""
        clock, plan, conductor = self.clock, self.plan, self._conductor
        if self._at_work:
            yield plan.deadline_s  # or less: the last client that is done ends it
        yield 0.0  # what else happens at this moment comes first
        yield max(QUIET_POLL_S, min(plan.healed_at_s, plan.deadline_s) - clock.now)
        began_s, ended, looked_at = clock.now, Event.QUIET, (0, 0)
        while True:
            if conductor.late(clock.now):
                ended = Event.DEADLINE
                break
            # Who has waited long need not look so often: a stuck run would do nothing else.
            yield max(QUIET_POLL_S, LOOKS * (clock.now - began_s))
            if looked_at == (now := (len(self.rows), self.network.calls)):
                continue  # nothing has happened since
            looked_at = now
            if conductor.quiet(clock.now):
                break
        driver = _Node(self, -1)
        for job in conductor.contradicted:
            driver.write(Event.CONTRADICTED, job=job)
        driver.write(ended)
        self.clock.stop()


def _passings() -> Callable[[int, int], int]:
    """Counts how often the job of each fault has come to the fault's point."""
    seen: Counter[int] = Counter()

    def passing(fault: int, most: int) -> int:
        seen[fault] += 1
        return seen[fault] if seen[fault] <= most else 0

    return passing


def simulate(plan: Plan, adapter: Adapter) -> History:
    """Run the plan in virtual time. The same plan gives a byte-identical history.

    Raises :class:`UsageError` if the backend has no virtual time.
    """
    see_driver("sim", adapter)
    return Simulation(plan, adapter).run()
