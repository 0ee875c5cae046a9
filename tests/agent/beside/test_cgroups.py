"""Both versions of control groups, on a tree of files as the kernel's documents describe them."""

from pathlib import Path

import pytest

from harness.agent.beside.cgroups import Cpu, DiskBounds, Memory, enter, groups
from harness.errors import AgentError


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def version_1(tmp_path: Path) -> tuple[Path, Path]:
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    write(
        proc / "1/cgroup", "4:memory:/docker/abc\n3:blkio:/docker/abc\n2:cpuacct:/docker/abc\n1:cpu:/docker/abc\n0::/\n"
    )
    write(root / "cpu/docker/abc/cpu.stat", "nr_periods 10\nnr_throttled 3\nthrottled_time 2500000000\n")
    write(root / "cpuacct/docker/abc/cpuacct.usage", "1500000000\n")
    memory = root / "memory/docker/abc"
    write(memory / "memory.limit_in_bytes", "134217728\n")
    write(memory / "memory.usage_in_bytes", "1000\n")
    write(memory / "memory.stat", "cache 5\nrss 700\n")
    write(memory / "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
    write(root / "blkio/docker/abc/blkio.throttle.read_bps_device", "254:0 1000\n")
    write(root / "blkio/docker/abc/blkio.throttle.write_bps_device", "")
    return root, proc


def version_2(tmp_path: Path, path: str = "/system.slice/docker-abc.scope") -> tuple[Path, Path]:
    root, proc = tmp_path / "cgroup", tmp_path / "proc"
    write(proc / "1/cgroup", f"0::{path}\n")
    write(root / "cgroup.controllers", "cpu io memory pids\n")
    folder = root / "system.slice/docker-abc.scope"
    write(folder / "cpu.stat", "usage_usec 1500000\nuser_usec 1\nthrottled_usec 2500000\n")
    write(folder / "memory.max", "134217728\n")
    write(folder / "memory.current", "1000\n")
    write(folder / "memory.stat", "anon 700\nfile 5\n")
    write(folder / "memory.events", "low 0\noom 3\noom_kill 2\n")
    write(folder / "io.max", "254:0 rbps=1000 wbps=max riops=max wiops=max\n8:0 rbps=max wbps=5\n")
    return root, proc


@pytest.mark.parametrize("version", [version_1, version_2])
def test_both_versions_tell_the_same_figures_in_the_same_units(version: type, tmp_path: Path) -> None:
    node = groups(*version(tmp_path))
    assert node.cpu() == Cpu(used_s=1.5, throttled_s=2.5)
    assert node.memory() == Memory(1000, 700, 134217728, 2)
    assert node.disk("254:0") == DiskBounds(1000, 0)
    assert node.disk("1:1") == DiskBounds(0, 0)


def test_version_1_has_no_limit_where_the_kernel_writes_its_largest_number(tmp_path: Path) -> None:
    root, proc = version_1(tmp_path)
    write(root / "memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n")
    assert groups(root, proc).memory().limit_bytes is None


def test_version_2_has_no_limit_where_the_kernel_writes_max(tmp_path: Path) -> None:
    root, proc = version_2(tmp_path)
    write(root / "system.slice/docker-abc.scope/memory.max", "max\n")
    assert groups(root, proc).memory().limit_bytes is None


def test_version_1_takes_a_bound_of_each_way_and_zero_for_none(tmp_path: Path) -> None:
    root, proc = version_1(tmp_path)
    groups(root, proc).bound_disk("254:0", DiskBounds(0, 7))
    folder = root / "blkio/docker/abc"
    assert (folder / "blkio.throttle.read_bps_device").read_text() == "254:0 0"
    assert (folder / "blkio.throttle.write_bps_device").read_text() == "254:0 7"


def test_version_2_takes_both_bounds_in_one_line_and_max_for_none(tmp_path: Path) -> None:
    root, proc = version_2(tmp_path)
    groups(root, proc).bound_disk("254:0", DiskBounds(0, 7))
    assert (root / "system.slice/docker-abc.scope/io.max").read_text() == "254:0 rbps=max wbps=7"


def test_a_worker_gets_in_by_every_door(tmp_path: Path) -> None:
    root, proc = version_1(tmp_path)
    doors = groups(root, proc).doors("cpu")
    enter(doors)
    assert [(door.relative_to(root).as_posix(), door.read_text()) for door in doors] == [
        ("cpu/docker/abc/cgroup.procs", "0"),
        ("cpuacct/docker/abc/cgroup.procs", "0"),
    ]


def test_a_group_seen_from_another_namespace_is_found_by_its_last_name(tmp_path: Path) -> None:
    assert groups(*version_2(tmp_path, "/../docker-abc.scope")).cpu().used_s == 1.5


def test_a_group_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="mount the host's control groups there"):
        groups(*version_2(tmp_path, "/../docker-xyz.scope"))
