"""What jobquake runs in the app's own Python, in its folder: ``python run.py look|produce ...``.

``look TARGET TASK OUT WITHIN`` writes to the file OUT, as JSON, what the app is, or where it hangs
after so many seconds. ``produce TARGET TASK
ARGS OPTIONS`` enqueues what a run's plan wants.
"""

from __future__ import annotations

import json
import os
import sys
import time
from threading import Thread, get_ident
from traceback import extract_stack


def package() -> None:
    """A package of jobquake's files under a name of its own; nothing of it is installed here."""
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if "_jobquake" not in sys.modules:
        made = type(sys)("_jobquake")
        made.__path__ = [root]  # which makes a package of it
        sys.modules["_jobquake"] = made
    sys.path[:] = [place for place in sys.path if os.path.abspath(place or ".") != HERE]


HERE = os.path.dirname(os.path.abspath(__file__))


def look(target: str, task: str, out: str, within_s: str) -> None:
    from _jobquake.frameworks.inside.find import NotFound, find

    begun = time.monotonic()
    Thread(target=say_where, args=(get_ident(), out, float(within_s)), daemon=True).start()
    try:
        name, inside, found = find(target)
        said = {"library": name, **inside.look(found, task), "load_s": time.monotonic() - begun}
        said["prepares"] = hasattr(inside, "prepare")
    except NotFound as error:
        said = {"problem": str(error)}
    except Exception as error:  # noqa: BLE001 (of somebody else's app)
        said = {"problem": f"expected to look at {target}, found {type(error).__name__}: {error}"}
    said["python"] = ".".join(map(str, sys.version_info[:3]))
    with open(out, "w") as file:
        json.dump(said, file)


def say_where(thread: int, out: str, within_s: float) -> None:
    """If the app still hangs after so many seconds, write down in which of its lines, and end."""
    from _jobquake.frameworks.inside.find import line_of

    time.sleep(within_s)
    frame = sys._current_frames().get(thread)
    with open(out, "w") as file:
        json.dump({"hangs": line_of(extract_stack(frame))}, file)
    os._exit(1)


def produce(target: str, task: str, arguments: str, options: str) -> None:
    from _jobquake.frameworks.inside.find import find
    from _jobquake.frameworks.inside.produce import (
        produce as produce_all,
    )

    _, inside, found = find(target)
    produce_all(inside.producer(found, task, json.loads(options or "{}")), arguments)


def prepare(target: str) -> None:
    from _jobquake.frameworks.inside.find import find

    _, inside, found = find(target)
    inside.prepare(found)


package()
if sys.argv[1] == "look":
    look(*sys.argv[2:])
elif sys.argv[1] == "prepare":
    prepare(*sys.argv[2:])
else:
    produce(*sys.argv[2:])
