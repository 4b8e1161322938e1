"""What a team says of its own app: that something is always, eventually or never true in a run.

A property asks a question of the app again and again while a run goes on; the answers are samples,
and :func:`judge` says what they prove. Between two samples nothing is known. A question that
nobody answered proves nothing, so a property whose last question had no answer does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from ..errors import UsageError
from .finding import Verdict
from .units import seconds

Kind = Literal["always", "eventually", "never"]
Question = str | Callable[[], Any]
LONGEST_SHOWN = 60


class Property(Struct, frozen=True):
    """See :func:`always`, :func:`eventually` and :func:`never`, which make one."""

    kind: Kind
    question: Question
    that: Callable[[Any], object] | None = None
    within_s: float | None = None

    @property
    def name(self) -> str:
        question = self.question
        return question if isinstance(question, str) else getattr(question, "__name__", "it")


class Sample(Struct, frozen=True):
    """One answer: ``t`` seconds into the run it was asked; ``true`` is None if nobody answered.

    ``answer`` is shown to people; ``failed`` says why there is none.
    """

    t: float
    true: bool | None
    answer: Any = None
    failed: str = ""


class Judgement(Struct, frozen=True):
    """What the samples prove of a property, in a sentence, and the sample that decided it."""

    property: Property
    verdict: Verdict
    sentence: str
    sample: Sample | None
    asked: int
    answered: int


def always(question: Question, that: Callable[[Any], object] | None = None) -> Property:
    """In every sample the answer to ``question`` is true, or what ``that`` says of it is.

    ``question`` is ``module:function`` of the app, asked in the app's own Python, or a function
    of this process, without arguments.
    """
    return _property("always", question, that)


def never(question: Question, that: Callable[[Any], object] | None = None) -> Property:
    """In no sample the answer to ``question`` is true, or what ``that`` says of it is.

    See :func:`always` for what a question is.
    """
    return _property("never", question, that)


def eventually(
    question: Question,
    that: Callable[[Any], object] | None = None,
    within_s: float | None = None,
) -> Property:
    """In some sample the answer is true, or what ``that`` says of it is, in time.

    ``within_s`` seconds count from the start of the run; without it, the end of the run is in time.
    See :func:`always` for what a question is.
    """
    if within_s is not None and not within_s > 0:
        raise UsageError(f"expected within_s above 0, found {within_s}; give it in seconds")
    return _property("eventually", question, that, within_s)


def judge(prop: Property, samples: Sequence[Sample], ended: bool = True) -> Judgement:
    """What the samples prove. ``ended``: the last one was taken when the run was over."""
    decide = _eventually if prop.kind == "eventually" else _throughout
    verdict, sentence, sample = decide(prop, samples, ended)
    answered = sum(sample.true is not None for sample in samples)
    return Judgement(prop, verdict, sentence, sample, len(samples), answered)


def decided(prop: Property, last: Sample) -> bool:
    """Whether no sample after this one can change the verdict."""
    if last.true is None:
        return False
    if prop.kind == "eventually":
        return last.true or (prop.within_s is not None and last.t >= prop.within_s)
    return last.true is (prop.kind == "never")


def sample(prop: Property, t: float, answer: Any) -> Sample:
    """The sample of this answer, which came at ``t``."""
    if prop.that is None:
        return Sample(t, bool(answer), answer)
    try:
        return Sample(t, bool(prop.that(answer)), answer)
    except Exception as error:  # noqa: BLE001 (whatever the team's own condition raises)
        return Sample(t, None, answer, f"the condition raised {type(error).__name__}: {error}")


Decision = tuple[Verdict, str, Sample | None]


def _throughout(prop: Property, samples: Sequence[Sample], ended: bool) -> Decision:
    """Of ``always`` and ``never``."""
    wanted = prop.kind == "always"
    for number, one in enumerate(samples):
        if one.true is (not wanted):
            before = f", after {number} in which it was {_word(wanted)}" if number else ""
            return "violated", f"{_told(prop, one)}{before}", one
    if undecided := _unanswered(prop, samples, ended):
        return "inconclusive", *undecided
    answered = sum(one.true is not None for one in samples)
    of = "all" if answered == len(samples) else f"the {answered} of"
    which = f"{len(samples)} samples{' that had an answer' if answered < len(samples) else ''}"
    return "held", f"{prop.name} was {_word(wanted)} in {of} {which}", None


def _eventually(prop: Property, samples: Sequence[Sample], ended: bool) -> Decision:
    within_s = float("inf") if prop.within_s is None else prop.within_s
    for one in samples:
        if one.true and one.t <= within_s:
            return "held", f"{prop.name} was true {seconds(one.t)} into the run", one
        if one.true:
            why = f"{prop.name} was true {seconds(one.t)} into the run, too late to tell whether it"
            return "inconclusive", f"{why} was so within {seconds(within_s)}", one
        if one.true is False and one.t >= within_s:
            return "violated", f"{_told(prop, one)}, expected within {seconds(within_s)}", one
    if undecided := _unanswered(prop, samples, ended):
        return "inconclusive", *undecided
    last = samples[-1]
    if prop.within_s is None:
        return "violated", f"{_told(prop, last)}, at its end, and true in no sample before", last
    why = f"the run ended after {seconds(last.t)}, before {prop.name} had to be true"
    return "inconclusive", why, last


def _unanswered(prop: Property, samples: Sequence[Sample], ended: bool) -> tuple[str, Any] | None:
    """Why the samples prove nothing, if they do not reach the end of the run."""
    if not samples:
        return f"{prop.name} was never asked", None
    if samples[-1].true is None:
        why = f"{prop.name} had no answer when it was asked last"
        return f"{why}: {samples[-1].failed}", samples[-1]
    if not ended:
        return f"the run was cut off before {prop.name} was asked at its end", samples[-1]
    return None


def _told(prop: Property, one: Sample) -> str:
    shown = repr(one.answer)
    shown = shown if len(shown) <= LONGEST_SHOWN else shown[: LONGEST_SHOWN - 3] + "..."
    answer = "" if isinstance(one.answer, bool) else f" (it answered {shown})"
    return f"{prop.name} was {_word(one.true is True)} {seconds(one.t)} into the run{answer}"


def _word(value: bool) -> str:
    return "true" if value else "false"


def _property(
    kind: Kind,
    question: Question,
    that: Callable[[Any], object] | None,
    within_s: float | None = None,
) -> Property:
    named = isinstance(question, str) and all(question.partition(":"))
    if not named and not (callable(question) and not isinstance(question, str)):
        raise UsageError(
            f"expected a question as 'module:function' or a function, found {question!r}; "
            f"write jobquake.{kind}('shop.ledger:is_balanced'), for example"
        )
    if that is not None and not callable(that):
        raise UsageError(f"expected a function as condition, found {that!r}; pass a function")
    return Property(kind, question, that, within_s)
