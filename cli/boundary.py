"""Where a command ends: one sentence instead of a traceback, and the right exit code.

0 held, 1 violated, 2 usage, 3 environment, 4 inconclusive, 130 interrupted, 141 if whoever
read the output has gone. Commands return theirs.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

import click

from .. import lookup
from ..fault import ENVIRONMENT, INTERRUPTED, USAGE
from .group import cli
from .interrupt import interrupts_kept

UNREAD = 141
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def run_and_exit() -> NoReturn:
    """Run the command line, and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever the locale can not write
    try:
        with interrupts_kept():
            code = cli.main(prog_name="jobquake", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        code = 0
    except click.ClickException as error:
        _complain(error.format_message())
        code = error.exit_code
    except (lookup.UnknownName, lookup.WrongDriver) as error:
        _complain(str(error))
        code = USAGE
    except (KeyboardInterrupt, click.Abort):
        click.echo("jobquake: interrupted; every process of the run has been ended", err=True)
        code = INTERRUPTED
    except OSError as error:
        if error.errno not in FULL:
            raise
        with suppress(OSError):  # the other stream may be full, too
            _complain(f"expected to write to the end, found: {error.strerror}; make room")
        code = ENVIRONMENT
        _drop_output()
    except SystemExit:
        # click and rich leave with 1, our word for violated, when they write to a closed pipe
        code = UNREAD
    raise SystemExit(code or 0)


def _drop_output() -> None:
    """What is left of the output goes nowhere, or Python would try again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)


def _complain(message: str) -> None:
    from ..reports.plain import one_line

    for number, line in enumerate(message.splitlines()):
        click.echo(one_line(line if number else f"jobquake: {line}"), err=True)
