"""jobquake's own job for libraries that call a function by its path: it does what a plan says."""

from __future__ import annotations


def play(*args: object, **kwargs: object) -> None:
    """Be the job that this process runs just now."""
    from _jobquake.frameworks.libraries.rq.inside import playing

    playing().play()
