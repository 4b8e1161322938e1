"""The tests of the contract about the edges of what may be said (:mod:`.edges`)."""

from __future__ import annotations

import pytest

from ...backends.adapter import Retaining
from ...protocol.commands import Job
from ..plan.senseless import JOBS, asks_for
from . import edges
from .bench import Bench, second_of
from .conversations import SAYS, SETTLING, Says
from .subject import Subject


class EdgeTests(Subject):
    """See :class:`.suite.QueueContract`."""

    @pytest.mark.parametrize("what", edges.LEGAL)
    def test_a_legal_job_is_accepted(self, bench: Bench, what: str) -> None:
        self._looks_at(edges.LEGAL[what])
        edges.a_legal_job_is_accepted(bench, what)

    @pytest.mark.parametrize("what", JOBS)
    def test_a_senseless_job_is_refused(self, bench: Bench, what: str) -> None:
        self._looks_at(JOBS[what])
        edges.a_senseless_job_is_refused(bench, what)

    def test_a_lease_without_length_is_refused(self, bench: Bench) -> None:
        self.claims_at_least_once()
        edges.a_lease_without_length_is_refused(bench)

    @pytest.mark.parametrize("how", SAYS)
    def test_a_word_about_a_strange_job_is_refused(self, bench: Bench, how: Says) -> None:
        self.claims("fencing")
        edges.a_word_about_a_strange_job_is_refused(bench, how)

    @pytest.mark.parametrize("how", SAYS)
    def test_a_word_of_nobody_is_refused(self, bench: Bench, how: Says) -> None:
        self.claims("fencing")
        edges.a_word_of_nobody_is_refused(bench, how)

    @pytest.mark.parametrize("how", SETTLING)
    def test_nobody_extends_what_is_settled(self, bench: Bench, how: Says) -> None:
        self.claims_at_least_once()
        self.claims("fencing", *(("retries",) if how == "nack" else ()))
        edges.nobody_extends_what_is_settled(bench, how)

    def test_every_attempt_is_kept_with_its_error(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("dead_letters", "retries")
        edges.every_attempt_is_kept_with_its_error(bench)

    def test_a_listing_is_in_order_and_no_longer_than_asked_for(self, bench: Bench) -> None:
        self.claims("dead_letters")
        edges.a_listing_is_in_order_and_no_longer_than_asked_for(bench)

    def test_each_dead_letter_is_listed_once_however_many_there_are(self, bench: Bench) -> None:
        self.claims("dead_letters")
        edges.each_dead_letter_is_listed_once_however_many_there_are(bench)

    def test_what_waits_is_counted(self, cheap_time: None, bench: Bench) -> None:
        edges.what_waits_is_counted(bench)

    def test_what_is_not_done_is_not_forgotten(self, virtual_time: None, bench: Bench) -> None:
        edges.what_is_not_done_is_not_forgotten(bench)

    def test_what_is_done_is_remembered_as_long_as_was_said(self, virtual_time: None) -> None:
        if not isinstance(self.backend, Retaining):
            pytest.skip(f"{self.backend.name} cannot be told for how long to remember")
        told = self.backend.retaining(edges.RETENTION_S * second_of(self.backend.claims))
        edges.what_is_done_is_remembered_as_long_as_was_said(Bench(told))

    def _looks_at(self, job: Job) -> None:
        """Skip the test if what is unusual in the job is nothing that the backend claims."""
        self.claims(*asks_for(job))
