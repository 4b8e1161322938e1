"""The toxics: a file of this folder that holds ``KIND`` is one, and its name is that in the API.

Nothing here knows a socket, a proxy or HTTP. A toxic of your own: write its file, or put it
into ``KINDS`` before the server starts.
"""

from __future__ import annotations

from ...listing import held
from .toxic import Kind

KINDS: dict[str, Kind] = held(__name__, "KIND")
