"""What the engine's answer and the kernel's files say of a container, on files and answers like theirs."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.drivers.use import open_in, read
from harness.engine import Use


def answer(**memory: Any) -> dict[str, Any]:
    cpu = {"cpu_usage": {"total_usage": 2_500_000_000}}
    return {"memory_stats": memory, "pids_stats": {"current": 4}, "cpu_stats": cpu}


@pytest.mark.parametrize("name", ["total_inactive_file", "inactive_file"])
def test_files_that_the_kernel_may_drop_are_no_working_set(name: str) -> None:
    stats = {"cache": 900, name: 300, "rss": 100}
    assert read(answer(usage=1000, stats=stats), 12) == Use(700, 2.5, 4, 12)


def test_without_the_parts_of_it_the_whole_usage_counts() -> None:
    assert read(answer(usage=1000), None) == Use(1000, 2.5, 4, None)


def test_a_container_that_does_not_run_uses_nothing() -> None:
    assert read({"memory_stats": {}, "pids_stats": {}, "cpu_stats": {"cpu_usage": {"total_usage": 0}}}, None) is None
    assert read({}, None) is None
    assert read(answer() | {"pids_stats": {"current": 0}}, None) is None


def test_descriptors_are_those_of_all_its_processes(tmp_path: Path) -> None:
    group, proc = tmp_path / "group", Path("/proc")
    group.mkdir()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as cat:
        assert cat.stdin and cat.stdout
        cat.stdin.write(b"x")
        assert cat.stdout.read(1) == b"x"  # from here on it opens and closes nothing
        (group / "cgroup.procs").write_text(f"{cat.pid}\n{cat.pid}\n999999999\n")
        one = (proc / str(cat.pid) / "fd").stat().st_size
        assert open_in(group, proc) == (2 * one if one else None)
        cat.stdin.close()


def test_where_the_kernel_does_not_say_nobody_knows(tmp_path: Path) -> None:
    assert open_in(tmp_path / "elsewhere", Path("/proc")) is None
    (tmp_path / "cgroup.procs").write_text("1\n")
    assert open_in(tmp_path, tmp_path / "proc") is None
