"""Results as JSON, and the JSON Schema that they are held to.

One file holds an array of results; the ``result.json`` of a run folder holds one. The schema
takes both. Nothing is left out and nothing is renamed, so what is written can be read again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from ..harness.result import Result
from ..harness.run import Run

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def render(runs: Sequence[Run]) -> str:
    """An array of the runs' results."""
    text = msgspec.json.format(msgspec.json.encode([run.result for run in runs]), indent=1)
    return text.decode() + "\n"


def schema() -> str:
    """The JSON Schema of one result and of an array of them."""
    described = _on_one_line(msgspec.json.schema(Result | list[Result]))
    whole = {"$schema": DIALECT, "title": "Results of jobquake", **described}
    return json.dumps(whole, indent=1) + "\n"


def _on_one_line(described: Any) -> Any:
    """Docstrings become descriptions; how they are indented depends on the Python that runs."""
    if isinstance(described, dict):
        return {
            key: " ".join(value.split())
            if key == "description" and isinstance(value, str)
            else _on_one_line(value)
            for key, value in described.items()
        }
    return [_on_one_line(v) for v in described] if isinstance(described, list) else described
