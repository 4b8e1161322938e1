"""Where a command ends: one sentence instead of a traceback, and the right exit code.

0 held, 1 violated and nothing else, 2 usage, 3 environment or a backend that failed,
4 inconclusive, 70 a bug of ours, 130 interrupted, 141 if whoever read the output has gone.
Commands return theirs; an error brings its own.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import NoReturn

import click

from ..errors import ENVIRONMENT, INTERRUPTED, UNREAD, USAGE, VIOLATED, InternalError
from .group import cli
from .interrupt import interrupts_kept

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def run_and_exit(command: click.Command = cli, name: str = "jobquake") -> NoReturn:
    """Run that command as the program of that name, and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever the locale can not write
    try:
        with interrupts_kept():
            code = command.main(prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        code = 0
    except click.ClickException as error:
        _complain(error.format_message())
        # click itself has 1 for some, our word for violated
        code = USAGE if error.exit_code == VIOLATED else error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("jobquake: interrupted; every process of the run has been ended", err=True)
        code = INTERRUPTED
    except OSError as error:
        code = _full(error) if error.errno in FULL else _bug(error)
    except SystemExit:
        # click and rich leave with 1, our word for violated, when they write to a closed pipe
        code = UNREAD
    except Exception as error:  # noqa: BLE001 (whatever we did not think of)
        code = _bug(error)
    raise SystemExit(code or 0)


def _full(error: OSError) -> int:
    with suppress(OSError):  # the other stream may be full, too
        _complain(f"expected to write to the end, found: {error.strerror}; make room")
    _drop_output()
    return ENVIRONMENT


def _bug(error: Exception) -> int:
    from ..blame import internal_error

    _complain(str(internal_error(error)))
    return InternalError.exit_code


def _drop_output() -> None:
    """What is left of the output goes nowhere, or Python would try again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)


def _complain(message: str) -> None:
    from ..reports.plain import one_line

    for number, line in enumerate(message.splitlines()):
        click.echo(one_line(line if number else f"jobquake: {line}"), err=True)
