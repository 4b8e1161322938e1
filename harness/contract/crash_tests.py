"""The tests of the contract about a server that dies between two words (:mod:`.crashes`)."""

from __future__ import annotations

from . import crashes
from .bench import Bench
from .subject import Subject


class CrashTests(Subject):
    """See :class:`.suite.QueueContract`."""

    def test_a_crash_of_the_server_loses_nothing(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("durable")
        crashes.a_crash_of_the_server_loses_nothing(bench)

    def test_a_crash_as_a_delayed_job_falls_due_loses_nothing(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("durable", "delays")
        crashes.a_crash_as_a_delayed_job_falls_due_loses_nothing(bench)

    def test_a_crash_after_a_replay_loses_nothing(self, bench: Bench) -> None:
        self.claims("durable", "dead_letters")
        crashes.a_crash_after_a_replay_loses_nothing(bench)

    def test_a_crash_after_an_ack_forgets_no_key(self, bench: Bench) -> None:
        self.claims("durable", "skips_completed_keys")
        crashes.a_crash_after_an_ack_forgets_no_key(bench)

    def test_a_crash_after_an_ack_brings_nothing_back(self, bench: Bench) -> None:
        self.claims("durable", "durable_acks")
        crashes.a_crash_after_an_ack_brings_nothing_back(bench)

    def test_a_crash_as_a_lease_is_taken_back_holds_up_no_other(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("durable")
        crashes.a_crash_as_a_lease_is_taken_back_holds_up_no_other(bench)
