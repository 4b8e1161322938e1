"""A failure, told in the fewest words: the shrunk plan, its proof, its curve, a test of it.

Plain data that can be kept and read again, and the way from a finding to it.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from ...backends.adapter import Adapter
from ..checks import CHECKS
from ..drivers.sim import simulate
from ..plan.plan import Plan
from ..plan.replay import decode
from ..plan.within import within
from ..record.facts import Facts
from ..result import Result, environment, judge
from ..run import Run, run
from .likelihood import Curve, curve
from .reproduce import test_source
from .reproduction import Reproduction
from .shrink import Shrunk, breaks, shrink

FORMAT = 1
USUAL = ("no_lost_work", "no_duplicated_effects", "leases_exclusive", "progress_after_heal")


class Failure(Struct, frozen=True):
    """``found`` says where it was found and ``found_as`` replays that; ``replay`` is shrunk.

    ``driver`` is where it shows. ``test`` is the source of a pytest test. ``reproduction``
    tells how often it shows on real processes, if that was tried.
    """

    format: int
    backend: str
    guarantee: str
    title: str
    sentence: str
    story: tuple[str, ...]
    replay: str
    found_as: str
    found: str
    driver: str
    certificate: str
    minimal: bool
    test: str
    environment: dict[str, str]
    curve: Curve | None = None
    reproduction: Reproduction | None = None


def judged_plan(plan: Plan, guarantee: str, facts: Facts) -> Plan:
    """The plan with the broken guarantee first, and those that its run can say something of."""
    others = [
        name
        for name in USUAL
        if name != guarantee and CHECKS[name].answer(facts).verdict in ("held", "violated")
    ]
    return replace(plan, guarantees=(guarantee, *others))


def told(
    shrunk: Shrunk, adapter: Adapter, found: str, found_as: str, oracle: Adapter | None = None
) -> tuple[Failure, Run]:
    """The failure of a plan that was shrunk in virtual time, and the run that shows it."""
    fails = breaks(shrunk.guarantee, adapter, oracle)
    plan = within(shrunk.plan, adapter.claims)
    history = simulate(plan, adapter)
    facts = Facts(plan, adapter.claims, history)
    plan = judged_plan(plan, shrunk.guarantee, facts)
    result = judge(plan, adapter, history, "sim", about=shrunk.guarantee)
    failure = _failure(shrunk, result, found, found_as, curve(facts, fails))
    return failure, Run(result, plan, adapter.claims, history)


def told_of_processes(
    shrunk: Shrunk, adapter: Adapter, found: str, found_as: str, tries: int
) -> tuple[Failure, Run]:
    """The failure of a plan that was shrunk on real processes, and one of up to ``tries`` runs."""
    plan = replace(
        shrunk.plan,
        guarantees=(shrunk.guarantee, *(g for g in USUAL if g != shrunk.guarantee)),
    )
    for _ in range(tries):
        last = run(plan, adapter, "process")
        about = judge(plan, adapter, last.history, "process", about=shrunk.guarantee)
        last = last._replace(result=replace(about, environment=last.result.environment))
        if about.checks[0].verdict == "violated":
            break
    return _failure(shrunk, last.result, found, found_as, None), last


def _failure(
    shrunk: Shrunk, result: Result, found: str, found_as: str, likelihood: Curve | None
) -> Failure:
    title = CHECKS[shrunk.guarantee].title
    return Failure(
        format=FORMAT,
        backend=result.backend,
        guarantee=shrunk.guarantee,
        title=title,
        sentence=result.sentence,
        story=result.story,
        replay=result.replay,
        found_as=found_as,
        found=found,
        driver=result.driver,
        certificate=shrunk.certificate,
        minimal=shrunk.minimal,
        test=test_source(
            result.sentence, shrunk.guarantee, title, result.replay, result.backend, result.driver
        ),
        environment=environment(),
        curve=likelihood,
    )


def shrunk_in_sim(
    replay: str,
    guarantee: str,
    adapter: Adapter,
    found: str,
    oracle: Adapter | None = None,
) -> tuple[Failure, Run]:
    """Shrink the plan of a replay string that breaks the guarantee in virtual time.

    Raises ValueError if it does not.
    """
    fails = breaks(guarantee, adapter, oracle)
    shrunk = shrink(decode(replay).plan, guarantee, fails)
    return told(shrunk, adapter, found, replay, oracle)
