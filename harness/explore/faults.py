"""Every way in which a fault may be drawn, as the faults themselves tell, by name.

Simple ones first; the order is part of what a seed means, so new ones come last.
"""

from __future__ import annotations

from ..faults import FAULTS
from ..faults.fault import Drawer

KINDS: dict[str, Drawer] = {}
# After these no effect is repeated, and no worker is slowed down that has one to report.
HARMLESS: dict[str, Drawer] = {}
FOR_EVER: dict[str, Drawer] = {}
TAKE_DEPENDENCY_AWAY: set[str] = set()  # the names of those meanwhile something is down

for _fault in FAULTS.values():
    KINDS |= _fault.draws()
    HARMLESS |= _fault.harmless_draws()
    FOR_EVER |= _fault.for_ever_draws()
    if _fault.takes_dependency_away:
        TAKE_DEPENDENCY_AWAY |= _fault.draws().keys()


def drawer_of(name: str) -> Drawer:
    """The way of that name, of whichever sort it is."""
    return (KINDS | HARMLESS | FOR_EVER)[name]
