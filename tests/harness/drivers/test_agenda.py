"""A fault that has to strike jobs in hand waits for one, where nobody knows how long jobs run."""

from __future__ import annotations

import pytest
from jobquake.harness.drivers.agenda import WITHIN_S, Agenda
from jobquake.harness.drivers.conductor import Holding
from jobquake.harness.faults.broker_crash import BrokerCrash
from jobquake.harness.plan.plan import Plan
from jobquake.protocol.events import Phase
from msgspec.structs import replace
from support.small_plan import SMALL

CRASH = BrokerCrash(1.0, 0.5)
PLAN = replace(SMALL, faults=(CRASH,), must_hit=(("broker crash", "running"),))


def holding(phase: Phase) -> list[Holding]:
    return [Holding(0, 1, 3, phase, phase != Phase.IDLE)]


def taken(agenda: Agenda, at_s: float, phase: Phase) -> str | None:
    due = agenda.take(at_s, lambda: holding(phase))
    return due.what if due else None


def test_it_begins_when_a_job_is_where_it_must_strike_and_lasts_as_long_as_planned() -> None:
    agenda = Agenda(PLAN, patient=True)
    assert taken(agenda, 0.9, Phase.RUNNING) is None
    assert taken(agenda, 1.0, Phase.LEASED) is None
    assert 1.0 < agenda.at_s < 1.2, "it looks again soon"
    assert taken(agenda, 3.0, Phase.RUNNING) == "begins"
    assert taken(agenda, 3.4, Phase.IDLE) is None
    assert taken(agenda, 3.5, Phase.IDLE) == "heals"
    assert not agenda


def test_nobody_waits_for_ever() -> None:
    agenda = Agenda(PLAN, patient=True)
    assert taken(agenda, 1.0 + WITHIN_S - 0.1, Phase.IDLE) is None
    assert taken(agenda, 1.0 + WITHIN_S + 0.1, Phase.IDLE) == "begins"


@pytest.mark.parametrize(("plan", "patient"), [(PLAN, False), (replace(PLAN, must_hit=()), True)])
def test_where_nothing_has_to_be_struck_it_begins_in_time(plan: Plan, patient: bool) -> None:
    assert taken(Agenda(plan, patient), 1.0, Phase.IDLE) == "begins"
