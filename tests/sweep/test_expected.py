"""The file of what is known: whatever differs is red, what got better, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from jobquake.errors import UsageError
from jobquake.sweep.expected import UNTOLD, compare, narrowed, read, recorded
from jobquake.sweep.outcome import Outcome
from msgspec.structs import replace
from support.swept import ACK, HELLO, POP, PUSH, swept

LOST: dict[tuple[object, str], Outcome] = {(POP, "killed after"): "lost"}
ELSE: dict[tuple[object, str], Outcome] = {(ACK, "reset before"): "run again"}


def kept(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "sweep.toml"
    file.write_text(text)
    return file


def test_what_was_recorded_is_expected_of_another_version(tmp_path: Path) -> None:
    before = swept({**LOST, **ELSE})  # type: ignore[dict-item]
    expected = read(kept(tmp_path, recorded(before)))
    differs = compare(replace(before, library="Celery 5.6.0"), expected)
    assert not differs.red and not differs.told and not differs.missing
    assert {known.reason for known in expected.known} == {UNTOLD}


def test_a_reason_stays_as_long_as_its_outcome_does(tmp_path: Path) -> None:
    said = recorded(swept(LOST)).replace(UNTOLD, 'it is "known"')  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="mend it, or make it anew"):
        read(kept(tmp_path, said))
    said = said.replace('it is "known"', r"it is \"known\"")
    expected = read(kept(tmp_path, said + 'link = "https://example.org/1"\n'))
    again = recorded(swept({**LOST, **ELSE}), expected)  # type: ignore[dict-item]
    assert r'reason = "it is \"known\""' in again and "example.org" in again
    assert again.count(UNTOLD) == 1
    other = recorded(swept({(POP, "killed after"): "stuck"}), expected)
    assert UNTOLD in other and 'known\\"' not in other


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        ({}, "better", "found done: so; it got better, so take it out of the file"),
        ({(POP, "killed after"): "stuck"}, "other", "expected lost"),
        ({**LOST, (PUSH, "late"): "lost"}, "", ""),
        ({**LOST, (PUSH, "reset after"): "run again"}, "worse", "producer: LPUSH q, reset after"),
        ({**LOST, (PUSH, "reset after"): "not accepted"}, "", ""),
    ],
)
def test_each_difference_is_one_sentence(
    tmp_path: Path, found: dict[tuple[object, str], Outcome], kind: str, words: str
) -> None:
    expected = read(kept(tmp_path, recorded(swept(LOST))))  # type: ignore[arg-type]
    differs = compare(swept(found), expected)  # type: ignore[arg-type]
    assert len(differs.red) == bool(kind)
    assert not kind or words in getattr(differs, kind)[0]


def test_round_trips_that_came_went_or_changed_places_are_told_and_not_red(tmp_path: Path) -> None:
    expected = read(kept(tmp_path, recorded(swept(LOST))))  # type: ignore[arg-type]
    differs = compare(swept(boundaries=(ACK, PUSH, HELLO)), expected)
    assert not differs.red
    assert differs.told == (
        "appeared: worker: HELLO",
        "vanished: worker: BRPOP q, of which was known: killed after",
        "in another order: worker: MULTI HDEL unacked, then producer: LPUSH q",
    )


def test_what_was_not_asked_for_has_not_vanished(tmp_path: Path) -> None:
    said = recorded(swept(LOST, boundaries=(PUSH, POP, ACK, HELLO)))  # type: ignore[arg-type]
    expected = read(kept(tmp_path, said))
    assert compare(swept(LOST), expected).told == ()  # type: ignore[arg-type]
    few = swept(LOST, boundaries=(POP,))  # type: ignore[arg-type]
    assert compare(few, narrowed(expected, ["BRPOP", "LPOP"])).told == ()
    assert len(compare(few, expected).told) == 2


def test_what_breaks_at_a_round_trip_that_is_new_says_so(tmp_path: Path) -> None:
    expected = read(kept(tmp_path, recorded(swept())))
    news = swept({(HELLO, "killed after"): "lost"}, boundaries=(PUSH, POP, ACK, HELLO))
    (worse,) = compare(news, expected).worse
    assert "was not there when it was recorded" in worse


def test_what_was_not_run_is_missing_and_no_difference(tmp_path: Path) -> None:
    differs = compare(swept(missing=2), read(kept(tmp_path, recorded(swept()))))
    assert len(differs.missing) == 2 and not differs.red


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (f'reason = "{UNTOLD}"', 'reason = " "', "a reason, found none"),
        ('way = "killed after"', 'way = "hit"', "found 'hit', as way"),
        ('outcome = "lost"', 'outcome = "gone"', "found 'gone', as outcome"),
        ('boundary = "worker: BRPOP q"', 'boundary = "worker: POP"', "as boundary"),
        ("reason =", "cause =", "mend it, or make it anew"),
    ],
)
def test_a_file_that_makes_no_sense_is_told_in_a_sentence(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    said = recorded(swept(LOST))  # type: ignore[arg-type]
    assert old in said
    with pytest.raises(UsageError, match=words):
        read(kept(tmp_path, said.replace(old, new)))


def test_no_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make one with jobquake sweep --record"):
        read(tmp_path / "none.toml")
