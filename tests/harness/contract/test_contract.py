"""The contract suite as an author of an adapter meets it: it passes for every correct queue,
fails for every broken one in the test that names the mistake, and skips what is not claimed.

Suites are run by a pytest of their own, many classes at once.
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from jobquake.backends import registry as backends
from jobquake.backends.adapter import Claims
from jobquake.harness.contract.machine import QUICK, machine
from jobquake.harness.contract.mutants import MISTAKES, broken
from jobquake.harness.contract.suite import QueueContract
from jobquake.harness.plan.replay import decode
from support.servers_here import KINDS, address

pytest_plugins = ["pytester"]

HEAD = """
from jobquake.backends import registry
from jobquake.backends.adapter import Claims
from jobquake.contract import QueueContract
from jobquake.harness.contract.broken import broken
"""
FEW = "examples = 10"  # where the suite is only shown to pass; the slow run tries them all
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
@pytest.mark.parametrize("backend", ["reference", "reference-sqlite", *SERVED])
def test_a_correct_queue_passes_and_the_summary_says_how_long_it_took(
    pytester: pytest.Pytester, backend: str, more: list[str]
) -> None:
    if backend in SERVED:
        address(SERVED[backend])
    lines = lines_of(pytester, suite("correct", find(backend), *more))
    told = [line for line in lines if line.startswith(f"contract of {backend}:")]
    assert len(told) == 1, "\n".join(lines)
    # It claims everything: nothing is skipped but what wants real processes.
    assert re.search(r": \d+ passed, 4 skipped in [\d.]+ s$", told[0]), "\n".join(lines)


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


# What lies in the worker the machine cannot see: it brings none.
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


@pytest.mark.parametrize("mistake", SEEN_BY_THE_MACHINE)
def test_the_state_machine_finds_the_mistake_by_itself(mistake: str) -> None:
    adapter = broken(backends.find("reference"), mistake)
    unshrunk = settings(
        QUICK, max_examples=1000, phases=[Phase.generate], derandomize=True, database=None
    )
    with pytest.raises(AssertionError, match=r"^expected .*, found "):
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
    assert "modest does not claim fencing" in told
    assert "modest does not claim delays" in told
    assert "does not claim priorities" not in told


@pytest.mark.parametrize("claim", [c for c in Claims.__struct_fields__ if c != "caveat"])
def test_every_claim_decides_over_a_test(claim: str) -> None:
    source = Path(inspect.getfile(QueueContract)).read_text()
    asked = re.findall(r"claims\((.*)\)|claims\.(delivery)", source)
    assert any(f'"{claim}"' in names or other == claim for names, other in asked)


# -- what it says -------------------------------------------------------------------------


def test_a_failure_says_what_was_expected_what_was_found_and_how_to_see_it_again(
    pytester: pytest.Pytester,
) -> None:
    lines = lines_of(pytester, suite("lossy", find("twin-no-lease")), "-k", "die and first")
    told = [line[2:].strip() for line in lines if line.startswith("E  ")]
    first = "AssertionError: expected every guarantee to hold on twin-no-lease, found no_lost_work"
    assert told[0].startswith(first)
    replay = next(line.split("'")[1] for line in told if line.startswith("replay: "))
    assert decode(replay).plan.scenario == "contract kill after_lease"


def test_a_class_without_a_backend_is_told_what_to_write(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(HEAD + "class TestMine(QueueContract):\n    pass\n")
    done = pytester.runpytest_subprocess("-k", "delay_is_kept")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["expected an adapter as TestMine.backend, found none; write *"])


def test_an_unknown_mistake_is_refused_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="expected one of acks_dropped"):
        broken(backends.find("reference"), "no such mistake")
