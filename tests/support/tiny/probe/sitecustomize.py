"""First on a worker's PYTHONPATH: connects the tiny framework's hook to the probe."""

from __future__ import annotations

from jobquake.protocol.probe import Taken, probe_here

probe = probe_here()
taken: dict[str, Taken] = {}


def hear(step: str, identifier: str) -> None:
    if probe is None:
        return
    if step == "ready":
        probe.hooked()
    elif step == "took":
        taken[identifier] = probe.took(identifier)
    elif step != "raised":
        getattr(taken[identifier], step)()


if probe is not None:
    import tiny_framework

    tiny_framework.listeners.append(hear)
