"""Whether a plan makes sense, before anything runs: one sentence about what does not.

The decoder holds the types of what it reads, and here of plans that somebody made by hand; then
come the numbers, and the references between parts. Whether
each guarantee has its check is asked where the plan is run (:func:`..checks.see_guarantees`).
A fault on a job or worker that the plan does not have is legal: it strikes nothing, and the
bite matrix says so.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from ...errors import UsageError
from ..faults.changed import fields_of
from .plan import Plan, Senseless
from .senseless import NAMES

MOST_NODES = 32_767  # what the history's node column holds
LONGEST_PAYLOAD = 8 * 1024 * 1024


class PlanError(UsageError, ValueError):
    """The plan makes no sense. The message says what was expected and what was found."""


class _Problem(NamedTuple):
    where: str
    expected: str
    found: object


def validate(plan: Plan) -> None:
    """Raise :class:`PlanError` about the first thing in the plan that makes no sense."""
    for check in (_types, _seconds, _counts, _faults, _references):
        for where, expected, found in check(plan):
            raise PlanError(
                f"expected {expected} as {where} of the plan, found {found!r}; "
                "mend what made the plan, or copy its replay string again"
            )


def _types(plan: Plan) -> Iterator[_Problem]:
    """The first value that is not of its field's type."""
    try:
        msgspec.convert(msgspec.to_builtins(plan), Plan)
    except msgspec.ValidationError as error:
        said, _, path = str(error).partition(" - at `$")
        where, found = _at(plan, [int(place) for place in re.findall(r"\[(\d+)\]", path)])
        kind = re.match(r"Expected `([^`]+)`", said)
        yield _Problem(where, f"a value of type {kind[1]}" if kind else "a legal value", found)


def _at(plan: Plan, path: list[int]) -> tuple[str, object]:
    """The name and the value of what lies there in the plan written as arrays."""
    where, found = "", object()
    value: object = plan
    for place in path:
        if isinstance(value, Struct):
            tagged = value.__struct_config__.tag is not None  # the tag comes first
            names = value.__struct_fields__
            if not 0 <= place - tagged < len(names):
                break
            where += f".{names[place - tagged]}"
            value = getattr(value, names[place - tagged])
        elif isinstance(value, Sequence) and not isinstance(value, str):
            where += f"[{place}]"
            value = value[place]
        found = value
    return where.strip("."), found


def _parts(plan: Plan) -> Iterator[tuple[str, str, object]]:
    """Every field in the plan: the part it is in, its name, its value. Without the faults."""
    return _fields(replace(plan, faults=()), "")


def _fields(value: object, where: str) -> Iterator[tuple[str, str, object]]:
    if isinstance(value, Struct):
        for name in value.__struct_fields__:
            field = getattr(value, name)
            yield where, name, field
            yield from _fields(field, f"{where}.{name}" if where else name)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _fields(item, f"{where}[{index}]")


def _seconds(plan: Plan) -> Iterator[_Problem]:
    """Whatever ends in ``_s`` is a time; some times must last."""
    must_last = {"lease_s", "call_timeout_s", "deadline_s", "timeout_s"}
    for where, name, value in _parts(plan):
        if not name.endswith("_s") or value is None:
            continue
        assert isinstance(value, int | float)
        if not isfinite(value) or value < 0 or (value == 0 and name in must_last):
            least = "above 0" if name in must_last else "of at least 0"
            yield _Problem(f"{where}.{name}".strip("."), f"a number of seconds {least}", value)


def _counts(plan: Plan) -> Iterator[_Problem]:
    least = {"producers": 1, "max_deliveries": 1, "workers": 0, "failures": 0}
    for where, name, value in _parts(plan):
        if name in least and isinstance(value, int) and value < least[name]:
            where = f"{where}.{name}".strip(".")
            yield _Problem(where, f"a number of at least {least[name]}", value)
    nodes = plan.clients + sum(pool.workers for pool in plan.pools)
    if nodes > MOST_NODES:
        yield _Problem("workers and producers", f"at most {MOST_NODES}", nodes)
    for index, job in enumerate(plan.jobs):
        if not 0 <= job.payload_bytes <= LONGEST_PAYLOAD:
            where = f"jobs[{index}].payload_bytes"
            yield _Problem(where, f"a number from 0 to {LONGEST_PAYLOAD}", job.payload_bytes)
    if not (isfinite(plan.retry.factor) and plan.retry.factor >= 1):
        yield _Problem("retry.factor", "a finite number of at least 1", plan.retry.factor)


def _faults(plan: Plan) -> Iterator[_Problem]:
    """What the kinds of their fields say is wrong."""
    for index, fault in enumerate(plan.faults):
        for name, kind in fields_of(type(fault)):
            value = getattr(fault, name)
            if expected := kind.wrong(value):
                yield _Problem(f"faults[{index}].{name}", expected, value)


def _references(plan: Plan) -> Iterator[_Problem]:
    ids = Counter(map(plan.job_id, range(len(plan.jobs))))
    for index, job in enumerate(plan.jobs):
        if ids[plan.job_id(index)] > 1:
            yield _Problem(f"jobs[{index}].name", "a name that no other job has", job.name)
    for index, action in enumerate(plan.actions):
        if isinstance(action, Senseless) and action.what not in NAMES:
            expected = "the name of a senseless command"
            yield _Problem(f"actions[{index}].what", expected, action.what)
    names = [queue.name for queue in plan.queues]
    if len(set(names)) < len(names):
        yield _Problem("queues", "names that differ", ", ".join(names))
    for index, job in enumerate(plan.jobs):
        if not 0 <= job.queue < len(names):
            yield _Problem(f"jobs[{index}].queue", f"a queue number below {len(names)}", job.queue)
        if not -1 <= job.same_work_as < index:
            where = f"jobs[{index}].same_work_as"
            yield _Problem(where, "the index of an earlier job, or -1", job.same_work_as)
    for pool in plan.pools:
        for queue in pool.queues:
            if queue not in names:
                yield _Problem(f"queue of pool {pool.name!r}", f"one of {names}", queue)
