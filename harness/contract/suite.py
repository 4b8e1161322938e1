"""``QueueContract``: all contract tests as one class, for the author of an adapter.

    class TestMyQueue(QueueContract):
        backend = MyQueue()

What the adapter does not claim is skipped, and the skip names the claim; what it claims is
tested. Three kinds of tests: short conversations with the queue (:mod:`.conversations`, and
:mod:`.crashes` where its server dies or a clock jumps), a state machine beside a model
(:mod:`.machine`), and plans with faults, carried out by the adapter's own worker in virtual time
(:mod:`.fault_plans`). No test knows how a queue works inside.

A queue that has no virtual time (no ``local``) is tested over its connection in real time
(:mod:`.real_time`, :mod:`.connections`), and its plans on real processes if ``drivers`` names them;
what needs virtual time is skipped with that reason.
"""

from __future__ import annotations

from typing import cast, get_args

import pytest
from hypothesis import given
from hypothesis.stateful import run_state_machine_as_test

from ...backends.adapter import QueueSystem
from ...protocol.commands import Jitter
from ...protocol.worker import POINTS, Point
from ..assertions import assert_holds
from ..faults.fields import Call, NetEffect
from ..plan.plan import Plan
from ..strategies import faults, plans
from . import comings_back, connections, conversations, crashes, fault_plans, odd_jobs
from .bench import Bench
from .conversations import SAYS, SETTLING, Says
from .crash_tests import CrashTests
from .crashes import Whose
from .edge_tests import EdgeTests
from .machine import machine
from .subject import PROPERTY

CALLS: tuple[Call, ...] = get_args(Call)
EFFECTS: tuple[NetEffect, ...] = get_args(NetEffect)
OVER_A_NETWORK = ("reply lost", "crash")
ON_PROCESSES = {
    "kill": fault_plans.kill("after_effect", 1),
    "reply lost": fault_plans.struck_call("ack", "lose_reply"),
    "zombie": fault_plans.zombie("mid_job"),
    "crash": fault_plans.crash(),
}
first_and_last = pytest.mark.parametrize(
    "deliveries", [1, fault_plans.MAX_DELIVERIES], ids=["first", "last"]
)


class QueueContract(CrashTests, EdgeTests):
    """Subclass it, name the subclass ``Test...``, and set ``backend``.

    ``drivers``: with ``"process"`` among them a few plans are run on real processes, too;
    the adapter must have a server or a shared file, and be found by its name. ``examples``
    is how many programs and plans Hypothesis tries, unless a jobquake profile is in force.

    Where the backend has no virtual time, a second of a conversation lasts ``second_s`` real
    seconds; whole plans run on real processes, if ``drivers`` names them. Make ``second_s`` longer
    for a queue whose timers are coarse: at 1.0 a lease of 10 s is a lease of 10 s.
    """

    # -- conversations ------------------------------------------------------------------

    def test_nothing_is_forgotten(self, bench: Bench) -> None:
        conversations.nothing_is_forgotten(bench)

    def test_an_enqueue_may_be_repeated(self, bench: Bench) -> None:
        self.claims("idempotent_enqueue")
        conversations.enqueue_may_be_repeated(bench)

    def test_a_completed_job_is_over(self, bench: Bench) -> None:
        conversations.a_completed_job_is_over(bench)

    def test_every_legal_job_is_accepted(self, bench: Bench) -> None:
        conversations.every_legal_job_is_accepted(bench)

    def test_an_ack_ends_no_other_job(self, bench: Bench) -> None:
        self.claims_at_least_once()
        conversations.an_ack_ends_no_other_job(bench)

    def test_a_lease_is_exclusive_until_it_ends(self, bench: Bench) -> None:
        self.claims_at_least_once()
        conversations.a_lease_is_exclusive_until_it_ends(bench)

    def test_an_extended_lease_lasts_longer(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("extends")
        conversations.an_extended_lease_lasts_longer(bench)

    def test_no_extension_outlasts_the_timeout(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("timeouts", "extends")
        conversations.no_extension_outlasts_the_timeout(bench)

    def test_a_lease_that_ran_out_waits_for_its_backoff(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("backoff_after_expiry", "retries")
        conversations.a_lease_that_ran_out_waits_for_its_backoff(bench)

    def test_jobs_of_a_queue_come_in_their_order(self, bench: Bench) -> None:
        self.claims("ordered")
        conversations.jobs_of_a_queue_come_in_their_order(bench)

    @pytest.mark.parametrize("taken", [False, True], ids=["waiting", "taken by another"])
    @pytest.mark.parametrize("how", SAYS)
    def test_the_word_of_a_zombie_is_refused(self, bench: Bench, how: Says, taken: bool) -> None:
        self.claims_at_least_once()
        self.claims("fencing")
        conversations.the_word_of_a_zombie_is_refused(bench, how, taken)

    @pytest.mark.parametrize("how", SETTLING)
    def test_a_word_may_be_repeated(self, bench: Bench, how: Says) -> None:
        self.claims_at_least_once()
        self.claims("idempotent_settle", *(("retries",) if how == "nack" else ()))
        conversations.a_word_may_be_repeated(bench, how)

    def test_a_job_handed_back_is_ready_at_once_and_not_a_failure(self, bench: Bench) -> None:
        self.claims_at_least_once()
        conversations.a_job_handed_back_is_ready_at_once_and_not_a_failure(bench)

    def test_a_hand_back_forgets_no_delivery_before_it(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("bounded_deliveries", "own_bounds")
        odd_jobs.a_hand_back_forgets_no_delivery_before_it(bench)

    def test_jobs_with_ids_that_look_alike_are_different_jobs(self, bench: Bench) -> None:
        self.claims("idempotent_enqueue")
        odd_jobs.jobs_with_ids_that_look_alike_are_different_jobs(bench)

    def test_queues_with_names_that_look_alike_are_kept_apart(self, bench: Bench) -> None:
        odd_jobs.queues_with_names_that_look_alike_are_kept_apart(bench)

    @pytest.mark.parametrize("by_crash", [False, True], ids=["failures", "crashes"])
    def test_deliveries_are_bounded(self, bench: Bench, by_crash: bool) -> None:
        self.claims_at_least_once()
        self.claims("bounded_deliveries", "own_bounds", *(() if by_crash else ("retries",)))
        conversations.deliveries_are_bounded(bench, by_crash)

    @pytest.mark.parametrize("size", odd_jobs.PAYLOADS)
    def test_a_payload_arrives_as_it_was_enqueued(self, bench: Bench, size: int) -> None:
        odd_jobs.a_payload_arrives_as_it_was_enqueued(bench, size)

    def test_tokens_only_grow(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("fencing", "bounded_deliveries", "own_bounds", "dead_letters", "retries")
        comings_back.tokens_only_grow(bench)

    def test_a_delay_is_kept(self, bench: Bench) -> None:
        self.claims("delays")
        conversations.a_delay_is_kept(bench)

    def test_delays_run_beside_each_other(self, virtual_time: None, bench: Bench) -> None:
        self.claims("delays")
        odd_jobs.delays_run_beside_each_other(bench)

    def test_a_delayed_job_is_handed_out_to_one(self, bench: Bench) -> None:
        self.claims("delays")
        conversations.a_delayed_job_is_handed_out_to_one(bench)

    @pytest.mark.parametrize("whose", ["server", "caller"])
    def test_no_clock_that_jumps_ends_a_lease_or_holds_it(
        self, virtual_time: None, bench: Bench, whose: Whose
    ) -> None:
        self.claims_at_least_once()
        self.claims("steady_time")
        crashes.no_clock_that_jumps_ends_a_lease_or_holds_it(bench, whose)

    def test_the_highest_priority_goes_first(self, bench: Bench) -> None:
        self.claims("priorities")
        conversations.the_highest_priority_goes_first(bench)

    def test_the_highest_priority_of_all_queues_goes_first(self, bench: Bench) -> None:
        self.claims("priorities")
        conversations.the_highest_priority_of_all_queues_goes_first(bench)

    def test_a_job_is_as_urgent_as_ever_when_it_comes_back(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("priorities")
        comings_back.a_job_is_as_urgent_as_ever_when_it_comes_back(bench)

    def test_a_duplicate_hides_no_job_behind_it(self, bench: Bench) -> None:
        self.claims("prompt", "skips_completed_keys")
        comings_back.a_duplicate_hides_no_job_behind_it(bench)

    def test_an_urgent_job_waits_for_none_of_less_importance(self, bench: Bench) -> None:
        self.claims("priorities")
        conversations.an_urgent_job_waits_for_none_of_less_importance(bench)

    def test_a_job_may_be_delivered_some_hundred_times(
        self, cheap_time: None, bench: Bench
    ) -> None:
        self.claims_at_least_once()
        self.claims("bounded_deliveries", "own_bounds", "retries")
        odd_jobs.a_job_may_be_delivered_some_hundred_times(bench)

    def test_a_backoff_is_kept_however_often_the_job_has_failed(
        self, cheap_time: None, bench: Bench
    ) -> None:
        self.claims_at_least_once()
        self.claims("retries")
        conversations.a_backoff_is_kept_however_often_the_job_has_failed(bench)

    def test_a_worker_gets_only_jobs_of_its_queues(self, bench: Bench) -> None:
        conversations.a_worker_gets_only_jobs_of_its_queues(bench)

    def test_a_permanent_failure_is_a_dead_letter_at_once(self, bench: Bench) -> None:
        self.claims("dead_letters")
        conversations.a_permanent_failure_is_a_dead_letter_at_once(bench)

    def test_dead_letters_tell_why_and_can_be_found(self, bench: Bench) -> None:
        self.claims("dead_letters")
        comings_back.dead_letters_tell_why_and_can_be_found(bench)

    def test_dead_letters_keep_their_attempts(self, bench: Bench) -> None:
        self.claims_at_least_once()
        self.claims("dead_letters", "bounded_deliveries", "own_bounds", "retries")
        comings_back.dead_letters_keep_their_attempts(bench)

    def test_a_replayed_dead_letter_has_a_fresh_budget(self, bench: Bench) -> None:
        self.claims("dead_letters", "bounded_deliveries", "own_bounds", "retries")
        comings_back.a_replayed_dead_letter_has_a_fresh_budget(bench)

    def test_a_replay_undoes_the_death_that_it_names(self, bench: Bench) -> None:
        self.claims("dead_letters", "bounded_deliveries", "own_bounds", "retries")
        comings_back.a_replay_undoes_the_death_that_it_names(bench)

    @pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated"])
    def test_jitter_uses_all_of_its_range(
        self, cheap_time: None, bench: Bench, jitter: Jitter
    ) -> None:
        self.claims_at_least_once()
        self.claims("retries")
        comings_back.jitter_uses_all_of_its_range(bench, jitter)

    def test_work_whose_key_is_completed_is_not_done_again(self, bench: Bench) -> None:
        self.claims("skips_completed_keys")
        conversations.work_whose_key_is_completed_is_not_done_again(bench)

    def test_a_key_is_completed_by_the_ack_and_not_before(self, bench: Bench) -> None:
        self.claims_at_least_once()
        conversations.a_key_is_completed_by_the_ack_and_not_before(bench)

    def test_a_full_queue_refuses_and_keeps_what_it_has(self, bench: Bench) -> None:
        self.claims("bounded_backlog")
        conversations.a_full_queue_refuses_and_keeps_what_it_has(bench)

    # -- whatever Hypothesis thinks of ----------------------------------------------------

    def test_it_behaves_like_the_model(self, virtual_time: None) -> None:
        self.claims_at_least_once()
        tried = machine(cast("QueueSystem", self.backend))
        self.told(lambda: run_state_machine_as_test(tried, settings=self.settings()))

    def test_it_holds_whatever_strikes(self, virtual_time: None) -> None:
        self.claims_at_least_once()
        self.claims("idempotent_enqueue", "durable", "retries", "delays")

        anything = faults()
        if not self.backend.claims.steady_time:
            anything = anything.filter(lambda fault: not fault.skew_s)

        @given(plans(faults=anything))
        @self.settings()
        def holds(plan: Plan) -> None:
            assert_holds(plan, self.backend)

        self.told(holds)

    # -- faults, one by one ---------------------------------------------------------------

    @first_and_last
    @pytest.mark.parametrize("point", POINTS)
    def test_a_worker_may_die_at_any_point(self, point: Point, deliveries: int) -> None:
        self.holds(fault_plans.kill(point, deliveries))

    @pytest.mark.parametrize("point", POINTS)
    def test_a_worker_may_come_back_as_a_zombie(self, point: Point) -> None:
        self.claims("fencing")
        self.holds(fault_plans.zombie(point))

    @pytest.mark.parametrize("how", EFFECTS)
    @pytest.mark.parametrize("call", CALLS)
    def test_a_call_may_be_lost_late_or_doubled(self, call: Call, how: NetEffect) -> None:
        if call == "enqueue":
            self.claims("idempotent_enqueue")
        if call == "nack":
            self.claims("retries")
        if call in ("dead", "replay"):
            self.claims("dead_letters")
        if call in ("extend", "release"):  # of jobs that are long in hand
            self.claims("extends")
        self.holds(fault_plans.struck_call(call, how))

    def test_a_poison_job_ends_and_harms_nobody_else(self) -> None:
        self.claims("bounded_deliveries")
        self.holds(fault_plans.poison())

    def test_a_permanent_failure_is_not_retried(self) -> None:
        self.claims("retries")
        self.holds(fault_plans.permanent())

    def test_a_worker_may_die_while_it_gives_a_job_up(self) -> None:
        self.claims_at_least_once()
        self.claims("dead_letters")
        self.holds(fault_plans.given_up())

    def test_a_dead_letter_tells_its_job_s_error(self) -> None:
        self.claims("dead_letters")
        self.holds(fault_plans.explained())

    def test_dead_letters_are_replayed_before_and_after_the_fix(self) -> None:
        self.claims("dead_letters")
        self.holds(fault_plans.replayed())

    def test_a_stuck_job_is_ended_at_its_timeout(self) -> None:
        self.claims("bounded_deliveries")
        self.holds(fault_plans.stuck())

    def test_a_job_that_outlasts_its_lease_is_run_once(self) -> None:
        self.claims("extends")
        self.holds(fault_plans.long_jobs())

    def test_retries_wait_for_their_backoff(self) -> None:
        self.claims("retries")
        self.holds(fault_plans.backoff())

    def test_whoever_waits_is_woken(self) -> None:
        self.claims("prompt", "delays", "retries")
        self.holds(fault_plans.patient())

    @pytest.mark.parametrize("jitter", ["full", "equal", "decorrelated"])
    def test_retries_do_not_come_in_lockstep(self, jitter: Jitter) -> None:
        self.claims("retries")
        self.holds(fault_plans.crowd(jitter))

    def test_a_flood_does_not_starve_a_queue_with_a_pool_of_its_own(self) -> None:
        self.holds(fault_plans.flood())

    def test_urgent_jobs_overtake_a_burst(self) -> None:
        self.claims("priorities")
        self.holds(fault_plans.urgent())

    def test_an_overloaded_queue_refuses(self) -> None:
        self.claims("bounded_backlog")
        self.holds(fault_plans.overload())

    def test_workers_that_are_told_to_stop_drop_nothing(self) -> None:
        self.holds(fault_plans.shutdown())

    def test_the_server_may_crash_under_load(self) -> None:
        self.claims("durable")
        self.holds(fault_plans.crash())

    @pytest.mark.parametrize("plan", fault_plans.cut_off(), ids=lambda plan: plan.scenario)
    def test_the_network_may_fail_for_a_while(self, plan: Plan) -> None:
        self.holds(plan)

    def test_work_may_be_submitted_twice(self) -> None:
        self.holds(fault_plans.submitted_twice())

    # -- over its connection ---------------------------------------------------------------

    def test_a_lease_waits_until_its_time_is_up(self, address: str) -> None:
        connections.a_lease_waits_until_its_time_is_up(self.backend, address)

    def test_a_lease_that_waits_is_given_the_job_that_comes(self, address: str) -> None:
        connections.a_lease_that_waits_is_given_the_job_that_comes(self.backend, address)

    def test_a_lease_outlasts_its_connection(self, address: str) -> None:
        self.claims_at_least_once()
        self.claims("lasting_leases")
        connections.a_lease_outlasts_its_connection(self.backend, address)

    def test_an_attempt_returns_in_time_where_nobody_answers(self, address: str) -> None:
        if ":" not in address:
            pytest.skip(f"{self.backend.name} has no server that could be silent")
        connections.an_attempt_returns_in_time_where_nobody_answers(self.backend)

    # -- for real -------------------------------------------------------------------------

    @pytest.mark.parametrize("what", ON_PROCESSES)
    def test_it_holds_on_real_processes(self, what: str) -> None:
        if "process" not in self.drivers:
            pytest.skip(f"{type(self).__name__}.drivers does not name 'process'")
        if what in OVER_A_NETWORK and self.backend.framing is None:
            pytest.skip(f"{self.backend.name} has no network and no server to strike")
        if what == "crash":
            self.claims("durable")
        self.holds(ON_PROCESSES[what], "process")


__all__ = ["PROPERTY", "QueueContract"]
