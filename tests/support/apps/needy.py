"""An app that needs a setting which nobody has set."""

from __future__ import annotations

import os

URL = os.environ["SHOP_DATABASE"]
