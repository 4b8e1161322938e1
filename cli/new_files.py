"""Files that a command writes for a user, none of them over one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import EnvironmentFault, UsageError


def write_new(files: Mapping[Path, str]) -> None:
    """Write these texts. Raises UsageError, and writes none, if one of the files is there."""
    for file in files:
        if file.exists():
            raise UsageError(
                f"expected to write {file}, found that it is there already; move it away, or "
                "choose another name or another folder"
            )
    for file, text in files.items():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8") as new:
                new.write(text)
        except OSError as error:
            raise EnvironmentFault(f"expected to write {file}, found: {error.strerror}") from error
