"""One file of what is known serves several versions of a library, and says what got worse.

kombu 5.7.0 watches the connection on which it waits for jobs, and drops it when it is silent: a
request that is lost there no longer stops the worker, and an answer that is only late is lost.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from jobquake.known import Differences
from jobquake.sweep.expected import Expected, compare, read, recorded
from jobquake.sweep.sweep import sweep
from jobquake.sweep.swept import Swept
from support.frameworks import LATE, shop

REST = ("redis==7.4.1", "packaging==26.3")
OLD = ("celery==5.6.3", "kombu==5.6.2", *REST)
BETWEEN = ("celery==5.6.3", "kombu==5.7.0", *REST)
NEW = ("celery==5.7.0", "kombu==5.7.0", *REST)
SOON = {"broker_transport_options": {"visibility_timeout": 60}, "worker_concurrency": 1}


def swept(pins: tuple[str, ...], folder: Path) -> Swept:
    """What is broken where a worker waits for a job."""
    return sweep(shop(LATE, SOON, pins=pins), folder, only=("BRPOP",), confirm_s=0.0)


def known(found: Swept, folder: Path) -> Expected:
    file = folder / "sweep.toml"
    file.write_text(recorded(found))
    return read(file)


def held_against(pins: tuple[str, ...], expected: Expected, folder: Path) -> Differences:
    return compare(swept(pins, folder), expected)


@pytest.mark.slow
def test_one_file_passes_where_nothing_got_worse_and_says_what_did(tmp_path: Path) -> None:
    old = known(swept(OLD, tmp_path / "old"), tmp_path)
    new = swept(NEW, tmp_path / "new")
    differs = compare(new, old)
    (worse,) = differs.worse
    assert worse.startswith(
        "worker: BRPOP celery, answer late: expected done or not accepted, found lost: job 0 was "
        "accepted at "
    )
    (better,) = differs.better
    assert better.startswith("worker: BRPOP celery, request lost: expected stuck")
    assert not differs.missing

    same = held_against(BETWEEN, known(new, tmp_path), tmp_path / "between")
    assert not same.red and not same.missing and not same.told
