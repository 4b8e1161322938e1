"""The words that people give: finds what is meant, or says which name comes nearest."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from .backends.adapter import Adapter
    from .harness.plan.plan import Plan
    from .harness.run import Driver
    from .scenarios.scenario import Scenario


class UnknownName(UsageError):
    """Nothing has that name. The message says what was expected, what found, what to do."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        near = get_close_matches(str(name), list(known), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
        super().__init__(f"expected the name of a {kind}, found {name!r}; {hint}")


class WrongDriver(UsageError):
    """The scenario cannot be run with that driver. The message says with which it can."""

    def __init__(self, scenario: Scenario, found: object) -> None:
        super().__init__(
            f"expected the driver {scenario.driver!r}, the only one that can run "
            f"{scenario.name}, found {found!r}; leave the driver out, or run another scenario"
        )


def backend(name: str) -> Adapter:
    """The backend of that name. Raises :class:`UnknownName`."""
    from .backends import registry

    try:
        return registry.find(name)
    except KeyError:
        raise UnknownName("backend", name, registry.names()) from None


def scenario(name: str) -> Scenario:
    """The scenario of that name. Raises :class:`UnknownName`."""
    from .scenarios import registry

    try:
        return registry.find(name)
    except KeyError:
        raise UnknownName("scenario", name, registry.names()) from None


def variant(scenario: Scenario, name: str) -> str:
    """That name, if the scenario has such a variant. Raises :class:`UnknownName`."""
    if name not in scenario.variants:
        raise UnknownName(f"variant of {scenario.name}", name, scenario.variants)
    return name


def driver(name: str) -> Driver:
    """That name, if it is a driver's. Raises :class:`UnknownName`."""
    from .harness.run import DRIVERS

    for known in DRIVERS:
        if known == name:
            return known
    raise UnknownName("driver", name, DRIVERS)


def driver_of(scenario: Scenario, wanted: Driver | None, otherwise: Driver) -> Driver:
    """The driver to run the scenario with: the one wanted, or the only one that can.

    ``otherwise`` if neither says which. Raises :class:`WrongDriver` if they disagree.
    """
    if scenario.driver and wanted not in (None, scenario.driver):
        raise WrongDriver(scenario, wanted)
    return scenario.driver or wanted or otherwise


def guarantees(plan: Plan) -> None:
    """See that every guarantee of the plan has its check. Raises :class:`UnknownName`."""
    from .harness.checks import CHECKS

    for name in plan.guarantees:
        if name not in CHECKS:
            raise UnknownName("guarantee", name, CHECKS)
