"""In which order cells are run, what is repeated, and that a sweep goes on where one ended."""

from __future__ import annotations

from pathlib import Path

from jobquake.backends.built_in.reference import BACKEND as REFERENCE
from jobquake.harness.record.facts import OUTCOMES
from jobquake.harness.run import run
from jobquake.harness.run_folder import load
from jobquake.kept import FILE, Kept
from jobquake.sweep.cell import Cell, Ran, confirmed
from jobquake.sweep.conduct import in_order
from jobquake.sweep.judging import PLAIN
from jobquake.sweep.outcome import Outcome
from jobquake.sweep.ways import ways_of
from msgspec.structs import replace
from support.small_plan import SMALL
from support.swept import ACK, HELLO, POP, PUSH, cell


def test_kills_of_what_carries_the_job_come_first_and_openings_last() -> None:
    order = in_order((HELLO, PUSH, POP, ACK))
    assert [(b, way.name) for b, way in order[:3]] == [
        (PUSH, "killed after"),
        (POP, "killed after"),
        (ACK, "killed after"),
    ]
    assert {b for b, _ in order[-len(ways_of(HELLO)) :]} == {HELLO}
    assert len(set(order)) == 4 * len(ways_of(HELLO))


def test_a_request_that_may_come_again_is_delivered_twice_and_what_brings_a_job_is_not() -> None:
    twice = {place.trip for place, way in in_order(PLACES) if way.name == "delivered twice"}
    assert twice == {"LPUSH q"}


PLACES = tuple(replace(place, bears_twice=place is not ACK) for place in (PUSH, POP, ACK))


def test_cells_are_found_again_by_the_same_sweep_only(tmp_path: Path) -> None:
    first = Kept(tmp_path, "one", Cell)
    first.add(cell(PUSH, "killed after", "lost"))
    first.add(cell(POP, "killed after"))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"boundary":"worker: BR')  # whoever wrote it was killed
    assert Kept(tmp_path, "one", Cell).cells == first.cells
    assert not Kept(tmp_path, "two", Cell).cells
    assert not Kept(tmp_path, "one", Cell).cells


def ran(outcome: Outcome, time: str = "real") -> Ran:
    """A run in that time that ended by itself, and a cell that has come to this."""
    done = run(SMALL, REFERENCE, "sim")
    environment = done.result.environment | {"time": time}
    result = replace(done.result, environment=environment, duration_s=3780.0)
    return Ran(done._replace(result=result), True, cell(POP, "killed after", outcome))


LEAPT = ran("lost", "leaping: 3780 s in 2 s")


def test_what_is_violated_in_leaping_time_is_repeated_in_real_time() -> None:
    left = iter([ran("done"), ran("lost")])
    confirmed_cell = confirmed(LEAPT, lambda: next(left), spared_s=3730.0)
    assert confirmed_cell.outcome == "lost" and confirmed_cell.confirmation is not None
    assert confirmed_cell.confirmation.sentence == "violated in real time, too, at attempt 2"
    longer = confirmed(LEAPT, lambda: ran("done"), spared_s=3670.0)
    assert longer.outcome == "lost" and longer.confirmation is not None
    assert longer.confirmation.outcome == "not repeated"
    for sound in (ran("lost"), ran("run again", "leaping: 9 s in 1 s")):
        assert confirmed(sound, lambda: LEAPT) == sound.cell


def test_a_cell_whose_finding_vanishes_accuses_nobody_and_its_histories_are_kept(
    tmp_path: Path,
) -> None:
    left = iter([ran("done"), ran("not hit"), ran("run again")])
    vanished = confirmed(LEAPT, lambda: next(left), 3730.0, histories=tmp_path)
    assert (vanished.outcome, vanished.gravity) == ("unproved", "inconclusive")
    assert "a fault of jobquake" in vanished.sentence and LEAPT.cell.sentence in vanished.sentence
    assert vanished.confirmation is not None
    assert vanished.confirmation.sentence.endswith("were done, inconclusive, run again")
    (folder,) = tmp_path.iterdir()
    assert load(folder).result.vanished and load(folder / "real-time-3").result.verdict == "held"


def test_a_sweep_can_begin_anew(tmp_path: Path) -> None:
    Kept(tmp_path, "one", Cell).add(cell(PUSH, "killed after"))
    assert not Kept(tmp_path, "one", Cell, anew=True).cells


def test_whatever_becomes_of_a_job_has_a_name_in_a_sweep() -> None:
    assert set(PLAIN) == set(OUTCOMES)
