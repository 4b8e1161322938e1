"""A failing plan as a pytest test that anybody can paste into a suite, and its run again.

The test holds the replay string and nothing else, so it needs neither the exploration nor the
scenario that found it.
"""

from __future__ import annotations

import re
from textwrap import wrap

LINE = 76

TEMPLATE = '''"""{sentence}.

Found and shrunk by jobquake; the guarantee that broke: {title}.
"""

from jobquake.testing import assert_holds

REPLAY = (
{replay}
)


def test_{name}() -> None:
    assert_holds(REPLAY{driver})
'''


def test_source(sentence: str, guarantee: str, title: str, replay: str, driver: str) -> str:
    """The source of a test that fails as long as the backend does."""
    name = re.sub(r"\W+", "_", f"{guarantee}_of_a_shrunk_plan")
    lines = "\n".join(f'    "{part}"' for part in wrap(replay, LINE))
    chosen = "" if driver == "sim" else f', driver="{driver}"'
    told = "\n".join(wrap(sentence.replace('"""', "'''").replace("\\", "/"), LINE + 16))
    return TEMPLATE.format(sentence=told, title=title, replay=lines, name=name, driver=chosen)
