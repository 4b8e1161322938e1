"""The old places of modules: they go on working for one release, with a DeprecationWarning.

Everything that an adapter, a plan, a scenario or a check is made of can be imported from
``jobquake`` and its public modules, which do not move. Remove this file after 0.2.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

MOVED = {
    "backends.clock": "protocol.clock",
    "backends.commands": "protocol.commands",
    "backends.operator": "protocol.operator",
    "backends.producer": "protocol.producer",
    "backends.repeat": "protocol.repeat",
    "backends.worker": "protocol.worker",
    "backends.servers": "servers",
    "backends.servers.keeper": "servers.lifeline",
    "backends.twins": "backends.reference.twins",
    "backends.reference.client": "backends.reference.broker.client",
    "backends.reference.twins.altered": "backends.reference.altered",
    "backends.reference.twins.in_hand": "backends.reference.in_hand",
    "backends.reference.doubt": "backends.reference.stores.ambiguous_writes",
    "backends.reference.identity": "backends.reference.stores.identity",
    "backends.reference.memory": "backends.reference.stores.memory",
    "backends.reference.postgres": "backends.reference.stores.postgres",
    "backends.reference.redis": "backends.reference.stores.redis",
    "backends.reference.redis_scripts": "backends.reference.stores.redis_scripts",
    "backends.reference.sqlite": "backends.reference.stores.sqlite",
    "backends.reference.store": "backends.reference.stores.store",
    "backends.reference.wire": "backends.reference.broker.wire",
    "cli_capacity": "cli.commands.capacity",
    "cli_explore": "cli.commands.explore",
    "cli_report": "cli.commands.report",
    "cli_soak": "cli.commands.soak",
    "cli_timeline": "cli.commands.timeline",
    "carry_out": "experiments",
    "fault": "errors",
    "harness.capacity": "capacity",
    "harness.checks.finding": "harness.finding",
    "harness.checks.retries": "harness.spec.retries",
    "harness.checks.sight": "harness.sight",
    "harness.contract.battery": "harness.contract.fault_plans",
    "harness.contract.protocol": "harness.contract.conversations",
    "harness.contract.upheavals": "harness.contract.crashes",
    "harness.drivers.standing": "harness.drivers.long_lived",
    "harness.drivers.standing_process": "harness.drivers.long_lived_process",
    "harness.drivers.standing_sim": "harness.drivers.long_lived_sim",
    "harness.duplicates": "harness.record.duplicates",
    "harness.events": "protocol.events",
    "harness.explore.trial": "harness.trial",
    "harness.facts": "harness.record.facts",
    "harness.guarantees": "harness.plan.guarantees",
    "harness.history": "harness.record.history",
    "harness.holds": "harness.assertions",
    "harness.ledger": "protocol.ledger",
    "harness.node_record": "harness.record.node_record",
    "harness.plan_json": "harness.plan.plan_json",
    "harness.sealed": "harness.plan.armor",
    "harness.soak_metrics": "harness.soak.metrics",
    "harness.story": "harness.record.story",
    "harness.toxiproxy": "proxy",
    "harness.validate": "harness.plan.validate",
    "interrupt": "cli.interrupt",
    "names": "lookup",
    "reports.evidence": "reports.symptoms",
    "reports.page": "reports.formats.html",
}


def new_place(module: str) -> str | None:
    """Where a module is now, both as full names; None if it never was elsewhere."""
    package, _, name = module.partition(".")
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        if moved := MOVED.get(".".join(parts[:length])):
            return ".".join([package, moved, *parts[length:]])
    return None


def _warn(old: str, new: str) -> None:
    warnings.warn(
        f"{old} has moved; use {new}, or the names of jobquake itself",
        DeprecationWarning,
        stacklevel=3,
    )


class _Forwarder:
    """Imports the module at its new place when it is asked for at its old one.

    It is a finder and a loader by its methods: to inherit them costs every import of jobquake
    8 ms, since ``importlib.abc`` loads tempfile and more.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith("jobquake.") or not (new := new_place(fullname)):
            return None
        _warn(fullname, new)
        loader: Any = self
        return ModuleSpec(fullname, loader, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        new = new_place(spec.name)
        assert new
        module = import_module(new)
        self._own = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._own  # the import has given it that of the old place


def forward() -> None:
    """Let imports of the old places find the new ones, also below a package that has moved."""
    sys.meta_path.insert(0, _Forwarder())


def names_of(module: str, *now_in: str) -> Callable[[str], Any]:
    """A ``__getattr__`` for a module whose names are in others now, as full names."""

    def getattr_(name: str) -> Any:
        # Python asks here before it looks for a module of that name in the package.
        if not name.startswith("_") and not _inside(module, name):
            for place in now_in:
                if name in vars(found := import_module(place)):
                    _warn(f"{module}.{name}", f"{place}.{name}")
                    return getattr(found, name)
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    return getattr_


def _inside(module: str, name: str) -> ModuleSpec | None:
    """The module of that name, if the module is a package that has one."""
    return find_spec(f"{module}.{name}") if hasattr(sys.modules[module], "__path__") else None


def renamed(module: str, **places: str) -> Callable[[str], Any]:
    """A ``__getattr__`` for a module whose names are now others: ``OLD="module:NEW"``."""

    def getattr_(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, new = places[name].partition(":")
        _warn(f"{module}.{name}", f"{place}.{new}")
        return getattr(import_module(place), new)

    return getattr_
