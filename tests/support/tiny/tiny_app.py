"""An app on the tiny framework: its only job does what the plan of a run says."""

from __future__ import annotations

import sitecustomize
from tiny_framework import job


@job
def charge(identifier: str) -> None:
    sitecustomize.taken[identifier].play()
