"""The contract suite as an author of an adapter meets it: it passes for every correct queue,
fails for every broken one in the test that names the mistake, and skips what is not claimed.

Suites are run by a pytest of their own, many classes at once.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from jobquake.backends import registry as backends
from jobquake.backends.adapter import Retaining
from jobquake.backends.claims import Claim, Claims, unclaimed
from jobquake.harness.contract import conversations, edges
from jobquake.harness.contract.bench import Bench
from jobquake.harness.contract.broken_adapter import broken
from jobquake.harness.contract.machine import QUICK, machine
from jobquake.harness.contract.mutants import MISTAKES
from jobquake.harness.contract.suite import QueueContract
from jobquake.harness.contract.words import shown, spoken
from jobquake.harness.plan.replay import decode
from jobquake.protocol.commands import (
    Command,
    Delivery,
    Enqueue,
    Extend,
    Inspect,
    Job,
    ListDead,
    Measure,
    Nack,
    Release,
    Replay,
)
from support.servers_here import KINDS, address

pytest_plugins = ["pytester"]

HEAD = """
from jobquake.backends import registry
from jobquake.backends.adapter import Claims, Retaining
from jobquake.contract import QueueContract
from jobquake.harness.contract.broken_adapter import broken
"""
FEW = "examples = 10"  # where the suite is only shown to pass; the slow run tries them all
FIRST_LINE = r"^job '.+', \w+(\(.*\))? at \S+ s: expected .+, found "
# In another store the conversations about one command each are slow.
OF_ALL_COMMANDS = "like_the_model or whatever_strikes"
REDIS = "reference-redis"
SERVED = {f"reference-{kind}": kind for kind in KINDS}
TWINS = {
    name: getattr(backends.find(name), "contract_test", "")
    for name in backends.names()
    if name.startswith("twin-")
}


def suite(name: str, backend: str, *more: str) -> str:
    """A test class of that name for the backend that the expression makes."""
    lines = [f"class Test_{name}(QueueContract):", f"backend = {backend}", *more]
    return "\n    ".join(lines) + "\n"


def find(backend: str) -> str:
    return f"registry.find({backend!r})"


def lines_of(pytester: pytest.Pytester, suites: str, *options: str) -> list[str]:
    """The lines that pytest printed about these classes."""
    pytester.makepyfile(HEAD + suites)
    done = pytester.runpytest_subprocess("-rf", "-p", "no:cacheprovider", *options)
    return done.outlines


def failing(
    pytester: pytest.Pytester, queues: dict[str, str], named: dict[str, str]
) -> dict[str, str]:
    """Which of these queues fail the one test that is named for them; no other test is run."""
    classes = {name: name.replace("-", "_") for name in queues}
    pytester.makepyfile(
        suites=HEAD + "".join(suite(classes[name], queue) for name, queue in queues.items())
    )
    asked = [f"suites.py::Test_{classes[name]}::{test}" for name, test in named.items()]
    done = pytester.runpytest_subprocess("-rf", "--tb=no", "-p", "no:cacheprovider", *asked)
    assert not done.parseoutcomes().keys() & {"error", "errors", "skipped"}, done.outlines
    found = failed(done.outlines)
    return {name: test for name, test in named.items() if test in found.get(classes[name], ())}


def failed(lines: list[str]) -> dict[str, set[str]]:
    """Per class the tests that failed, without their parameters."""
    found: dict[str, set[str]] = {}
    for line in lines:
        if told := re.match(r"FAILED \S+::Test_(\w+)::(\w+)", line):
            found.setdefault(told[1], set()).add(told[2])
    return found


# -- correct queues -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [pytest.param([FEW], id="few"), pytest.param([], id="all", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "backend",
    [
        "reference",
        "reference-postgres",
        *(pytest.param(store, marks=pytest.mark.slow) for store in ("reference-sqlite", REDIS)),
    ],
)
def test_a_correct_queue_passes_and_the_summary_says_how_long_it_took(
    pytester: pytest.Pytester, backend: str, more: list[str]
) -> None:
    few_commands = backend != "reference" and more == [FEW]
    if backend in SERVED:
        address(SERVED[backend])
    options = ("-k", OF_ALL_COMMANDS) if few_commands else ()
    lines = lines_of(pytester, suite("correct", find(backend), *more), *options)
    told = [line for line in lines if line.startswith(f"contract of {backend}:")]
    assert len(told) == 1, "\n".join(lines)
    # It claims everything: nothing is skipped but what wants real processes.
    count = r"2 passed" if few_commands else r"\d+ passed, 8 skipped"
    assert re.search(rf": {count} in [\d.]+ s$", told[0]), "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["reference", "reference-sqlite"])
def test_a_correct_queue_passes_on_real_processes(pytester: pytest.Pytester, backend: str) -> None:
    body = suite("correct", find(backend), "drivers = ('sim', 'process')")
    lines = lines_of(pytester, body, "-k", "it_holds_on_real")
    expected = {"reference": "4 passed", "reference-sqlite": "2 passed, 2 skipped"}[backend]
    assert any(expected in line and line.startswith("contract") for line in lines), lines


# -- broken ones --------------------------------------------------------------------------


def test_every_mistake_made_from_outside_fails_the_test_that_names_it(
    pytester: pytest.Pytester,
) -> None:
    queues = {name: f"broken({find('reference')}, {name!r})" for name in MISTAKES}
    named = {name: mistake.caught_by for name, mistake in MISTAKES.items()}
    assert failing(pytester, queues, named) == named


def test_every_twin_fails_the_test_that_names_its_mistake(pytester: pytest.Pytester) -> None:
    assert not [name for name, test in TWINS.items() if not test], "a twin without contract_test"
    assert failing(pytester, {name: find(name) for name in TWINS}, TWINS) == TWINS


@pytest.mark.parametrize("remembers_s", [0.5, 1e9], ids=["too short", "for ever"])
def test_a_queue_that_remembers_too_short_or_for_ever_is_found(remembers_s: float) -> None:
    reference = backends.find("reference")
    assert isinstance(reference, Retaining)
    edges.what_is_done_is_remembered_as_long_as_was_said(
        Bench(reference.retaining(edges.RETENTION_S))
    )
    with pytest.raises(AssertionError, match=r"remembered|forgotten"):
        edges.what_is_done_is_remembered_as_long_as_was_said(
            Bench(reference.retaining(remembers_s))
        )


# What lies in the worker the machine cannot see: it brings none.
RARE = ("keys_ignored", "backoff_ignored", "replays_dropped")  # it takes many conversations
SEEN_BY_THE_MACHINE = [
    "acks_dropped",
    "extensions_dropped",
    "stale_words_accepted",
    "leased_jobs_handed_out_again",
    "replays_dropped",
    "repeats_unknown",
    "queues_mixed_up",
    "delays_ignored",
    "limits_ignored",
    "keys_ignored",
    "backoff_ignored",
]


@pytest.mark.parametrize(
    "mistake",
    [pytest.param(m, marks=[pytest.mark.slow] * (m in RARE)) for m in SEEN_BY_THE_MACHINE],
)
def test_the_state_machine_finds_the_mistake_by_itself(mistake: str) -> None:
    adapter = broken(backends.find("reference"), mistake)
    unshrunk = settings(
        QUICK, max_examples=1000, phases=[Phase.generate], derandomize=True, database=None
    )
    with pytest.raises(AssertionError, match=FIRST_LINE):
        run_state_machine_as_test(machine(adapter), settings=unshrunk)


# -- what is not claimed --------------------------------------------------------------------


def test_what_is_not_claimed_is_skipped_by_name(pytester: pytest.Pytester) -> None:
    more = "claims = Claims(fencing=False, delays=False)"
    body = (
        "from dataclasses import replace\n"
        f"modest = replace({find('reference')}, name='modest', {more})\n"
        + suite("modest", "modest", FEW)
    )
    lines = lines_of(pytester, body, "-rs", "-k", "not whatever")
    assert not failed(lines)
    told = "\n".join(lines)
    assert "not judged: fencing is not claimed" in told
    assert "not judged: delays are not claimed" in told
    assert "priorities are not claimed" not in told


@pytest.mark.parametrize("claim", get_args(Claim))
def test_every_claim_decides_over_a_test(claim: str) -> None:
    files = [inspect.getfile(part) for part in QueueContract.__mro__[:-1]]
    source = "".join(Path(file).read_text() for file in files)
    asked = re.findall(r"claims\((.*)\)", source)
    assert any(f'"{claim}"' in names for names in asked)


def test_every_claim_that_is_made_or_not_has_its_words() -> None:
    no_promises = {"caveat", "timer_s", "restart_s", "max_payload_bytes", "retention_s"}
    assert set(get_args(Claim)) == set(Claims.__struct_fields__) - no_promises
    for claim in get_args(Claim):
        less = msgspec.structs.replace(
            Claims(), **{claim: "at-most-once" if claim == "delivery" else False}
        )
        assert unclaimed(less, (claim,)).endswith("not claimed")
        assert not unclaimed(Claims(), (claim,))


# -- what it says -------------------------------------------------------------------------


def test_a_failure_says_what_was_expected_what_was_found_and_how_to_see_it_again(
    pytester: pytest.Pytester,
) -> None:
    lines = lines_of(pytester, suite("lossy", find("twin-no-lease")), "-k", "die and first")
    told = [line[2:].strip() for line in lines if line.startswith("E  ")]
    first = "AssertionError: contract kill after_lease: expected every guarantee to hold on "
    first += "twin-no-lease, found no_lost_work violated: job 0 "
    assert told[0].startswith(first)
    replay = next(line.split("'")[1] for line in told if line.startswith("replay: "))
    assert decode(replay).plan.scenario == "contract kill after_lease"


@pytest.mark.parametrize(
    ("mistake", "practice", "line"),
    [
        (
            "acks_dropped",
            conversations.a_completed_job_is_over,
            (
                "job 'a', Lease(w1 for 10 s from default) at 110.5 s: expected a job that was "
                "acked never to be handed out again, found job 'a' handed out under token 2 as "
                "delivery 2 for 10 s"
            ),
        ),
        (
            "repeats_unknown",
            conversations.enqueue_may_be_repeated,
            (
                "job 'a', Enqueue at 0 s: expected created=False in answer to the enqueue, found "
                "created=True"
            ),
        ),
        (
            "delays_ignored",
            conversations.a_delay_is_kept,
            (
                "job 'a', Lease(w1 for 10 s from default) at 5.4 s: expected a job with a delay of "
                "5.9 s to wait for it, found it handed out after 5.4 s"
            ),
        ),
        (
            "stale_words_accepted",
            lambda bench: conversations.the_word_of_a_zombie_is_refused(bench, "ack", False),
            (
                "job 'a', Ack(token 1) at 10.5 s: expected the ack of a holder whose lease has "
                "ended to be refused, found it accepted"
            ),
        ),
        (
            "limits_ignored",
            conversations.a_full_queue_refuses_and_keeps_what_it_has,
            (
                "job 'c', Enqueue(max_waiting=2) at 0 s: expected a third job to be refused where "
                "2 may wait, found Enqueued(created=True)"
            ),
        ),
    ],
)
def test_the_first_line_of_a_failure_names_job_command_expected_and_found(
    mistake: str, practice: Callable[[Bench], None], line: str
) -> None:
    with pytest.raises(AssertionError) as failed:
        practice(Bench(broken(backends.find("reference"), mistake)))
    assert str(failed.value) == line and re.match(FIRST_LINE, line)


SAID = [
    (Nack("a", 3, "it broke", permanent=True), "Nack(token 3, permanent)"),
    (Extend("a", 3, 2.5), "Extend(token 3 by 2.5 s)"),
    (Release("a", 3), "Release(token 3)"),
    (ListDead("mail", "broke"), "ListDead(queue 'mail', reason 'broke')"),
    (Replay(("a", "b")), "Replay('a', 'b')"),
    (Inspect("a"), "Inspect"),
    (Measure(), "Measure"),
]


@pytest.mark.parametrize(("command", "told"), SAID, ids=[told for _, told in SAID])
def test_every_command_is_told_in_a_few_words(command: Command, told: str) -> None:
    assert spoken(command) == told


def test_a_long_name_and_a_long_payload_leave_the_first_line_short() -> None:
    job = Job("x" * 1000, payload=b"y" * 70_000)
    assert spoken(Enqueue(job)) == (
        "Enqueue(payload=b'yyyyyyyyyyyyyyyyyyyy'...b'yyyyyyyyyy' (70,000 long))"
    )
    assert len(shown(Delivery(job, 1, 1, 10.0))) < 120


def test_an_adapter_that_raises_fails_the_contract_in_one_line_without_a_traceback(
    pytester: pytest.Pytester,
) -> None:
    body = """
from dataclasses import replace
def none(store): raise LookupError("no table")
reference = registry.find("reference")
lacking = replace(reference, name="lacking", decisions=reference.decisions._replace(stored=none))
"""
    asked = "delay_is_kept or die_at_any_point or behaves_like or whatever_strikes"
    lines = lines_of(pytester, body + suite("lacking", "lacking", FEW), "-k", asked)
    told = (
        "expected the backend lacking to answer every call, found that local() raised LookupError"
    )
    assert len([line for line in lines if line.startswith(f"{told}: no table; see ")]) == 13
    assert not [line for line in lines if "Traceback" in line or line.startswith("E  ")]


def test_a_class_without_a_backend_is_told_what_to_write(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(HEAD + "class TestMine(QueueContract):\n    pass\n")
    done = pytester.runpytest_subprocess("-k", "delay_is_kept")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["expected an adapter as TestMine.backend, found none; write *"])


def test_an_unknown_mistake_is_refused_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="expected one of acks_dropped"):
        broken(backends.find("reference"), "no such mistake")
