"""The audit of four small tasks: what breaks if a job of theirs runs twice?

Each task of frameworks/demo/orders.py is swept on Celery as it comes and with the settings that its
documentation recommends, every round trip broken in every way. What came of it goes to
docs/audits.md, with the tasks' code. Sweeps are kept in FOLDER: what was run once with the same
app is not run again, and the page of each is there, too.

    python benchmarks/audits.py [--folder FOLDER] [--parallel N] [TASK ...]
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import jobquake
from jobquake import apps
from jobquake.environments.cache import environment
from jobquake.frameworks.app import App
from jobquake.frameworks.services import put
from jobquake.frameworks.shop import shops
from jobquake.frameworks.sign import sign
from jobquake.frameworks.system import AppSystem
from jobquake.reports.sweep import page, text
from jobquake.sweep.audit import audit
from jobquake.sweep.conduct import Progress
from jobquake.sweep.outcome import LOOKS
from jobquake.sweep.sweep import sweep
from jobquake.sweep.swept import Swept
from rich.console import Console

ROOT = Path(jobquake.__file__).parent
DEMO, PAGE = ROOT / "frameworks" / "demo", ROOT / "docs" / "audits.md"
READINGS = {  # by task: its title, and how its code reads
    "charge_then_update": (
        "Charge, then update",
        """Whoever dies behind the charge and is run again charges again: the request has no key. An
update that sets `paid` to true may come as often as it likes. Whoever is not run again leaves a
customer who has paid and an order that nobody knows to be paid.""",
    ),
    "insert_then_charge": (
        "Insert, then charge",
        """Before the commit nothing has happened, and to begin anew does no harm. Behind it a
second run inserts a second row, since nothing in the table forbids it, and behind the charge it
charges a second time, too. Whoever is not run again leaves a payment that nobody made.""",
    ),
    "upsert_with_key": (
        "Upsert with a key, then charge with it",
        """The same steps, and both carry a key that is made of the job's id, so a second run finds
the row, and the service knows the charge. It may be run as often as need be. It has to be: whoever
is not run again still leaves a row without a charge.""",
    ),
    "mail_then_mark": (
        "E-mail, then mark",
        """It asks before it sends, so a second run does nothing once the mark is set. Between the
e-mail and the mark it cannot know, and sends a second one; so do two runs at once.""",
    ),
}
WHOLE = (("charge_then_update", "recommended"),)  # elsewhere: what passes to services
SERVICES = ("db: ", "payments: ", "mails: ")
SETTINGS = ("as it comes", "recommended")
ON_PAGE = tuple((task, settings) for task in READINGS for settings in SETTINGS)
PINS = (*sign("celery").pins, "psycopg==3.3.9", "psycopg-binary==3.3.9")
DATABASE_URL = "postgresql://jobquake@localhost:5432/postgres?sslmode=disable"
SINK = f"{sys.executable} -m jobquake sink --port {{port}}"
PAYMENTS = f"payments=localhost:8475={SINK}"
MAILS = f"mails=localhost:8476={SINK} --path /mails"
DATABASE = f"db=localhost:5432={sys.executable} {DEMO / 'orders_db.py'} db {{port}}"
INTRODUCTION = """# Audits: if this job runs twice, what breaks?

Made by `{command}`; nothing but the readings is written by hand. Each grid is a sweep
([sweep.md](sweep.md), which has the meaning of each way and sign) of one task of
`frameworks/demo/orders.py` on {library} and Redis, with a payment service or a mail service
(`jobquake sink`) and a PostgreSQL of each run's own, in leaping time; what was found was not
repeated in real time here (`--confirm`). The first task with the recommended settings is swept
whole. Elsewhere only the round trips to services are broken (`--only`), since Redis is asked the
same by each of them.

`as it comes` sets nothing but two processes; `recommended` is what Celery's documentation
recommends against loss:

```text
{recommended}
```

*The reading* is what somebody who reads the code carefully expects, written down before the sweep
ran. *What was found* are the sentences of the sweep's own audit.

To audit a task of your own, name what it calls, and how a run starts one of its own:

```text
DATABASE_URL='{url}' \\
jobquake sweep --app orders:app --task orders.charge_then_update --args orders:order_of \\
    --service 'payments=localhost:8475=jobquake sink --port {{port}}' \\
    --service 'db=localhost:5432=python orders_db.py db {{port}}'
```

`orders_db.py` starts a PostgreSQL with the tables. Each job is given an order of its own (`--args`
names a function): a second job that finds the work of the first one done would hide what a second
run does.
"""


def recommended() -> dict[str, object]:
    """What Celery's documentation recommends against loss, each with its reason on the board."""
    _, shop = shops()["celery"]
    return {one.name: one.value for one in shop.safe}


def system_of(task: str, settings: str) -> AppSystem:
    """That task with those settings, and what it calls."""
    called = MAILS if task == "mail_then_mark" else PAYMENTS
    said = recommended() if settings == "recommended" else {}
    return apps.system_of(
        App(
            "orders:app",
            f"orders.{task}",
            str(environment(*PINS)),
            DEMO,
            args="orders:order_of",
            env={"ORDERS": json.dumps(said), "DATABASE_URL": DATABASE_URL},
            services=(put(called), put(DATABASE)),
        )
    )


def audited(
    task: str, settings: str, folder: Path, parallel: int = 2, only: Sequence[str] = ()
) -> Swept:
    """The whole sweep of that task with those settings; ``only`` as of ``jobquake sweep``."""

    def tell(now: Progress) -> None:
        if now.last:
            print(text.progress(now), flush=True)

    place = folder / f"{task}-{settings.replace(' ', '-')}"
    system = system_of(task, settings)
    found = sweep(system, place, parallel=parallel, only=only, confirm_s=0.0, tell=tell)
    (place / "sweep.html").write_text(page.page(found), encoding="utf-8")
    return found


def only_of(task: str, settings: str) -> tuple[str, ...]:
    """Which round trips are broken on the page; none named: all."""
    return () if (task, settings) in WHOLE else SERVICES


def code_of(task: str) -> str:
    """The task as it stands in the app."""
    source = (DEMO / "orders.py").read_text(encoding="utf-8")
    (found,) = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == task
    ]
    lines = source.splitlines()[found.decorator_list[0].lineno - 1 : found.end_lineno]
    return "\n".join(line.partition("  # type: ignore")[0] for line in lines)


def section(task: str, sweeps: dict[str, Swept]) -> str:
    """A task's code, how it reads, and both of its sweeps."""
    title, reading = READINGS[task]
    lines = [f"## {title}", "", "```python", code_of(task), "```", "", f"*The reading:* {reading}"]
    for settings, found in sweeps.items():
        lines += ["", f"### {title}: {settings}", "", "```text", _picture(found), "```", ""]
        lines += ["*What was found:*", ""]
        for answer in audit(found):
            sign = LOOKS[answer.outcome].sign
            lines.append(f"- {sign} {answer.when}, {answer.what}. {answer.prevents}".rstrip())
    return "\n".join(lines)


def _picture(found: Swept) -> str:
    said = StringIO()
    console = Console(file=said, width=120, no_color=True, highlight=False)
    text.sequence(found, console)
    text.grid(found, console)
    return "\n".join(line.rstrip() for line in said.getvalue().splitlines())


def written(sweeps: dict[str, dict[str, Swept]], command: str) -> str:
    """The whole page."""
    (any_task, *_) = sweeps.values()
    (any_sweep, *_) = any_task.values()
    said = "\n".join(f"{name} = {value!r}" for name, value in recommended().items())
    introduction = INTRODUCTION.format(
        command=command, library=any_sweep.library, recommended=said, url=DATABASE_URL
    )
    return "\n".join([introduction, *(section(*one) + "\n" for one in sweeps.items())])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*")
    parser.add_argument("--folder", type=Path, default=Path("jobquake-runs/audits"))
    parser.add_argument("--parallel", type=int, default=2)
    arguments = parser.parse_args()
    sweeps: dict[str, dict[str, Swept]] = {}
    for task, settings in ON_PAGE:
        if task in (arguments.tasks or READINGS):
            only = only_of(task, settings)
            found = audited(task, settings, arguments.folder, arguments.parallel, only)
            sweeps.setdefault(task, {})[settings] = found
    if arguments.tasks:
        return
    PAGE.write_text(written(sweeps, "python benchmarks/audits.py"), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
