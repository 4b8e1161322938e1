"""beanstalkd as it starts without options: in memory only."""

from __future__ import annotations

from msgspec.structs import replace

from ..brokers.beanstalkd.adapter import CLAIMS, Beanstalkd

BACKEND = Beanstalkd(
    "beanstalkd-careless",
    "the same without a log, so that a crash loses every job",
    replace(
        CLAIMS,
        caveat="this beanstalkd keeps its jobs in memory only; with -b it writes a log of them",
    ),
    careless=True,
)
