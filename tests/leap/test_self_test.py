"""What leaping time reaches, and how it says so before a run: a self-test, a look at files."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

import pytest
from jobquake.errors import EnvironmentFault
from jobquake.leap import build, self_test
from jobquake.leap.compiling import LIBC, libc
from jobquake.leap.reach import out_of_reach
from jobquake.leap.sleepers import ALONE, HOUR_S
from jobquake.servers import postgres, redis
from support.leaping import needs_compiler, program
from support.servers_here import or_skip

pytestmark = needs_compiler


def slept_well(servers: list[str]) -> dict[str, self_test.Slept]:
    slept = {each.name: each for each in self_test.sleep_all(servers)}
    assert not [each for each in slept.values() if each.error]
    assert all(abs(each.virtual_s - HOUR_S) <= HOUR_S / 100 for each in slept.values())
    assert all(each.real_s < HOUR_S / 10 for each in slept.values())
    return slept


def test_it_works_where_the_tests_run() -> None:
    assert self_test.works() is None


@pytest.mark.slow
def test_every_kind_of_sleeper_sleeps_for_an_hour() -> None:
    slept = slept_well([])
    assert set(ALONE) <= set(slept)
    assert ("a timer in node" in slept) == (shutil.which("node") is not None)


@pytest.mark.slow
@pytest.mark.parametrize("server", [redis, postgres], ids=["redis", "postgres"])
def test_servers_keep_time(server: object) -> None:
    or_skip(server.program)  # type: ignore[attr-defined]  # a module: both have it
    name = str(server.__name__).rpartition(".")[2]  # type: ignore[attr-defined]
    slept = slept_well([name])
    assert {"redis": "BLPOP in Redis", "postgres": "statement_timeout"}[name] in slept


def test_a_machine_without_a_compiler_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    build.built.cache_clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "PREBUILT", tmp_path)
    monkeypatch.setenv("CC", "no-such-compiler")
    try:
        with pytest.raises(EnvironmentFault, match="expected a C compiler"):
            build.built()
        assert "install gcc, or use --time real" in (self_test.works() or "")
        monkeypatch.setenv("CC", "false")
        with pytest.raises(EnvironmentFault, match=r"expected .*false to build the clock"):
            build.built()
        assert not list(tmp_path.rglob("*.so"))
        monkeypatch.delenv("CC")
        made = build.built()
        assert made.library.is_relative_to(tmp_path) and self_test.works() is None
        assert made.library.with_name(LIBC).read_text() == ".".join(map(str, libc()))
        before = made.library.stat().st_mtime_ns
        build.built.cache_clear()
        assert build.built().library.stat().st_mtime_ns == before, "it was built once"
    finally:
        build.built.cache_clear()


def test_what_a_newer_libc_built_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = tmp_path / platform.machine()
    shutil.copytree(build.built().library.parent, shipped)
    monkeypatch.setattr(build, "PREBUILT", tmp_path)
    try:
        for version, used in (("2.17", True), (".".join(map(str, libc())), True), ("9.0", False)):
            (shipped / LIBC).write_text(version)
            build.built.cache_clear()
            assert build.built().library.is_relative_to(shipped) == used
    finally:
        build.built.cache_clear()


def test_programs_out_of_reach_are_told_by_their_files(tmp_path: Path) -> None:
    dynamic = program("outside")
    assert out_of_reach(dynamic) is None
    assert "statically" in (out_of_reach(program("outside", "-static", "-DSTATIC")) or "")
    musl = program("outside", "-Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1")
    assert "musl" in (out_of_reach(musl) or "")
    raised = tmp_path / "raised"
    shutil.copy(dynamic, raised)
    raised.chmod(0o4755)
    assert "setuid" in (out_of_reach(raised) or "")
    assert out_of_reach("no-such-program") == "it was not found"


def test_a_script_is_as_good_as_its_interpreter(tmp_path: Path) -> None:
    for name, first, reason in (
        ("here", f"#!{sys.executable}", None),
        ("env", "#!/usr/bin/env -S FOO=1 sh -e", None),
        ("static", f"#!{program('outside', '-static', '-DSTATIC')}", "statically"),
        ("lost", "#!/no/such/interpreter", "interpreter was not found"),
    ):
        script = tmp_path / name
        script.write_text(f"{first}\n")
        script.chmod(0o755)
        found = out_of_reach(script)
        assert found is None if reason is None else reason in (found or ""), name


def test_a_go_program_is_out_of_reach() -> None:
    go = shutil.which("go")
    if go is None:
        pytest.skip("there is no Go here")
    assert "Go program" in (out_of_reach(go) or "")
