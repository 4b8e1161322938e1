"""The package as a building: each floor rests on those below it, every room has a sign at
its door, and what is shipped is what is here.
"""

from __future__ import annotations

import ast
import platform
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import jobquake
import pytest
from jobquake._moved import MOVED
from jobquake.backends import registry as backends
from jobquake.backends.reference.adapter import ReferenceAdapter
from jobquake.harness.checks import CHECKS
from jobquake.harness.faults import FAULTS
from jobquake.leap.compiling import GOVERNOR, LIBC, LIBRARY, compiler, libc
from jobquake.scenarios import registry as scenarios
from support.weight import HEAVY, loaded_by
from support.wheel import build_wheel

ROOT = Path(jobquake.__file__).parent
# Loaded before any test runs: what is loaded while a test uses pytester is forgotten after it.
PUBLIC = {name: getattr(jobquake, name) for name in dir(jobquake)}
FLOORS = {
    "errors": 0,
    "_moved": 0,
    "leap": 1,
    "listing": 1,
    "whole_file": 1,
    "pools": 1,
    "kept": 1,
    "protocol": 1,
    "servers": 1,
    "environments": 1,
    "blame": 2,
    "known": 2,
    "proxy": 2,
    "wires": 2,
    "backends": 3,
    "effects": 3,
    "frameworks": 4,
    "harness": 5,
    "scenarios": 6,
    "backtests": 6,
    "capacity": 6,
    "sweep": 6,
    "board": 6,
    "reports": 7,
    "live": 8,
    "cli": 9,
    "__main__": 10,
}
FACES = 8
HARNESS = {  # the floors inside the room
    "units": 0,
    "skipped": 0,
    "finding": 0,
    "sight": 0,
    "properties": 1,
    "faults": 1,
    "plan": 2,
    "record": 3,
    "strikes": 3,
    "why_not": 3,
    "spec": 4,
    "checks": 5,
    "drivers": 5,
    "result": 6,
    "trial": 6,
    "strategies": 6,
    "run": 7,
    "explore": 7,
    "run_folder": 8,
    "confirm": 8,
    "assertions": 9,
    "soak": 10,
    "contract": 10,
    "shrink": 10,
}
LONGEST = 400
FOLDERS = [ROOT / room for room in FLOORS]
FILES = sorted(
    [
        *(file for file in ROOT.glob("*.py") if file.name != "setup.py"),
        *(file for f in FOLDERS for file in f.rglob("*.py")),
    ]
)


def place(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def room(module: str) -> str:
    """The folder of ``jobquake.x.y``: ``x``, or "" for what lies at the top."""
    name = [*module.split("."), ""][1]
    return name if name in FLOORS else ""


def floor(module: str) -> int:
    return FLOORS.get(room(module), FACES)


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


@cache
def imports(file: Path) -> tuple[str, ...]:
    """Every module of jobquake that the file imports, wherever in it, for whatever purpose."""
    return tuple(_imports(file))


def _imports(file: Path) -> Iterator[str]:
    inside = ["jobquake", *file.relative_to(ROOT).parent.parts]
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("jobquake"))
        elif isinstance(node, ast.ImportFrom):
            parts = inside[: len(inside) - node.level + 1] if node.level else []
            base = ".".join([*parts, *filter(None, [node.module])])
            if base.split(".")[0] == "jobquake":
                yield from (f"{base}.{alias.name}" for alias in node.names)


def module_of(file: Path) -> str:
    return ".".join(["jobquake", *file.relative_to(ROOT).with_suffix("").parts])


OF_HARNESS = [file for file in FILES if room(module_of(file)) == "harness"]

# -- floors -------------------------------------------------------------------------------


def test_the_reader_of_imports_sees_them_all() -> None:
    assert {"jobquake.backends.adapter.Adapter", "jobquake.scenarios.scenario.Scenario"} <= set(
        imports(ROOT / "__init__.py")
    )
    assert "jobquake.protocol.commands.Command" in set(imports(ROOT / "harness/drivers/observe.py"))
    assert "jobquake.harness.record.facts.Facts" in set(
        imports(ROOT / "harness/checks/no_phantoms.py")
    )


def test_a_floor_imports_only_from_its_own_room_and_from_floors_below() -> None:
    here = {file: module_of(file) for file in FILES}
    wrong = [
        f"{place(file)} imports {module}"
        for file in FILES
        for module in imports(file)
        if room(module) != room(here[file]) and floor(module) >= floor(here[file])
    ]
    assert not wrong


def test_a_floor_of_the_harness_imports_only_from_itself_and_from_floors_below() -> None:
    wrong = []
    for file in OF_HARNESS:
        here = [*module_of(file).split("."), ""][2]
        there = {m.split(".")[2] for m in imports(file) if m.startswith("jobquake.harness.")}
        assert here == "__init__" or here in HARNESS
        above = [name for name in there - {here} if HARNESS[name] >= HARNESS[here]]
        wrong += [f"{place(file)} imports from {name}" for name in above]
    assert not wrong


def circles(uses: dict[str, set[str]]) -> list[str]:
    """What is left when whoever uses nobody is taken away, again and again."""
    left = {name: {*used} - {name} for name, used in uses.items()}
    while free := {name for name, used in left.items() if not used & left.keys()}:
        left = {name: used for name, used in left.items() if name not in free}
    return sorted(left)


def test_no_circle_among_files_and_none_among_rooms() -> None:
    files = {module_of(file).removesuffix(".__init__"): file for file in FILES}
    halls = {file.parent.parent for file in files.values()}  # their files are rooms by themselves

    def file_of(module: str) -> str:
        while module not in files:
            module = module.rpartition(".")[0]
        return module

    def room_of(module: str) -> str:
        folder = files[module].parent
        return module if folder in halls else folder.relative_to(ROOT).as_posix()

    uses = {name: {file_of(module) for module in imports(file)} for name, file in files.items()}
    rooms = dict[str, set[str]]()
    for name, used in uses.items():
        rooms.setdefault(room_of(name), set()).update(map(room_of, used - {"jobquake"}))
    assert len(uses) > 300 and len(rooms) > 60
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b", "d"}, "d": set()}) == ["a", "b", "c"]
    assert not circles({name: used - {"jobquake"} for name, used in uses.items()})
    assert not circles(rooms)


def test_the_harness_knows_no_scenario_and_no_backend_by_name() -> None:
    known = {*scenarios.names(), *backends.names()} - {
        fault.label for fault in FAULTS.values()
    }  # partition is a fault, too
    concrete = ("jobquake.backends.reference", "jobquake.backends.reference.twins")
    hyphened = [name for name in known if "-" in name]
    told = []
    for file in OF_HARNESS:
        text = file.read_text()
        words = {n.value for n in ast.walk(parsed(file)) if isinstance(n, ast.Constant)}
        named = [*known & words, *(name for name in hyphened if name in text)]
        named += [module for module in imports(file) if module.startswith(concrete)]
        told += [f"{place(file)} knows {name}" for name in named]
    assert not told


def test_what_has_moved_is_where_it_is_said_to_be() -> None:
    assert not [new for new in MOVED.values() if not find_spec(f"jobquake.{new}")]


def test_what_lies_below_an_old_place_is_the_same_module_as_below_the_new_one() -> None:
    program = """
from jobquake.backends.twins.no_lease import TWIN as old
from jobquake.backends.twins.altered import altered_store
from jobquake.backends.reference.adapter import REFERENCE
from jobquake.backends.reference.twins.no_lease import TWIN
from jobquake.backends import registry
assert old is TWIN is registry.find("twin-no-lease")
assert REFERENCE is registry.find("reference")
"""
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", program], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "jobquake.backends.twins.no_lease has moved" in done.stderr
    assert "adapter.REFERENCE has moved" in done.stderr


# -- weight -------------------------------------------------------------------------------


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import jobquake")
    assert not (HEAVY | {"msgspec", "tempfile"}) & loaded
    assert {m for m in loaded if m.startswith("jobquake.")} == {"jobquake._moved"}


@pytest.mark.parametrize("backend", ["reference", "reference-sqlite"])
def test_a_worker_process_is_light(backend: str) -> None:
    node = "import jobquake.harness.drivers.node"
    start = f"from jobquake.backends import registry; registry.find({backend!r})"
    loaded = loaded_by(f"{node}\n{start}")
    assert "jobquake.harness.drivers.node" in loaded
    assert not HEAVY & loaded
    assert not {m for m in loaded if m.startswith(("jobquake.scenarios", "jobquake.reports"))}


def test_the_list_needs_no_numbers_and_no_templates() -> None:
    loaded = loaded_by("from jobquake.cli.group import cli; cli(['list'], standalone_mode=False)")
    assert not {"numpy", "simpy", "hypothesis", "jinja2", "rich"} & loaded


@pytest.mark.parametrize("name", jobquake.__all__)
def test_every_public_name_is_there_and_comes_from_where_it_is_said_to(name: str) -> None:
    value = PUBLIC[name]
    assert value is getattr(jobquake, name) is getattr(sys.modules[value.__module__], name)
    assert value.__doc__


def test_the_public_names_are_those_that_type_checkers_see() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text())
    (guard,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = [a.name for node in guard.body if isinstance(node, ast.ImportFrom) for a in node.names]
    assert sorted([*typed, "__version__"]) == dir(jobquake)
    modules = set(typed) - set(jobquake.__all__)
    assert all(getattr(jobquake, name) is sys.modules[f"jobquake.{name}"] for name in modules)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = jobquake.no_such_name


# -- files --------------------------------------------------------------------------------


def test_a_module_starts_with_what_it_is_for_and_can_be_read_in_one_go() -> None:
    assert not [place(file) for file in FILES if not ast.get_docstring(parsed(file))]
    assert not [place(file) for file in FILES if file.read_text().count("\n") > LONGEST]


# -- names --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_has_a_file_and_a_promise(name: str) -> None:
    check = CHECKS[name]
    assert check.name == name
    assert check.title
    module = sys.modules[check.judge.__module__]
    assert module.__name__ == f"jobquake.harness.checks.{name}"
    first = (module.__doc__ or "").split(":")[0].lower()
    assert first.replace(" ", "_") == name, "its first words are its name"


@pytest.mark.parametrize("name", backends.names())
def test_a_backend_says_what_it_is_and_a_twin_what_catches_it(name: str) -> None:
    adapter = backends.find(name)
    assert adapter.name == name
    assert adapter.summary
    assert (adapter.violates is not None) == name.startswith("twin-")
    if adapter.violates:
        assert adapter.violates in CHECKS
        file = name.removeprefix("twin-").replace("-", "_") + ".py"
        text = (ROOT / "backends" / "reference" / "twins" / file).read_text()
        story = " ".join((ast.get_docstring(ast.parse(text)) or "").split())
        assert isinstance(adapter, ReferenceAdapter) and adapter.bug_class
        assert story.endswith(f"Bug class: {adapter.bug_class}. Found by: {adapter.violates}.")


@pytest.mark.parametrize("name", scenarios.names())
def test_a_scenario_says_what_it_stages_and_its_controls_what_catches_them(name: str) -> None:
    scenario = scenarios.find(name)
    assert scenario.name == name
    assert scenario.summary
    assert scenario.build.__module__.endswith(name.replace("-", "_"))
    for variant in scenario.variants:
        plan = scenario.plan(0, variant)
        assert (plan.scenario, plan.variant, plan.seed) == (name, variant, 0)
        assert set(plan.guarantees) <= set(CHECKS)
        assert "faults_hit" in plan.guarantees
        assert plan.must_hit or not plan.faults, "a fault that struck nothing proves nothing"
        if check := scenario.controls.get(variant):
            assert check in plan.guarantees
    assert set(scenario.controls) <= set(scenario.variants[1:])
    with pytest.raises(KeyError):
        scenario.plan(0, "no-such-variant")


# -- the wheel ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {n for n in archive.namelist() if ".dist-info/" not in n}
    browser = ROOT / "reports" / "timeline" / "browser"
    folders = [ROOT / "reports" / "templates", browser, ROOT / "operations"]
    folders += [ROOT / "leap" / "native", *(ROOT / "leap" / "native").glob("*/")]
    files = (place(f) for folder in folders for f in folder.iterdir() if f.is_file())
    data = [
        "py.typed",
        "reports/style.css",
        "reports/likely_causes.toml",
        "servers/rabbitmq.erlang",
    ]
    data += files
    if sys.platform == "linux" and compiler() and libc():
        here = platform.machine()
        assert wheel.name.endswith(f"-py3-none-linux_{here}.whl")
        data += [f"leap/prebuilt/{here}/{name}" for name in (LIBRARY, GOVERNOR, LIBC)]
    else:
        assert wheel.name.endswith("-py3-none-any.whl")
    assert held == {f"jobquake/{name}" for name in [*map(place, FILES), *data]}


def test_the_wheel_names_its_version_its_commands_and_its_plugin(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == jobquake.__version__
    with zipfile.ZipFile(wheel) as archive:
        name = f"jobquake-{jobquake.__version__}.dist-info/entry_points.txt"
        entries = archive.read(name).decode()
    assert "jobquake = jobquake.cli:main" in entries
    assert "jobquake = jobquake.pytest_plugin" in entries


def test_what_the_wheel_holds_runs(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    script = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
    script += "import jobquake.cli; print(jobquake.__file__, flush=True); jobquake.cli.main()"
    words = ["run", "worker-kill-before-ack", "--driver", "sim"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(str(tmp_path / "site"))
    assert list(tmp_path.glob("jobquake-runs/*/report.html"))
