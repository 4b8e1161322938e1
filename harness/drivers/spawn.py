"""How processes of a run are started: in its folder, with its mark, in a session of their own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .clean import MARK, Workspace
from .pace import Pace
from .server import Spawn


def spawner(workspace: Workspace, pace: Pace) -> Spawn:
    """Starts processes in the folder of the workspace that carry its mark, and live at its pace."""

    def spawn(
        command: list[str],
        env: Mapping[str, str] | None = None,
        folder: Path | None = None,
        **options: object,
    ) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
            command,
            env=os.environ
            | pace.environment
            | dict(env or {})
            | {MARK: workspace.mark, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            cwd=folder or workspace.folder,
            **options,
        )
        pace.watch_process(process.pid)
        return process

    return spawn
