"""What every test of the contract stands on: the backend, its claims, a bench, and plans.

It says what is skipped and why, and turns what an adapter raises into one sentence. The tests
themselves are in :mod:`.suite`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import ClassVar, TypeVar, cast

import pytest
from hypothesis import settings

from ...backends import system
from ...backends.adapter import QueueSystem, RemoteQueue, Unavailable
from ...backends.claims import Claim, unclaimed
from ...backends.system import Time
from ...errors import JobquakeError
from ...protocol.clock import Clock
from ..assertions import telling
from ..confirm import run_and_confirm
from ..drivers.pace_of import can_leap
from ..faults.net_fault import NetFault
from ..plan.plan import Plan
from ..result import Result
from ..run import Driver
from ..why_not import why_not
from .bench import Bench
from .machine import QUICK
from .real_time import real_time

T = TypeVar("T")
PROPERTY = "jobquake-contract"
TRIES = 3


class Subject:
    """The backend under test, and what can be done with it."""

    backend: ClassVar[RemoteQueue]
    drivers: ClassVar[tuple[Driver, ...]] = ("sim",)
    examples: ClassVar[int] = 100
    second_s: ClassVar[float] = 0.1
    time: ClassVar[Time | None] = "real"
    _why_no_virtual_time: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _named(self, request: pytest.FixtureRequest) -> None:
        """See that there is a backend, and mark the test as one of its contract."""
        if not hasattr(self, "backend"):
            pytest.fail(
                f"expected an adapter as {type(self).__name__}.backend, found none; "
                "write 'backend = MyQueue()' in the class",
                pytrace=False,
            )
        request.node.user_properties.append((PROPERTY, self.backend.name))

    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        if self.has_virtual_time:
            yield Bench(self.backend)
        else:
            with real_time(self.backend, self.second_s, self.time) as stage:
                yield Bench(self.backend, stage)

    @pytest.fixture
    def address(self) -> Iterator[str]:
        """Where a fresh queue of the backend is served."""
        if self.has_virtual_time and "process" not in self.drivers:
            pytest.skip(f"{type(self).__name__}.drivers does not name 'process'")
        with real_time(self.backend, self.second_s, self.time) as stage:
            yield stage.address

    @property
    def has_virtual_time(self) -> bool:
        return not self.why_no_virtual_time()

    @classmethod
    def why_no_virtual_time(cls) -> str:
        """Why the backend has none; "" if it has. Found out once for each class."""
        if "_why_no_virtual_time" not in vars(cls):
            cls._why_no_virtual_time = without_virtual_time(cls.backend)
        return cls._why_no_virtual_time

    @pytest.fixture
    def virtual_time(self) -> None:
        """Skip the test if the backend has none."""
        if not self.has_virtual_time:
            why = self.why_no_virtual_time()
            pytest.skip(f"{self.backend.name} has no virtual time, which this test needs: {why}")

    @pytest.fixture
    def cheap_time(self) -> None:
        """Skip the test if a minute takes a minute."""
        why = self.why_no_virtual_time()
        if why and not (self.time != "real" and can_leap(self.backend, self.time)):
            pytest.skip(
                f"{self.backend.name} has no virtual time, which this test needs: {why}, and "
                f"{type(self).__name__}.time does not let it leap"
            )

    def claims(self, *claims: Claim) -> None:
        """Skip the test if the backend does not claim one of these."""
        lacking = unclaimed(self.backend.claims, claims)
        if lacking:
            pytest.skip(f"not judged: {lacking}")

    def claims_at_least_once(self) -> None:
        self.claims("delivery")

    def holds(self, plan: Plan, driver: Driver | None = None) -> None:
        """Run the plan; every fault in it must have struck."""
        __tracebackhide__ = True
        driver = driver or ("sim" if self.has_virtual_time else self._real_processes())
        if why := why_not(plan, self.backend, driver) or self._beyond_its_network(plan, driver):
            pytest.skip(f"{self.backend.name} cannot run it: {why}")
        result = self._result(plan, driver)
        if result.verdict != "held":
            raise AssertionError(f"{plan.scenario}: {telling(result)}")
        quiet = {fault.kind for fault in plan.faults if fault.floods}  # jobs, and no strikes
        for kind, seen in result.faults.items():
            if not seen["struck"] and kind not in quiet:
                raise AssertionError(
                    f"{plan.scenario}: expected a strike of {kind!r} on {self.backend.name}, "
                    "found none, so the run proves nothing\n"
                    f"replay: assert_holds('{result.replay}', adapter)"
                )

    def _result(self, plan: Plan, driver: Driver) -> Result:
        """What came of it. Real processes on a busy machine are given another chance to strike."""
        __tracebackhide__ = True
        for _ in range(TRIES if driver == "process" else 1):
            result = self.told(lambda: run_and_confirm(plan, self.backend, driver)).result
            if result.verdict != "inconclusive" or result.vanished:
                break
        return result

    def _real_processes(self) -> Driver:
        """The driver of plans in real time; skips the test if nobody asked for it."""
        if "process" not in self.drivers:
            pytest.skip(
                f"{self.backend.name} has no virtual time, and {type(self).__name__}.drivers does "
                "not name 'process'"
            )
        return "process"

    def _beyond_its_network(self, plan: Plan, driver: Driver) -> str:
        """Why a fault of the plan cannot strike what really passes between workers and queue."""
        framing = self.backend.framing
        struck = [fault for fault in plan.faults if fault.on_network]
        if driver == "sim" or not struck:
            return ""
        if framing is None:
            return "it is reached over no network"
        doubled = any(isinstance(f, NetFault) and f.how == "duplicate" for f in struck)
        if doubled and not framing.numbered:
            return "its replies come in order, so that no request can be delivered twice"
        return ""

    def told(self, call: Callable[[], T]) -> T:
        """What it gives; where the adapter raises, or cannot be had, the test fails in one line."""
        __tracebackhide__ = True
        try:
            return call()
        except JobquakeError as error:
            message = "\n".join([str(error), *getattr(error, "__notes__", ())])
            raise pytest.fail.Exception(message, pytrace=False) from None

    def settings(self) -> settings:
        """How long Hypothesis looks."""
        if settings.get_current_profile_name().startswith("jobquake-"):
            return settings()
        return settings(QUICK, max_examples=self.examples)


def without_virtual_time(backend: RemoteQueue) -> str:
    """Why this backend has no virtual time; "" if it has, or if its ``local`` is broken."""
    if "sim" not in system.drivers(backend):
        return "it has no local()"
    try:
        cast("QueueSystem", backend).local(Clock(), Random(0))
    except Unavailable as error:
        return str(error)
    except NotImplementedError as error:
        return f"local() is not written: {error}"
    except Exception:  # noqa: BLE001 (each test that needs it tells)
        return ""
    return ""
