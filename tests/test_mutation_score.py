"""benchmarks/mutation_score.py, on a few mutants: what it changes, who notices, what it tells."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Iterator
from functools import partial
from importlib import import_module
from pathlib import Path

import jobquake
import mutation_score
import pytest
from jobquake.harness.run import run
from jobquake.scenarios import registry as scenarios
from mutation import judges, second, trial
from mutation.judges import Effort, Judge, Seen
from mutation.mutants import Mutant, mutants_of
from mutation.page import OPEN, page, scores
from mutation.trial import Verdicts

ROOT = Path(jobquake.__file__).parent
CORE = ROOT / "backends" / "reference" / "core.py"
QUICK = Effort(("worker-kill-before-ack",), schedules=40, examples=2)
DONE_IS_DEAD = (
    "core.ack: _next(record, state='done', settled_token=token, ended_at=now) -> "
    "_next(record, state='dead', settled_token=token, ended_at=now)"
)
NOT_FENCED = "core._standing: token != record.token -> token == record.token"
KEPT = "core: ATTEMPTS_KEPT = 50 -> ATTEMPTS_KEPT = 51"


@pytest.fixture(autouse=True)
def _one_self() -> Iterator[None]:
    yield
    second.forget()


@pytest.fixture(scope="module")
def known() -> dict[str, Mutant]:
    return {mutant.name: mutant for mutant in mutants_of(CORE)}


# -- mutants ------------------------------------------------------------------------------


SAMPLE = '''
"""A docstring stays."""
from typing import Literal

Word = Literal["ready", "done"]

def due(at: float = 1.0, *rest: "int") -> bool:
    """This one, too."""
    told = f"expected {1} of 2"
    if not rest:
        return False
    late = at <= 3 and rest is not None
    return swap(at, late) + 1 if late else max(at, 2)
'''
WANTED = {
    "sample.due(at): 1.0 -> 2.0",
    "sample.due: return False -> return True",
    "sample.due: without if not rest:",
    "sample.due: not rest -> rest",
    "sample.due: late = at <= 3 and rest is not None -> late = at < 3 and rest is not None",
    "sample.due: late = at <= 3 and rest is not None -> late = at > 3 and rest is not None",
    "sample.due: late = at <= 3 and rest is not None -> late = at <= 4 and rest is not None",
    "sample.due: late = at <= 3 and rest is not None -> late = at <= 2 and rest is not None",
    "sample.due: late = at <= 3 and rest is not None -> late = at <= 3 or rest is not None",
    "sample.due: late = at <= 3 and rest is not None -> late = at <= 3 and rest is None",
}


def test_each_change_is_one_and_messages_types_and_docstrings_stay(tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text(SAMPLE)
    found = {mutant.name: mutant for mutant in mutants_of(file)}
    assert set(found) >= WANTED
    kinds = {mutant.kind for mutant in found.values()}
    assert {"swapped arguments", "swapped function", "arithmetic", "logic", "boundary"} <= kinds
    before = ast.dump(ast.parse(SAMPLE))
    texts = {mutant.source() for mutant in found.values()}
    assert len(texts) == len(found), "no two are the same"
    for text in texts:
        assert ast.dump(ast.parse(text)) != before
        assert '"A docstring stays."' in text and "expected {1} of 2" in text
        assert "Literal['ready', 'done']" in text


def test_a_name_outlives_edits_elsewhere_and_tells_twins_apart(tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text(SAMPLE)
    names = [mutant.name for mutant in mutants_of(file)]
    file.write_text("X = 1 < 2\n" + SAMPLE.replace("def due", "\n\ndef due"))
    assert [m.name for m in mutants_of(file) if m.name.startswith("sample.due")] == names
    file.write_text("def f(a):\n    return [a + 1, a + 1]\n")
    twice = [m.name for m in mutants_of(file) if m.kind == "arithmetic"]
    assert len(twice) == len(set(twice)) == 2


def test_every_file_is_there_and_its_mutants_have_names_of_their_own() -> None:
    names = [mutant.name for mutant, _ in mutation_score.all_mutants()]
    assert len(names) == len(set(names)) > 500


def test_every_reason_is_about_a_mutant_that_there_is() -> None:
    names = [mutant.name for mutant, _ in mutation_score.all_mutants()]
    why = mutation_score.reasons(names)
    assert why and why.keys() <= set(names) and all(why.values())
    with pytest.raises(KeyError, match="reasons for mutants that there are not"):
        mutation_score.reasons(names[:1])


# -- judges -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "judge", "what"),
    [
        (NOT_FENCED, "run", "caught"),
        (NOT_FENCED, "explore", "caught"),
        (KEPT, "run", "passed"),
        (KEPT, "explore", "passed"),
    ],
)
def test_a_judge_sees_what_it_can_see(
    known: dict[str, Mutant], name: str, judge: Judge, what: str
) -> None:
    mutant = known[name]
    assert trial.judged(CORE, mutant.source(), judge, QUICK).what == what


def test_the_contract_sees_it_too_and_the_package_beside_it_is_as_it_was(
    known: dict[str, Mutant],
) -> None:
    seen = trial.apart(
        partial(trial.judged, CORE, known[NOT_FENCED].source(), "contract", QUICK), 60.0
    )
    assert seen.what == "caught" and seen.why.startswith("test_")
    second.second_self(CORE, known[DONE_IS_DEAD].source())
    plan = scenarios.find("worker-kill-before-ack").plan(0)
    assert run(plan, jobquake.backend("reference"), "sim").result.verdict == "held"
    changed = import_module(f"{second.NAME}.backends.reference.core")
    assert changed is not import_module("jobquake.backends.reference.core")


@pytest.mark.parametrize("judge", ["run", "explore"])
def test_a_mutant_that_is_planted_is_seen_like_one_that_is_loaded(
    known: dict[str, Mutant], judge: Judge
) -> None:
    mutant = known[NOT_FENCED]
    assert mutant.within_function and not known[KEPT].within_function
    second.second_self(CORE, CORE.read_text())
    planted = trial.judged(CORE, mutant.source(), judge, QUICK, planted=True)
    assert planted == trial.judged(CORE, mutant.source(), judge, QUICK)
    assert planted.what == "caught"


def test_what_is_remembered_of_the_correct_queue_excuses_no_mutant(
    known: dict[str, Mutant], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judges, "MEMORY", judges.Memory())
    second.second_self(CORE, CORE.read_text())
    assert judges.explore(QUICK, learn=True).what == "passed"
    plain = trial.judged(CORE, CORE.read_text(), "explore", QUICK, planted=True)
    assert plain == Seen("passed")
    seen = trial.judged(CORE, known[NOT_FENCED].source(), "explore", QUICK, planted=True)
    assert seen.what == "caught"


def test_verdicts_are_kept_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "verdicts.jsonl"
    assert mutation_score.kept(file) == mutation_score.kept(None) == []
    for one in ALL:
        mutation_score.keep(file, one)
    assert mutation_score.kept(file) == ALL


def test_what_raises_at_once_is_told_as_a_crash() -> None:
    raising = CORE.read_text().replace("def admit(", "def admit_no_more(")
    assert trial.judged(CORE, raising, "run", QUICK).what == "crash"
    raising = CORE.read_text().replace("ready_at=now + job.delay_s)", "ready_at=now + job)")
    for judge in ("run", "explore"):
        assert trial.judged(CORE, raising, judge, QUICK).what == "crash"


def test_what_hangs_or_dies_is_told_as_a_crash() -> None:
    def hang() -> Seen:
        time.sleep(60)
        return Seen("passed")

    assert trial.apart(hang, 0.1) == Seen("crash", "it hung")
    assert trial.apart(sys.exit, 10.0) == Seen("crash", "its process died")
    assert trial.apart(lambda: Seen("doubted", "why"), 10.0) == Seen("doubted", "why")


# -- what it tells ------------------------------------------------------------------------


def verdicts(name: str, **seen: str) -> Verdicts:
    whole = {judge: Seen(seen.get(judge, "passed")) for judge in judges.JUDGES}  # type: ignore[arg-type]
    return Verdicts(name, "constant", "core.py", whole, 1.0)


ALL = [
    verdicts("a", run="caught"),
    verdicts("b", run="caught", contract="caught", explore="crash"),
    verdicts("c", contract="crash"),
    verdicts("d"),
    verdicts("e | f", explore="doubted"),
]


def test_the_score_counts_what_a_client_could_tell_and_no_crash() -> None:
    assert scores(ALL, {"d"}) == [
        ("run", 2, 3), ("explore", 0, 3), ("contract", 1, 3), ("together", 2, 3),
    ]  # fmt: skip


def test_the_page_lists_every_survivor_with_its_reason_or_as_open() -> None:
    text = page(ALL, 9, "python x", {"d": "nobody reads it"})
    assert "Of a sample of 5 of 9 small changes" in text
    assert "| run | 2 | 67 % | 1 |" in text and "| together | 2 | 67 % |  |" in text
    assert "| `d` | constant | nobody reads it |" in text
    assert f"| `e \\| f` | constant | {OPEN} (explore: nothing proved) |" in text
    assert "`a`" not in text and "`c`" not in text
