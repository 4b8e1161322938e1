"""A shop on Celery, whose settings come from SHOP: nothing of jobquake is in it."""

from __future__ import annotations

import json
import os

from celery import Celery

app = Celery("shop", broker="redis://localhost:6379/0")
app.conf.update(json.loads(os.environ.get("SHOP", "{}")))
