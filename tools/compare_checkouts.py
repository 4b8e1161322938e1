"""Whether two checkouts mean the same by the same plans: histories, replay strings, pages.

    .venv/bin/python tools/compare_checkouts.py OLD NEW [--plans 300] [--pages 30]

OLD draws the plans: every scenario with its variants, and what exploration draws. Both then
carry all of them out in virtual time on every backend that needs no server, and judge them. A
history must be the same, byte by byte; a replay string that OLD made must decode and be judged
as before; a page may differ in its words and in nothing else. Exits 1 if anything differs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, TypedDict

# What runs inside a checkout. It finds each thing where one of them has it.
INSIDE = r"""
import hashlib, json, sys
from importlib import import_module
from random import Random

def thing(*places):
    for place in places:
        module, _, name = place.partition(":")
        try:
            return getattr(import_module("jobquake." + module), name)
        except (ImportError, AttributeError):
            continue
    raise SystemExit(f"none of {places} is here")

backends = import_module("jobquake.backends.registry")
scenarios = import_module("jobquake.scenarios.registry")
encode = thing("harness.plan.replay:encode", "harness.plan.plan:encode", "harness.plan:encode")
decode = thing("harness.plan.replay:decode", "harness.plan.plan:decode", "harness.plan:decode")
simulate = thing("harness.drivers.sim:simulate")
Facts = thing("harness.record.facts:Facts", "harness.facts:Facts")
judge = thing("harness.result:judge")

def draw(count):
    Swarm, Space = thing("harness.explore.swarm:Swarm"), thing("harness.explore.swarm:Space")
    draw = thing("harness.explore.draw:draw")
    plans = []
    for name in scenarios.names():
        scenario = scenarios.find(name)
        for variant in scenario.variants:
            plans.append(scenario.plan(0, variant))
    plans = [plan for plan in plans if len(plan.jobs) <= 400][: count // 3]
    Explorer = thing("harness.explore.techniques:Explorer")
    techniques = thing("harness.explore.techniques:MIXES")["portfolio"]
    number = 0
    while len(plans) < count:
        rng = Random(f"compare {number}")
        technique = rng.choices(list(techniques), list(techniques.values()))[0]
        for plan in technique(Explorer(), rng, rng.randrange(1 << 31)):
            plans.append(plan)
            break
        number += 1
    return [encode(plan, "reference", "sim") for plan in plans[:count]]

def carry_out(replays, pages):
    page = import_module("jobquake.reports.html").page
    served = ("sqlite", "redis", "postgres")
    known = sorted(backends.names())  # whatever order a checkout has
    names = [name for name in known if not any(word in name for word in served)]
    adapters = [backends.find(name) for name in names]
    found, shown = {}, []
    for number, replay in enumerate(replays):
        plan = decode(replay).plan
        if encode(plan, "reference", "sim") != replay:
            found[f"{number} replay"] = "another string"
        for adapter in adapters:
            key = f"{number} {adapter.name}"
            try:
                history = simulate(plan, adapter)
            except Exception as error:
                found[key] = f"raises {type(error).__name__}"
                continue
            digest = hashlib.sha256(history.tobytes()).hexdigest()[:16]
            found[key] = digest
            every = number % 7 == 0 or adapter.name == "reference"
            if not every:
                continue
            result = judge(plan, adapter, history, "sim")
            verdicts = [result.verdict, *(f"{c.name} {c.verdict}" for c in result.checks)]
            found[f"{key} judged"] = " ".join(verdicts)
            if result.verdict == "violated" and len(shown) < pages and number % 3 == 0:
                shown.append((key, page(result, plan, adapter.claims, history)))
    return {"found": found, "pages": shown, "backends": len(adapters)}

what = json.loads(sys.stdin.read())
answer = draw(what["plans"]) if what["do"] == "draw" else carry_out(what["replays"], what["pages"])
json.dump(answer, sys.stdout)
"""


class Done(TypedDict):
    """What a checkout has carried out; a page comes with its name."""

    found: dict[str, str]
    pages: list[tuple[str, str]]
    backends: int


def inside(checkout: Path, what: object) -> subprocess.Popen[str]:
    """Start that work in a checkout, whose files stand for the package whatever is installed."""
    place = Path(tempfile.mkdtemp(prefix="jobquake-compare-"))
    (place / "jobquake").symlink_to(checkout.resolve())
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", INSIDE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(place), "PYTHONHASHSEED": "0"},
    )
    assert process.stdin
    process.stdin.write(json.dumps(what))
    process.stdin.close()
    return process


def answer(process: subprocess.Popen[str]) -> Any:
    """The JSON that it wrote."""
    assert process.stdout
    text = process.stdout.read()
    if process.wait():
        raise SystemExit(process.returncode)
    return json.loads(text)


def skeleton(page: str) -> Counter[str]:
    """The elements and drawn shapes of a page, without any words."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    tags = re.findall(r"<(\w+)([^>]*)>", body)
    return Counter(name for name, _ in tags)


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    reader.add_argument("old", type=Path)
    reader.add_argument("new", type=Path)
    reader.add_argument("--plans", type=int, default=300)
    reader.add_argument("--pages", type=int, default=30)
    asked = reader.parse_args()
    replays: list[str] = answer(inside(asked.old, {"do": "draw", "plans": asked.plans}))
    work = {"do": "carry out", "replays": replays, "pages": asked.pages}
    both = [inside(checkout, work) for checkout in (asked.old, asked.new)]
    done: list[Done] = [answer(process) for process in both]
    old, new = done
    differ = [key for key in old["found"] if old["found"][key] != new["found"].get(key)]
    runs = sum(" judged" not in key for key in old["found"])
    print(f"{runs} runs of {asked.plans} plans on {old['backends']} backends: ", end="")
    print("the same histories and verdicts" if not differ else f"{len(differ)} differ")
    for key in differ[:10]:
        print(f"  {key}: {old['found'][key]} was, {new['found'].get(key)} is")
    wrong = []
    for (name, before), (_, after) in zip(old["pages"], new["pages"], strict=True):
        if skeleton(before) != skeleton(after):
            wrong.append(name)
            print(
                f"  page {name}: {skeleton(before) - skeleton(after)} gone, "
                f"{skeleton(after) - skeleton(before)} new"
            )
    print(f"{len(old['pages'])} pages: {len(wrong)} differ in more than words")
    return 1 if differ or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
