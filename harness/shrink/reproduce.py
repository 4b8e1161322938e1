"""A failing plan as a pytest test that anybody can paste into a suite.

The test holds the replay string and nothing else, so it needs neither the exploration nor the
scenario that found it.
"""

from __future__ import annotations

import re
from textwrap import wrap

LINE = 76
TEMPLATE = '''"""{sentence}.

Found and shrunk by jobquake. The guarantee that broke: {title}.
"""

from jobquake import assert_holds

REPLAY = (
{replay}
)


def test_{name}() -> None:
    assert_holds(REPLAY, "{backend}"{driver})
'''


def test_source(
    sentence: str, guarantee: str, title: str, replay: str, backend: str, driver: str
) -> str:
    """The source of a test that fails as long as the backend does."""
    return TEMPLATE.format(
        sentence="\n".join(wrap(re.sub(r'["\\]', "'", sentence), LINE + 16)),
        title=title,
        replay="\n".join(
            f'    "{replay[start : start + LINE]}"' for start in range(0, len(replay), LINE)
        ),
        name=re.sub(r"\W+", "_", guarantee),
        backend=re.sub(r'["\\\n]', "", backend),
        driver="" if driver == "sim" else f', "{driver}"',
    )
