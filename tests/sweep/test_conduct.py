"""In which order cells are run, and that a sweep goes on where one ended."""

from __future__ import annotations

from pathlib import Path

from jobquake.harness.record.facts import OUTCOMES
from jobquake.sweep.cell import PLAIN
from jobquake.sweep.conduct import in_order
from jobquake.sweep.kept import FILE, Kept
from jobquake.sweep.ways import WAYS
from support.swept import ACK, HELLO, POP, PUSH, cell


def test_kills_of_what_carries_the_job_come_first_and_openings_last() -> None:
    order = in_order((HELLO, PUSH, POP, ACK))
    assert [(b, way.name) for b, way in order[:3]] == [
        (PUSH, "killed after"),
        (POP, "killed after"),
        (ACK, "killed after"),
    ]
    assert {b for b, _ in order[-len(WAYS) :]} == {HELLO}
    assert len(set(order)) == 4 * len(WAYS)


def test_cells_are_found_again_by_the_same_sweep_only(tmp_path: Path) -> None:
    first = Kept(tmp_path, "one")
    first.add(cell(PUSH, "killed after", "lost"))
    first.add(cell(POP, "killed after"))
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"boundary":"worker: BR')  # whoever wrote it was killed
    assert Kept(tmp_path, "one").cells == first.cells
    assert not Kept(tmp_path, "two").cells
    assert not Kept(tmp_path, "one").cells


def test_a_sweep_can_begin_anew(tmp_path: Path) -> None:
    Kept(tmp_path, "one").add(cell(PUSH, "killed after"))
    assert not Kept(tmp_path, "one", anew=True).cells


def test_whatever_becomes_of_a_job_has_a_name_in_a_sweep() -> None:
    assert set(PLAIN) == set(OUTCOMES)
