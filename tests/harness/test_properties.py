"""What samples prove of a property, and when a run's properties are asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jobquake
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobquake import always, eventually, never
from jobquake.effects.app import App, AppProcess, NoAnswer
from jobquake.errors import UsageError
from jobquake.harness.drivers.poller import Poller
from jobquake.harness.properties import Judgement, Property, Sample, decided, judge

ASK = "shop.ledger:ok"
KINDS: dict[str, Callable[..., Property]] = {
    "always": always,
    "eventually": eventually,
    "never": never,
}


def samples(answers: str, every_s: float = 1.0) -> list[Sample]:
    """``T``, ``F`` and ``-`` for nobody answered, a second apart."""
    true = {"T": True, "F": False, "-": None}
    return [
        Sample(number * every_s, true[letter], true[letter], "" if letter != "-" else "it was away")
        for number, letter in enumerate(answers)
    ]


@pytest.mark.parametrize(
    ("kind", "answers", "verdict", "decider"),
    [
        ("always", "TTT", "held", None),
        ("always", "T-T", "held", None),
        ("always", "TFT", "violated", 1),
        ("always", "TF-", "violated", 1),
        ("always", "TT-", "inconclusive", 2),
        ("always", "---", "inconclusive", 2),
        ("always", "", "inconclusive", None),
        ("never", "FFF", "held", None),
        ("never", "F-TF", "violated", 2),
        ("never", "F-", "inconclusive", 1),
        ("eventually", "FFT", "held", 2),
        ("eventually", "T--", "held", 0),
        ("eventually", "FFF", "violated", 2),
        ("eventually", "FF-", "inconclusive", 2),
        ("eventually", "", "inconclusive", None),
    ],
)
def test_what_samples_prove(kind: str, answers: str, verdict: str, decider: int | None) -> None:
    taken = samples(answers)
    told = judge(KINDS[kind](ASK), taken)
    assert told.verdict == verdict
    assert told.sample == (None if decider is None else taken[decider])
    assert (told.asked, told.answered) == (len(answers), len(answers.replace("-", "")))
    assert ASK in told.sentence


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        ("FT", "held"),
        ("FFT", "held"),
        ("FFF", "violated"),
        ("FF-F", "violated"),
        ("F--T", "inconclusive"),
        ("F--TF", "inconclusive"),
        ("FF", "inconclusive"),
        ("FF--", "inconclusive"),
    ],
)
def test_eventually_has_a_latest_time(answers: str, verdict: str) -> None:
    assert judge(eventually(ASK, within_s=2.0), samples(answers)).verdict == verdict


@pytest.mark.parametrize("kind", KINDS)
@given(answers=st.text("TF-", max_size=8))
def test_a_run_that_was_cut_off_proves_no_more_than_it_saw(kind: str, answers: str) -> None:
    prop = KINDS[kind](ASK)
    cut, whole = judge(prop, samples(answers), ended=False), judge(prop, samples(answers))
    seen = cut.verdict != "inconclusive"
    assert cut.verdict == (whole.verdict if seen else "inconclusive")
    assert seen == (whole.verdict == ("held" if kind == "eventually" else "violated"))


@pytest.mark.parametrize("kind", KINDS)
@given(answers=st.text("TF-", min_size=1, max_size=6), more=st.text("TF-", max_size=4))
def test_what_is_decided_stays_so(kind: str, answers: str, more: str) -> None:
    prop = KINDS[kind](ASK)
    if decided(prop, samples(answers)[-1]):
        told = [judge(prop, samples(answers + rest)).verdict for rest in ("", more)]
        assert told[0] == told[1] != "inconclusive"


def test_a_property_and_its_opposite_agree() -> None:
    for answers in ("TTT", "TFT", "T-", "FFF"):
        opposite = answers.translate(str.maketrans("TF", "FT"))
        told = judge(always(ASK), samples(answers)), judge(never(ASK), samples(opposite))
        assert told[0].verdict == told[1].verdict


def test_a_sentence_tells_the_sample_that_broke_it() -> None:
    taken = [Sample(0.0, True, 3), Sample(0.5, True, 2), Sample(1.0, False, -1)]
    told = judge(always(ASK, lambda balance: balance >= 0), taken)
    when = "shop.ledger:ok was false 1.00 s into the run (it answered -1)"
    assert told.sentence == f"{when}, after 2 in which it was true"


@pytest.mark.parametrize(
    "make",
    [
        lambda: always("shop.ledger"),
        lambda: always(""),
        lambda: never(3),  # type: ignore[arg-type]
        lambda: always(ASK, 3),  # type: ignore[arg-type]
        lambda: eventually(ASK, within_s=0),
    ],
)
def test_what_is_no_property_is_told_in_one_sentence(make: Callable[[], Property]) -> None:
    with pytest.raises(UsageError, match=r"^expected .*, found .*; "):
        make()


# -- asking -------------------------------------------------------------------------------


class Run:
    """A run whose clock is set by hand, and whose app answers as told."""

    def __init__(self, *properties: Property, every_s: float = 1.0) -> None:
        self.now = 100.0
        self.answer: Any = True
        self.asked: list[float] = []
        self.poller = Poller(properties, self._ask, lambda: self.now, every_s)

    def _ask(self, question: str) -> Any:
        assert question == ASK
        self.asked.append(self.now - 100.0)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def at(self, t: float, answer: Any = True) -> None:
        self.now, self.answer = 100.0 + t, answer
        self.poller.tick()

    def end(self, t: float, answer: Any = True) -> list[Judgement]:
        self.now, self.answer = 100.0 + t, answer
        return self.poller.finish()


def test_it_is_asked_when_it_is_time_and_at_the_end() -> None:
    run = Run(always(ASK))
    for t in (0.0, 0.375, 0.875, 1.125, 1.25, 2.0, 6.5, 6.875, 7.0):
        run.at(t)
    (told,) = run.end(7.25)
    assert run.asked == [0.0, 1.125, 2.0, 6.5, 7.0, 7.25]
    assert (told.verdict, told.asked) == ("held", 6)


def test_it_is_asked_when_eventually_has_come() -> None:
    run = Run(eventually(ASK, within_s=2.5))
    for t in (0.0, 1.0, 2.0):
        run.at(t, False)
    assert run.poller.next_at == 102.5
    run.at(2.5, False)
    assert run.poller.next_at == float("inf")
    (told,) = run.end(9.0, True)
    assert told.verdict == "violated" and told.sample and told.sample.t == 2.5


def test_properties_of_one_question_ask_it_once_and_decided_ones_no_more() -> None:
    run = Run(always(ASK), never(ASK), eventually(ASK, lambda answer: answer == 7))
    run.at(0.0, 7)
    assert len(run.asked) == 1
    run.at(1.0, 0)
    assert [told.verdict for told in run.end(2.0, 0)] == ["violated", "violated", "held"]
    assert run.asked == [0.0, 1.0]


def test_who_does_not_answer_proves_nothing_and_is_asked_again() -> None:
    run = Run(always(ASK))
    run.at(0.0, NoAnswer("the database is away"))
    assert run.poller.judgements()[0].verdict == "inconclusive"
    run.at(1.0, ZeroDivisionError("oops"))
    (told,) = run.end(2.0, True)
    assert (told.verdict, told.asked, told.answered) == ("held", 3, 1)
    (lost,) = Run(always(ASK)).end(0.0, NoAnswer("the database is away"))
    assert lost.verdict == "inconclusive" and "the database is away" in lost.sentence


def test_a_question_that_there_is_not_is_told_at_once() -> None:
    with pytest.raises(UsageError):
        Run(always(ASK)).at(0.0, UsageError("no such function"))


def test_a_condition_that_raises_proves_nothing() -> None:
    (told,) = Run(always(ASK, lambda answer: answer > 0)).end(0.0, "text")
    assert told.verdict == "inconclusive"
    assert "the condition raised TypeError" in told.sentence


def test_a_question_may_be_a_function_of_this_process() -> None:
    balances = iter([5, 3, -2])

    def balance() -> int:
        return next(balances)

    poller = Poller([always(balance, lambda b: b >= 0)], lambda question: None, lambda: 0.0)
    poller.tick()
    told = [poller.finish(), poller.finish()][-1][0]
    assert told.verdict == "violated" and "balance was false" in told.sentence


def test_the_app_is_asked_in_its_own_python(tmp_path: Path) -> None:
    (tmp_path / "ledger.py").write_text(
        "from pathlib import Path\ndef paid(): return len(Path('paid').read_text())\n"
    )
    (tmp_path / "paid").write_text("x")
    with AppProcess(App(tmp_path)) as process:
        poller = Poller(
            [
                eventually("ledger:paid", lambda paid: paid == 3),
                never("ledger:paid", lambda paid: paid > 3),
            ],
            process.ask,
            lambda: 0.0,
        )
        poller.tick()
        (tmp_path / "paid").write_text("xxx")
        assert [told.verdict for told in poller.finish()] == ["held", "held"]


def test_the_names_are_public() -> None:
    assert jobquake.always(ASK).kind == "always"
    assert isinstance(jobquake.eventually(ASK), jobquake.Property)
