"""docs/twins.md tells no more than what can be replayed: each of its strings still fails."""

from __future__ import annotations

import re
from pathlib import Path

import jobquake
import pytest
from jobquake.backends import registry
from jobquake.harness.plan.replay import decode
from jobquake.harness.trial import attempt

PAGE = (Path(jobquake.__file__).parent / "docs" / "twins.md").read_text(encoding="utf-8")
TOLD = re.findall(r"^(twin-[\w-]+): (\w+)\n\n```text\n(jq1:\S+)\n```", PAGE, re.MULTILINE)
TWINS = [name for name in registry.names() if name.startswith("twin-")]


def test_the_page_tells_of_every_twin() -> None:
    assert [name for name, _, _ in TOLD] == TWINS


@pytest.mark.parametrize(("name", "guarantee", "replay"), TOLD, ids=[name for name, *_ in TOLD])
def test_what_the_page_tells_of_a_twin_is_so_and_the_correct_queue_holds_it(
    name: str, guarantee: str, replay: str
) -> None:
    packed = decode(replay)
    assert packed.backend == name
    assert guarantee in attempt(packed.plan, registry.find(name), (guarantee,)).broken
    assert not attempt(packed.plan, registry.find("reference"), (guarantee,)).broken
