"""Every error that jobquake raises, in one family; who catches the root catches all.

    JobquakeError
    ├── UsageError            what was asked for makes no sense                  exit code 2
    │   ├── UnknownName       no backend, scenario, guarantee ... has that name
    │   ├── WrongDriver       the scenario has another driver
    │   ├── PlanError         the plan makes no sense (a ValueError, too)
    │   ├── ReplayError       that is no replay string
    │   ├── RunFolderError    that is no run folder
    │   ├── KeptError         that is no folder of failures
    │   ├── SoakError         that soak cannot begin or go on
    │   ├── AddressError      that is no address
    │   │   └── ListenError   the address cannot be listened on
    │   ├── ConfigError       the proxy's file makes no sense
    │   ├── InUse             another run of this process lives in leaping time
    │   └── TimesError, UnitsError, FitError, SizingError, TooLong: a capacity question
    ├── EnvironmentFault      this machine lacks something: a server, a disk     exit code 3
    │   ├── Unavailable       a backend cannot be had here
    │   │   └── StoreError    its place is no store
    │   │       └── ServerError  its server answered with an error
    │   │           └── RecordRefused  it cannot hold such a record
    │   ├── BrokenPlugin      an entry point that cannot be imported
    │   ├── MissingServer     a server's program, image or address
    │   ├── NoAnswer          whoever knows what jobs did cannot be asked
    │   ├── Broken            something that is installed does not work
    │   ├── NatsError, AmqpError: a NATS server or a RabbitMQ answered with an error
    │   ├── NotEnqueued       a described queue's command did not enqueue a job
    │   ├── RedisError, PostgresError: the broker of an app answered with an error
    │   ├── ToxiproxyError    the Toxiproxy server failed
    │   └── WorkerDied, DeadlyShard: processes of an exploration died
    ├── BackendFailed         the backend (its adapter) raised                   exit code 3
    ├── DamagedData           a file was cut or changed                          exit code 3
    │   ├── DamagedRun        a run folder (a RunFolderError, too)
    │   ├── LedgerError       a ledger
    │   └── JournalError      the charges that a sink has kept
    ├── ProtocolError         what another program sent makes no sense           exit code 3
    │   ├── Unanswered, QueueError: a call to a queue
    │   ├── FrameError, MessageError: the broker's wire
    │   ├── JobFailed         a job under the probe
    │   └── MalformedError, JSONError, APIError, TriggerError, ToxicExistsError,
    │       ProxyExistsError: requests to the proxy, answered with a status
    ├── NothingProved         there is nothing to find out                       exit code 4
    │   └── NothingBroken     the plan breaks no guarantee
    ├── Gone                  what a fault names is not in the plan; never leaves the harness
    └── InternalError         a bug of jobquake's own                            exit code 70

A message is one sentence: what was expected, what was found, what to do. Standard library
only, since every process of a run imports it. Leaves stand in the rooms whose words they are.
"""

from __future__ import annotations

from typing import ClassVar

# What leaping time accuses somebody of and real time does not show is inconclusive, too.
HELD, VIOLATED, USAGE, ENVIRONMENT, INCONCLUSIVE = 0, 1, 2, 3, 4
BUG, INTERRUPTED, UNREAD = 70, 130, 141


class JobquakeError(Exception):
    """The root. ``exit_code`` is what the command line ends with: never 1, which is *violated*."""

    exit_code: ClassVar[int] = BUG


class UsageError(JobquakeError):
    """What was asked for makes no sense. The message says what would."""

    exit_code = USAGE


class EnvironmentFault(JobquakeError):
    """The run could not be carried out here. The message says what is wrong and what to do."""

    exit_code = ENVIRONMENT


class BrokenPlugin(EnvironmentFault):
    """An entry point of another package cannot be imported. The message says which and why."""


class BackendFailed(JobquakeError):
    """The backend raised something in the middle of a run. The message says what, and where."""

    exit_code = ENVIRONMENT


class DamagedData(JobquakeError):
    """A file or a string was cut or changed since it was written."""

    exit_code = ENVIRONMENT


class ProtocolError(JobquakeError):
    """What another program sent, or failed to send, makes no sense. Mostly answered, not shown."""

    exit_code = ENVIRONMENT


class NothingProved(JobquakeError):
    """There is nothing to find out: neither held nor violated."""

    exit_code = INCONCLUSIVE


class InternalError(JobquakeError):
    """A bug of jobquake's own. The message says where its traceback is and how to report it."""
