"""What a fault of one file can do, tried inside a copy of the package that has that file.

    python new_fault.py slow_link "slow link"

Each step fails by an assertion; nothing here but its tag and its label knows the fault.
"""

from __future__ import annotations

import random
import sys

import pytest
from hypothesis import Phase, find, settings
from jobquake import faults as public
from jobquake.backends import registry
from jobquake.harness.drivers.sim import simulate
from jobquake.harness.explore.draw import draw
from jobquake.harness.explore.fair import sketch_of
from jobquake.harness.explore.faults import KINDS
from jobquake.harness.explore.swarm import everything
from jobquake.harness.faults import FAULTS, FOR_EVER_S, Fault
from jobquake.harness.faults.changed import fields_of
from jobquake.harness.plan.guarantees import ALWAYS
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.plan.replay import decode, encode
from jobquake.harness.plan.validate import PlanError, validate
from jobquake.harness.record.facts import Facts
from jobquake.harness.record.story import tell
from jobquake.harness.result import judge
from jobquake.harness.shrink.shrink import shrink
from jobquake.reports.space_time import diagram
from jobquake.reports.symptoms import symptoms
from jobquake.strategies import faults, plans
from msgspec.structs import replace

REFERENCE = registry.find("reference")
DRAWN = settings(phases=[Phase.generate], max_examples=2000, database=None, derandomize=True)


def plan_with(fault: Fault, label: str) -> Plan:
    return Plan(
        scenario="new fault",
        variant="default",
        seed=0,
        queues=(Queue("orders"),),
        pools=(Pool("orders", ("orders",), 2),),
        jobs=tuple(PlannedJob(0.05 * number, 0, 0.3) for number in range(6)),
        faults=(fault,),
        guarantees=(*ALWAYS, "faults_hit"),
        must_hit=((label, "running"),),
    )


def main(tag: str, label: str) -> None:
    kind = FAULTS[tag]
    assert list(FAULTS)[-1] == tag and vars(public)[kind.__name__] is kind

    # Drawn by strategies, alone and in plans, and by exploration; a large one to be shrunk.
    find(faults(), lambda fault: isinstance(fault, kind), settings=DRAWN)
    find(plans(), lambda plan: any(isinstance(f, kind) for f in plan.faults), settings=DRAWN)
    explored = [draw(random.Random(seed), everything()) for seed in range(300)]
    assert any(isinstance(fault, kind) for plan in explored for fault in plan.faults)
    sketch = sketch_of(explored[0])
    assert isinstance(KINDS[tag.replace("_", " ")](random.Random(0), sketch), kind)

    # Planned, validated and replayed.
    fault = kind(1, 0.1, 1.25, 0.05)
    plan = plan_with(fault, label)
    validate(plan)
    assert decode(encode(plan, "reference", "sim")).plan == plan
    for name, _ in fields_of(kind):
        with pytest.raises(PlanError, match=rf"faults\[0\]\.{name}"):
            validate(replace(plan, faults=(replace(fault, **{name: -1}),)))

    # Carried out: its strike is in the bite matrix, in the story, and in the picture.
    history = simulate(plan, REFERENCE)
    facts = Facts(plan, REFERENCE.claims, history)
    result = judge(plan, REFERENCE, history, "sim")
    assert result.verdict == "held", result.sentence
    assert facts.bites[label, "running"] and facts.healed_at >= 1.35
    job = next(i for i in range(6) if any(label.split()[-1] in line for line in tell(facts, i)))
    assert kind.short in {mark.label for mark in diagram(facts, [job]).marks}
    assert "network" in symptoms(facts, job)

    # Shrunk, field by field, to what still strikes.
    def strikes(smaller: Plan) -> bool:
        return label in {cell for cell, phase in attempt(smaller) if phase != "nothing"}

    def attempt(smaller: Plan) -> dict[tuple[str, str], int]:
        return Facts(smaller, REFERENCE.claims, simulate(smaller, REFERENCE)).bites

    small = shrink(plan, "faults_hit", strikes)
    (left,) = small.plan.faults
    assert isinstance(left, kind) and len(small.plan.jobs) == 1 and strikes(small.plan)
    assert (left.worker, left.at_s) == (0, 0.0), left
    assert left.lasts_s < FOR_EVER_S and left.lasts_s in (1.0, 2.0), left


if __name__ == "__main__":
    main(*sys.argv[1:])
