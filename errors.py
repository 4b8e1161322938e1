"""Every error that jobquake raises, in one family; who catches the root catches all.

    JobquakeError
    ├── UsageError            what was asked for makes no sense                  exit code 2
    ├── EnvironmentFault      this machine lacks something: a server, a disk     exit code 3
    ├── BackendFailed         the backend (its adapter) raised                   exit code 3
    ├── DamagedData           a file was cut or changed                          exit code 3
    └── InternalError         a bug of jobquake's own                            exit code 70

A message is one sentence: what was expected, what was found, what to do. Standard library
only, since every process of a run imports it.
"""

from __future__ import annotations

from typing import ClassVar


class JobquakeError(Exception):
    """The root. ``exit_code`` is what the command line ends with."""

    exit_code: ClassVar[int] = 70


class UsageError(JobquakeError):
    """What was asked for makes no sense. The message says what would."""

    exit_code = 2


class EnvironmentFault(JobquakeError):
    """The run could not be carried out here. The message says what is wrong and what to do."""

    exit_code = 3


class BackendFailed(JobquakeError):
    """The backend raised something in the middle of a run. The message says what, and where."""

    exit_code = 3


class DamagedData(JobquakeError):
    """A file or a string was cut or changed since it was written."""

    exit_code = 3


class InternalError(JobquakeError):
    """A bug of jobquake's own. The message says where its traceback is and how to report it."""
