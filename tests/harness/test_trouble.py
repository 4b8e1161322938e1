"""Errors of the queue's server: told in its own words, and never taken for the queue's refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from jobquake.backends.adapter import Queue as QueueHere
from jobquake.backends.adapter import QueueSystem
from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.backends.reference.twins.no_lease import TWIN as NO_LEASE
from jobquake.errors import ENVIRONMENT, INCONCLUSIVE, VIOLATED, EnvironmentFault
from jobquake.experiments import exit_code
from jobquake.harness.contract.bench import Bench
from jobquake.harness.faults.kill_at import KillAt
from jobquake.harness.plan.plan import Plan, PlannedJob, Pool, Queue
from jobquake.harness.run import Run, run
from jobquake.harness.run_folder import load, save
from jobquake.harness.trial import attempt
from jobquake.protocol.clock import Clock
from jobquake.protocol.commands import Ack, Command, Enqueue, Failed, Inspect, Job, Refused, Reply
from jobquake.reports import html, junit, text
from msgspec.structs import replace

OOM = "OOM command not allowed when used memory > 'maxmemory'."
CALM = Plan(
    scenario="trouble",
    variant="default",
    seed=1,
    queues=(Queue("q"),),
    pools=(Pool("p", ("q",), 2),),
    jobs=tuple(PlannedJob(0.1 * n, 0, 0.1) for n in range(4)),
    faults=(),
    guarantees=("no_lost_work", "no_duplicated_effects"),
    sink="blind",
)
Answer = Callable[[Command], Reply | None]


class Troubled:
    """A queue, but for the commands that ``answer`` has a reply to."""

    def __init__(self, queue: QueueHere, answer: Answer) -> None:
        self._queue, self._answer = queue, answer
        self.next_change_at, self.crash = queue.next_change_at, queue.crash

    def call(self, command: Command) -> Reply:
        return self._answer(command) or self._queue.call(command)


def troubled(answer: Answer, of: ReferenceAdapter = REFERENCE) -> QueueSystem:
    class Adapter(ReferenceAdapter):
        def local(self, clock: Clock, rng: Random) -> QueueHere:
            return Troubled(of.local(clock, rng), answer)

        worker = staticmethod(of.worker)

    return Adapter("troubled", "a queue whose server answers with errors")


def failing(*kinds: type, environment: bool = True, error: str = OOM) -> Answer:
    return lambda command: Failed(error, environment) if isinstance(command, kinds) else None


def simulated(answer: Answer, plan: Plan = CALM, of: ReferenceAdapter = REFERENCE) -> Run:
    return run(plan, troubled(answer, of), "sim")


def verdicts(done: Run) -> dict[str, str]:
    return {check.name: check.verdict for check in done.result.checks}


def test_a_full_memory_is_the_environments_fault_in_the_servers_own_words() -> None:
    done = simulated(failing(Ack))
    result = done.result
    assert result.verdict == "inconclusive"
    assert result.exit_code == exit_code([done]) == ENVIRONMENT
    assert result.sentence.startswith("the environment was at fault, not the queue: ")
    assert result.sentence.endswith(f"first the ack of job 0 by w1 at 0.10 s: {OOM}")
    # Each worker repeats its ack five times, loses its lease, and the effect happens again.
    assert verdicts(done)["no_duplicated_effects"] == "inconclusive"
    assert verdicts(done)["no_lost_work"] == "held"
    (trouble,) = result.troubles
    assert trouble.environment and trouble.calls > 4 * 6


def test_a_job_whose_ack_met_an_error_lost_no_lease_in_its_story() -> None:
    story = simulated(failing(Ack)).result.story
    assert f"0.10 s: the ack of job 0 by w1 was answered with an error: {OOM} " in "\n".join(story)
    assert any(line.endswith("up, since the queue answered with an error") for line in story)
    assert not any("its lease was lost" in line for line in story)


def test_an_error_at_the_enqueue_is_no_refusal() -> None:
    done = simulated(failing(Enqueue))
    assert done.result.outcomes["refused"] == 0
    assert done.result.outcomes["unknown"] == 4
    assert verdicts(done).get("enqueues_accepted") != "violated"
    assert done.result.exit_code == ENVIRONMENT


def test_a_refusal_keeps_its_words_and_stays_one() -> None:
    done = simulated(lambda c: Refused("no such queue") if isinstance(c, Enqueue) else None)
    assert done.result.outcomes["refused"] == 4
    assert done.result.verdict == "violated"
    assert any("the enqueue was refused: no such queue" in line for line in done.result.story)


def test_an_error_of_the_queue_itself_excuses_nothing() -> None:
    done = simulated(failing(Ack, environment=False, error="ERR unknown command"))
    assert done.result.exit_code == VIOLATED
    assert verdicts(done)["no_duplicated_effects"] == "violated"
    told = text.render([done])
    assert "with an error, first the ack of job 0 by w1 at 0.10 s: ERR unknown command" in told


def test_an_error_of_the_queue_that_proves_nothing_is_inconclusive_with_its_words() -> None:
    done = simulated(failing(Enqueue, environment=False, error="ERR unknown command"))
    assert done.result.exit_code == INCONCLUSIVE
    assert done.result.sentence.endswith("ERR unknown command")


def test_a_queue_that_loses_work_in_a_broken_environment_is_violated() -> None:
    plan = replace(CALM, faults=(KillAt(0, "mid_job"),))

    def answer(command: Command) -> Reply | None:
        late = isinstance(command, Ack) and command.job_id in ("job-2", "job-3")
        return Failed(OOM, environment=True) if late else None

    done = simulated(answer, plan, NO_LEASE)
    assert done.result.exit_code == exit_code([done]) == VIOLATED
    assert done.result.sentence.startswith("job 0 was accepted")
    assert OOM in text.render([done])


def test_a_job_of_which_the_queue_says_nothing_at_the_end_is_not_lost() -> None:
    plan = replace(CALM, faults=(KillAt(0, "mid_job"),))
    done = simulated(failing(Inspect), plan, NO_LEASE)
    assert done.result.outcomes["lost"] == 0
    assert verdicts(done)["no_lost_work"] == "inconclusive"
    assert done.result.exit_code == ENVIRONMENT


def test_errors_that_differ_in_numbers_only_are_told_once() -> None:
    seen: list[Command] = []

    def answer(command: Command) -> Reply | None:
        if not isinstance(command, Ack):
            return None
        seen.append(command)
        return Failed(f'prepared statement "_pg3_{len(seen)}" does not exist', True)

    (trouble,) = simulated(answer).result.troubles
    assert trouble.calls == len(seen)
    assert trouble.said == 'prepared statement "_pg3_1" does not exist'


def test_the_page_and_junit_tell_the_words(tmp_path: Path) -> None:
    done = simulated(failing(Ack))
    page = html.page(done.result, done.plan, done.claims, done.history)
    assert "The environment was at fault, not the queue" in page
    assert "Errors of the queue" in page
    assert page.count("OOM command not allowed") > 3
    assert "OOM command not allowed" in junit.render([done])


def test_a_run_that_proves_nothing_is_an_error_in_junit_though_every_guarantee_held() -> None:
    done = simulated(failing(Enqueue), replace(CALM, guarantees=("no_phantoms",)))
    assert done.result.verdict == "inconclusive"
    assert "<error" in junit.render([done])


def test_the_words_are_kept_with_the_run_and_old_folders_have_none(tmp_path: Path) -> None:
    done = simulated(failing(Ack))
    save(done, tmp_path / "run")
    kept = load(tmp_path / "run")
    assert kept.history.said == done.history.said
    assert kept.result == done.result
    assert text.render([kept]) == text.render([done])
    (tmp_path / "run" / "said.json").unlink()
    assert load(tmp_path / "run").history.said == {}


def test_exploration_ends_where_the_environment_is_at_fault() -> None:
    with pytest.raises(EnvironmentFault, match="OOM command not allowed"):
        attempt(CALM, troubled(failing(Ack)))


def test_a_conversation_of_the_contract_blames_the_environment() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"OOM .* which is not the queue's mistake"):
        Bench(troubled(failing(Enqueue))).call(Enqueue(Job("a")))
