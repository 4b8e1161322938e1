"""Whose mistake an exception is: the backend's, or jobquake's own; and where its traceback went.

An adapter is somebody else's code in the middle of a run. What it raises ends the run with one
sentence that names the backend and the call; what is left is a bug of ours.
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import BackendFailed, InternalError, JobquakeError
from .protocol.commands import Command

OURS = Path(__file__).parent
ROOMS = ("harness", "protocol", "reports", "scenarios", "cli", "proxy", "servers", "capacity")
USED = (
    "simpy", "numpy", "msgspec", "psutil", "hypothesis", "contextlib.py", "asyncio", "toxiproxy",
    "requests", "urllib3", "docker", "distributed", "jinja2", "rich", "click",
)  # fmt: skip


@contextmanager
def blaming(backend: str, call: str = "") -> Iterator[None]:
    """In this block, what an adapter raises becomes :class:`BackendFailed`.

    Errors of jobquake's own family, and what nobody but us can have done, pass as they are.
    ``call`` is what was called, where that is known; else it is read off the traceback.
    """
    try:
        yield
    except JobquakeError:
        raise
    except Exception as error:
        if not (call := call or call_of_backend(error)):
            raise
        if isinstance(error, NotImplementedError):
            what = f"is not written: {error}"
        else:
            what = f"raised {type(error).__name__}: {error}; {_advice(call)}see {written(error)}"
        raise BackendFailed(
            f"expected the backend {backend} to answer every call, found that {call} {what}"
        ) from error


def _advice(call: str) -> str:
    """How an author passes an error of the server on, where it may have been one."""
    if not call.startswith("attempt("):
        return ""
    return "if that is what the queue's server answered, return Failed with its words; "


def call_of_backend(error: Exception) -> str:
    """The call of the adapter, its queue or its worker that raised; "" if none did.

    It is the first step out of the harness into code that is neither ours nor a library's
    that the harness uses. With it stands the command that it was given, if it was given one.
    """
    inside = False
    for frame, _ in traceback.walk_tb(error.__traceback__):
        parts = Path(frame.f_code.co_filename).parts
        if parts[:-1][: len(OURS.parts)] == OURS.parts and parts[len(OURS.parts)] in ROOMS:
            inside = True
        elif inside and not set(USED) & set(parts):
            given = [v for v in frame.f_locals.values() if isinstance(v, Command)]
            return f"{frame.f_code.co_name}({type(given[0]).__name__ if given else ''})"
    return ""


def internal_error(error: Exception) -> InternalError:
    """The one sentence about a bug of ours."""
    return InternalError(
        f"expected no {type(error).__name__} here, found one: that is a bug of jobquake; please "
        f"report it with the command and {written(error)}"
    )


_WRITTEN: dict[object, str] = {}


def written(error: Exception) -> str:
    """Write the traceback to a temporary file; in words, where it is, or why it is nowhere.

    What is raised at one place again and again, as a search or a shrinker makes it, is written
    once in each process.
    """
    steps = traceback.extract_tb(error.__traceback__)
    raised = (steps[-1].filename, steps[-1].lineno) if steps else ("", 0), repr(error)
    if raised not in _WRITTEN or not Path(_WRITTEN[raised]).exists():
        try:
            _WRITTEN[raised] = _write(error)
        except OSError as full:
            return f"its traceback, which could not be written ({full.strerror})"
    return f"the traceback in {_WRITTEN[raised]}"


def _write(error: Exception) -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="jobquake-traceback-", suffix=".txt", delete=False,
        encoding="utf-8", errors="backslashreplace",
    ) as file:  # fmt: skip
        file.writelines(traceback.format_exception(error))
    return file.name
