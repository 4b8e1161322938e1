"""Settings profiles of Hypothesis for three occasions: at the desk, in CI, in the night.

None has a wall-clock deadline: a simulated run takes as long as the machine is busy, and that
says nothing about the queue. All print the blob that replays a failure. Registering them
changes no setting; ``--hypothesis-profile jobquake-ci`` or ``settings.load_profile`` does.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

PROFILES = ("jobquake-dev", "jobquake-ci", "jobquake-nightly")


def register_profiles() -> None:
    """Register ``jobquake-dev``, ``jobquake-ci`` and ``jobquake-nightly``.

    In CI the examples are the same each time, so that a red build is about the change; the
    night looks for new ones.
    """
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
    settings.register_profile(
        "jobquake-dev",
        max_examples=50,
        derandomize=False,  # Hypothesis's own default is another one where CI is set
        stateful_step_count=30,
        deadline=None,
        print_blob=True,
        suppress_health_check=slow,
    )
    settings.register_profile(
        "jobquake-ci",
        max_examples=200,
        stateful_step_count=50,
        deadline=None,
        print_blob=True,
        derandomize=True,
        suppress_health_check=slow,
    )
    settings.register_profile(
        "jobquake-nightly",
        max_examples=5000,
        derandomize=False,
        stateful_step_count=100,
        deadline=None,
        print_blob=True,
        suppress_health_check=slow,
    )
