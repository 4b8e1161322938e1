"""How processes of a run are started: in its folder, with its mark, in a session of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .clean import MARK, Workspace
from .server import Spawn


def write_whole(file: Path, text: str) -> None:
    """Write the file so that whoever waits for it finds all of it."""
    partial = file.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(file)


def spawner(workspace: Workspace, shared: Mapping[str, str] | None = None) -> Spawn:
    """Starts processes in the folder of the workspace that carry its mark.

    ``shared`` is what all of them have in their environment.
    """

    def spawn(
        command: list[str],
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
        **options: object,
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
            command,
            env=os.environ
            | dict(env or {})
            | dict(shared or {})
            | {MARK: workspace.mark, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            cwd=folder or workspace.folder,
            **options,
        )

    return spawn
