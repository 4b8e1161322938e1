"""Asks a run's properties their questions, now and then, by a driver's clock.

A driver calls :meth:`Poller.tick` in its loop, no later than ``next_at``, and :meth:`Poller.finish`
when the run is over. A property that is decided is asked no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...errors import JobquakeError, UsageError
from ..properties import Judgement, Property, Question, Sample, decided, judge, sample

EVERY_S = 0.5


class Poller:
    """``ask`` answers a question ``module:function``; ``clock`` gives the time in seconds."""

    def __init__(
        self,
        properties: Sequence[Property],
        ask: Callable[[str], Any],
        clock: Callable[[], float],
        every_s: float = EVERY_S,
    ) -> None:
        self._properties = tuple(properties)
        self._ask, self._clock, self._every_s = ask, clock, every_s
        self._samples: list[list[Sample]] = [[] for _ in properties]
        self._began = clock()
        self._next = 0.0

    @property
    def next_at(self) -> float:
        """When to ask again, by the clock; infinite if every property is decided."""
        return self._began + self._next

    def tick(self) -> None:
        """Ask if it is time. Raises UsageError about a question that there is not."""
        t = self._clock() - self._began
        if t >= self._next:
            self._sample(t)

    def finish(self) -> list[Judgement]:
        """Ask once more, and say what is proved. The run must not have been cut off."""
        self._sample(self._clock() - self._began)
        return self.judgements(ended=True)

    def judgements(self, ended: bool = False) -> list[Judgement]:
        """What is proved so far, one for each property."""
        return [
            judge(prop, samples, ended)
            for prop, samples in zip(self._properties, self._samples, strict=True)
        ]

    def _sample(self, t: float) -> None:
        answers: dict[Question, Any] = {}
        times = []
        for prop, samples in zip(self._properties, self._samples, strict=True):
            if not samples or not decided(prop, samples[-1]):
                samples.append(self._one(prop, t, answers))
            if not decided(prop, samples[-1]):
                times.append(t - t % self._every_s + self._every_s)
                if prop.within_s is not None and prop.within_s > t:
                    times.append(prop.within_s)
        self._next = min(times, default=float("inf"))

    def _one(self, prop: Property, t: float, answers: dict[Question, Any]) -> Sample:
        question = prop.question
        if question not in answers:
            try:
                answers[question] = self._ask(question) if isinstance(question, str) else question()
            except UsageError:
                raise
            except JobquakeError as error:
                answers[question] = _Failed(str(error))
            except Exception as error:  # noqa: BLE001 (whatever the team's own question raises)
                answers[question] = _Failed(f"it raised {type(error).__name__}: {error}")
        answer = answers[question]
        if isinstance(answer, _Failed):
            return Sample(t, None, None, answer.why)
        return sample(prop, t, answer)


class _Failed:
    def __init__(self, why: str) -> None:
        self.why = why
