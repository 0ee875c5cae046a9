"""The pure parts of what is done beside a node."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent.beside.cgroups import Cpu, DiskBounds, Groups, Memory, What
from harness.agent.beside.descriptors import open_files, soft_limit
from harness.agent.beside.flip import FlipBits, chosen, flipped, places
from harness.agent.beside.hogs import RunHog
from harness.agent.beside.ports import NarrowPorts, OldRange, used_ports
from harness.agent.beside.syscalls import command, files
from harness.agent.beside.throttle import disk_under, probe_bytes
from harness.agent.beside.volumes import Mount, mounts, small_volume
from harness.errors import AgentError
from harness.primitives import Ephemeral, Flip, Hog, Syscalls


@given(st.integers(0, 2**48), st.integers(1, 4096), st.data())
def test_so_many_bits_of_so_many_bytes_and_the_same_for_the_same_seed(
    seed: int, size: int, data: st.DataObject
) -> None:
    bits = data.draw(st.integers(1, min(64, size * 8)))
    masks = places(seed, size, bits)
    assert sum(mask.bit_count() for mask in masks.values()) == bits
    assert all(0 <= where < size for where in masks)
    assert masks == places(seed, size, bits)


def test_bits_are_flipped_and_flipped_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, path = flips(tmp_path, monkeypatch)
    memory = work.plan()
    work.apply(memory, 1.0)
    assert path.read_bytes() != bytes(100)
    assert flipped(memory) == len(memory.bytes)
    work.undo(memory)
    assert path.read_bytes() == bytes(100)
    assert list(work.left(memory)) == []


def test_a_byte_that_the_node_has_written_since_is_the_nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, path = flips(tmp_path, monkeypatch)
    memory = work.plan()
    work.apply(memory, 1.0)
    where, _, ours = memory.bytes[0]
    with path.open("r+b") as file:
        file.seek(where)
        file.write(bytes((ours ^ 0xFF,)))
    work.undo(memory)
    assert path.read_bytes()[where] == ours ^ 0xFF
    assert list(work.left(memory)) == []


def test_another_file_under_the_name_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, path = flips(tmp_path, monkeypatch)
    memory = work.plan()
    work.apply(memory, 1.0)
    other = tmp_path / "other"
    other.write_bytes(path.read_bytes())
    corrupt = other.read_bytes()
    other.rename(path)
    work.undo(memory)
    assert path.read_bytes() == corrupt


def flips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FlipBits, Path]:
    """What is a volume is a matter of mounts: see the tests with containers."""
    monkeypatch.setattr("harness.agent.beside.flip.in_volume", lambda path: path.stat())
    path = tmp_path / "table"
    path.write_bytes(bytes(100))
    return FlipBits(Flip("n1", str(path), bits=3, seed=7)), path


def test_of_the_files_that_match_the_largest_is_chosen(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for name, size in (("a.db", 10), ("b.db", 20), ("inner/c.db", 30), ("d.log", 40)):
        (tmp_path / name).write_bytes(bytes(size))
    assert chosen(f"{tmp_path}/*.db").name == "b.db"
    assert chosen(f"{tmp_path}/**/*.db").name == "c.db"
    with pytest.raises(AgentError, match="no file matches"):
        chosen(f"{tmp_path}/*.txt")


# --- memory -----------------------------------------------------------------------------------------------------------


class FakeGroups(Groups):
    def __init__(self, memory: Memory) -> None:
        self.now = memory

    def doors(self, what: What) -> tuple[Path, ...]:
        return ()

    def cpu(self) -> Cpu:
        return Cpu(0, 0)

    def memory(self) -> Memory:
        return self.now

    def disk(self, device: str) -> DiskBounds:
        return DiskBounds(0, 0)

    def bound_disk(self, device: str, bounds: DiskBounds) -> None:
        raise NotImplementedError


MB = 1_000_000


@pytest.mark.parametrize(
    ("hog", "memory", "said"),
    [
        (Hog("n1", "oom"), Memory(0, 0, None, 0), "has no memory limit, so the host would run out"),
        (Hog("n1", "oom"), Memory(0, 0, 501 * MB, 0), "more than half of what this host has left"),
        (Hog("n1", "memory", size_bytes=501 * MB), Memory(0, 0, None, 0), "more than half of what this host has left"),
        (Hog("n1", "memory", size_bytes=60 * MB), Memory(90 * MB, 50 * MB, 100 * MB, 0), "more than the 50 MB left"),
    ],
)
def test_memory_that_would_endanger_the_host_or_the_node_is_refused(
    hog: Hog, memory: Memory, said: str, tmp_path: Path
) -> None:
    (tmp_path / "meminfo").write_text(f"MemTotal: 9 kB\nMemAvailable: {1000 * MB // 1024} kB\n")
    with pytest.raises(AgentError, match=said):
        RunHog(hog, FakeGroups(memory), tmp_path).check()


def test_memory_within_both_bounds_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(f"MemAvailable: {1000 * MB // 1024} kB\n")
    memory = Memory(90 * MB, 40 * MB, 100 * MB, 0)
    RunHog(Hog("n1", "memory", size_bytes=50 * MB), FakeGroups(memory), tmp_path).check()
    RunHog(Hog("n1", "oom"), FakeGroups(memory), tmp_path).check()


# --- disks ------------------------------------------------------------------------------------------------------------


def test_the_hosts_disk_is_never_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.agent.beside.volumes.in_volume", lambda path: path.stat())
    with pytest.raises(AgentError, match="declare a volume there"):
        small_volume(tmp_path, 1)


def test_a_path_of_our_own_container_is_no_volume() -> None:
    with pytest.raises(AgentError, match="is in no volume of the node"):
        small_volume(Path("/"), 2**40)


def test_a_partition_stands_for_its_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = tmp_path.stat().st_dev
    monkeypatch.setattr("harness.agent.beside.throttle.in_volume", lambda path: path.stat())
    disk, blocks = tmp_path / "vda", tmp_path / "block"
    (disk / "vda1").mkdir(parents=True)
    blocks.mkdir()
    (disk / "dev").write_text("254:0\n")
    (blocks / f"{os.major(device)}:{os.minor(device)}").symlink_to(disk / "vda1")
    assert disk_under(tmp_path, blocks) == f"{os.major(device)}:{os.minor(device)}"
    (disk / "vda1/partition").write_text("1\n")
    assert disk_under(tmp_path, blocks) == "254:0"


def test_what_lies_on_no_disk_cannot_be_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.agent.beside.throttle.in_volume", lambda path: path.stat())
    with pytest.raises(AgentError, match="lies on no disk of its own"):
        disk_under(tmp_path, tmp_path / "nothing")


@given(st.integers(10_000, 10**9))
def test_a_direct_write_has_whole_pages(bytes_per_s: int) -> None:
    assert probe_bytes(bytes_per_s) % 4096 == 0 < probe_bytes(bytes_per_s) <= 32 << 20


def test_mounts_are_read_with_their_flags(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    line = "36 35 98:0 /mnt1 /da\\040ta rw,nosuid,relatime master:1 - tmpfs tmpfs rw,size=8k\n"
    (tmp_path / "1/mountinfo").write_text(line)
    assert mounts(tmp_path, 1) == (Mount("/da ta", ("rw", "nosuid", "relatime"), "tmpfs"),)


# --- strace -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "inject"),
    [
        (Syscalls("n1", "/d", ("fsync",), "EIO"), "inject=?fsync:error=EIO"),
        (Syscalls("n1", "/d", ("fsync", "read"), lie=True), "inject=?fsync,?read:retval=0"),
        (Syscalls("n1", "/d", ("read",), delay_s=0.05, every=3), "inject=?read:delay_enter=50000:when=3+3"),
    ],
)
def test_strace_is_told_exactly_what_was_asked(asked: Syscalls, inject: str) -> None:
    words = command(asked, (Path("/d"), Path("/d/log")), (1, 7))
    assert inject in words
    assert words[-8:] == ("-P", "/d", "-P", "/d/log", "-p", "1", "-p", "7")


def test_a_directory_means_what_is_in_it_and_not_too_much(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/log").touch()
    assert set(files(tmp_path)) == {tmp_path, tmp_path / "inner", tmp_path / "inner/log"}
    for number in range(200):
        (tmp_path / str(number)).touch()
    with pytest.raises(AgentError, match="more than 200 files"):
        list(files(tmp_path))


# --- descriptors and ports --------------------------------------------------------------------------------------------


def test_limits_and_open_files_of_a_process_are_read_as_the_kernel_has_them() -> None:
    import resource

    me = os.getpid()
    assert soft_limit(Path("/proc"), me) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    before = open_files(Path("/proc"), me)
    assert before is not None
    with Path("/dev/null").open() as _:
        assert (open_files(Path("/proc"), me) or 0) == before + 1


def test_a_range_of_ports_is_set_and_put_back(tmp_path: Path) -> None:
    (tmp_path / "ipv4").mkdir()
    file = tmp_path / "ipv4/ip_local_port_range"
    file.write_text("32768\t60999\n")
    work = NarrowPorts(Ephemeral("n1", 40000, 10), tmp_path)
    memory = work.plan()
    assert memory == OldRange(32768, 60999)
    work.apply(memory, 1.0)
    assert file.read_text() == "40000 40009\n"
    assert list(work.left(memory)) == ["local ports are 40000 to 40009"]
    work.undo(memory)
    assert list(work.left(memory)) == []


def test_ports_in_use_are_those_of_both_versions(tmp_path: Path) -> None:
    head = "  sl  local_address rem_address   st\n"
    (tmp_path / "tcp").write_text(head + "   0: 0100007F:9C40 00000000:0000 0A\n")
    (tmp_path / "tcp6").write_text(head + "   0: 00000000000000000000000000000000:0050 0:0 0A\n")
    assert used_ports(tmp_path) == {40000, 80}
