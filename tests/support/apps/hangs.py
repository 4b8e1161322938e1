"""An app that waits when it is imported."""

from __future__ import annotations

import threading

threading.Event().wait()
