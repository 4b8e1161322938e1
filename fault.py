"""An error that a user of the command line can meet, told in one sentence, with its exit code."""

from __future__ import annotations

import click

USAGE, ENVIRONMENT = 2, 3


class Fault(click.ClickException):
    """The message says what was expected, what was found, and what to do."""

    def __init__(self, message: str, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]
