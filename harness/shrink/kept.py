"""The database of failures: one small file for each guarantee that a backend has broken.

Who explores a backend again tries these first, so that a failure that is not mended is told
at once, and one that is mended is known to be.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ...errors import UsageError
from ...whole_file import read_whole
from ..run_folder import folder_name
from .failure import FORMAT, Failure

FILE = "failure.json"


class KeptError(UsageError):
    """A kept failure cannot be read. The message says which, and what to do."""


def folder_of(failure: Failure, root: Path) -> Path:
    """Where that failure is kept below ``root``: its file, its test and its report."""
    return root / folder_name(failure.backend) / folder_name(failure.guarantee)


def keep(failure: Failure, root: Path) -> Path:
    """Keep it in place of an older one of that backend and guarantee; its folder."""
    folder = folder_of(failure, root)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{FILE}.partial"
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(failure), indent=1))
    partial.replace(folder / FILE)
    (folder / f"test_{folder_name(failure.guarantee)}.py").write_text(failure.test)
    return folder


def kept(backend: str, root: Path) -> list[Failure]:
    """The failures of that backend. Raises :class:`KeptError` about one that is damaged."""
    found = []
    for path in sorted((root / folder_name(backend)).glob(f"*/{FILE}")):
        try:
            failure = msgspec.json.decode(read_whole(path), type=Failure)
        except (OSError, ValueError) as error:
            raise KeptError(
                f"expected a kept failure in {path}, found: {error}; remove it, and explore again"
            ) from error
        if failure.format != FORMAT:
            raise KeptError(
                f"expected a kept failure of format {FORMAT} in {path}, found {failure.format}; "
                "remove it, and explore again"
            )
        found.append(failure)
    return found
