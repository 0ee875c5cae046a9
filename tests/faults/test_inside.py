"""Faults inside of nodes: what they are made of, what is refused, and what their witnesses must have read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from harness.cluster import Cluster, Node
from harness.faults import Fault
from harness.faults.bit_flip import BitFlip
from harness.faults.cpu import Cpu
from harness.faults.disk_error import DiskError
from harness.faults.disk_full import DiskFull
from harness.faults.file_descriptors import FileDescriptors
from harness.faults.inside import PATH, Inside
from harness.faults.memory import Memory
from harness.faults.oom import OutOfMemory
from harness.faults.ports import Ports
from harness.faults.read_only import ReadOnly
from harness.faults.signal import SignalProcess
from harness.faults.slow_disk import BYTES_PER_S, SlowDisk
from harness.primitives import Bound, Descriptors, Ephemeral, Fill, Flip, Hog, Revive, Signal, Syscalls, Throttle
from harness.primitives import ReadOnly as RemountReadOnly
from harness.recording.events import AnyEvent, ContainerChanged, Counted, FaultHealed, Read
from harness.recording.evidence import Evidence, InForce, Window
from harness.wire import Counters, PortCount

CLUSTER = Cluster(
    "three",
    (
        Node("n1", "n1", "node", "n1", ports=(80,), volumes=("/data",)),
        Node("n2", "n2", "node", "n2", ports=(80,), volumes=("/data", "/disk")),
        Node("beside-n1", "beside-n1", "node", "n1"),
    ),
)
WHEN: dict[str, Any] = {"name": "f", "at_s": 5.0, "for_s": 20.0, "nodes": ("n1",)}
STOP = SignalProcess(**WHEN, process="worker")
LIMIT = Cpu(**WHEN, cpus=0.1)
HOG = Cpu(**WHEN, manner="hog", workers=2)
LESS = Memory(**WHEN, size_bytes=50_000_000)
TAKEN = Memory(**WHEN, manner="hog", size_bytes=50_000_000)
OOM = OutOfMemory(**WHEN)
FULL = DiskFull(**WHEN, path="/data")
SLOW = SlowDisk(**WHEN, path="/data", bytes_per_s=1_000_000)
ERROR = DiskError(**WHEN, path="/data/log")
FROZEN = ReadOnly(**WHEN, path="/data")
FILES = FileDescriptors(**WHEN, limit=64)
FEW = Ports(**WHEN, count=8)
ROT = BitFlip(**WHEN, path="/data/*.db", bits=3)
ALL: tuple[Inside, ...] = (STOP, LIMIT, HOG, LESS, TAKEN, OOM, FULL, SLOW, ERROR, FROZEN, FILES, FEW, ROT)
KINDS = [f"{fault.kind}-{number}" for number, fault in enumerate(ALL)]


@pytest.mark.parametrize(
    ("fault", "primitive"),
    [
        (STOP, Signal("n1", "worker", "STOP", "CONT")),
        (replace(STOP, signal="KILL"), Signal("n1", "worker", "KILL", None)),
        (LIMIT, Bound("n1", cpus=0.1)),
        (HOG, Hog("n1", "cpu", 2)),
        (LESS, Bound("n1", memory_bytes=50_000_000)),
        (TAKEN, Hog("n1", "memory", size_bytes=50_000_000)),
        (FULL, Fill("n1", "/data")),
        (SLOW, Throttle("n1", "/data", 1_000_000)),
        (FROZEN, RemountReadOnly("n1", "/data")),
        (FILES, Descriptors("n1", 64)),
        (FEW, Ephemeral("n1", 40000, 8)),
        (replace(ERROR, calls=("sync",), manner="lie"),
         Syscalls("n1", "/data/log", ("fsync", "fdatasync", "sync_file_range"), None, 0.0, True, 1)),
    ],
)  # fmt: skip
def test_a_fault_is_one_change_at_each_node(fault: Fault, primitive: object) -> None:
    assert list(fault.check(CLUSTER)) == []
    assert fault.compile(CLUSTER, (), 7) == (primitive,)


def test_a_node_whose_first_process_the_kernel_kills_comes_back() -> None:
    assert OOM.compile(CLUSTER, ()) == (Revive("n1"), Hog("n1", "oom"))


def test_a_node_that_ended_of_it_is_named() -> None:
    start_ns = IN_FORCE.window.start_ns
    nobody_left = evidence({"oom_kills": 2}, [], {})
    died = replace(nobody_left, events=(*nobody_left.events, ContainerChanged(start_ns + 1, "n1", "die", 137)))
    found = OOM.sighting(died, CLUSTER, IN_FORCE)
    assert not found.seen
    assert "n1 ended of it" in found.witness
    assert "gone: not seen" in found.witness


def test_bits_are_drawn_anew_for_each_node_from_the_seed() -> None:
    both = replace(ROT, nodes=("n1", "n2"))
    first, second = both.compile(CLUSTER, (), 7)
    assert isinstance(first, Flip)
    assert isinstance(second, Flip)
    assert first.seed != second.seed
    assert both.compile(CLUSTER, (), 7) == (first, second)


def test_nodes_that_share_a_pod_share_their_local_ports() -> None:
    both = replace(FEW, nodes=("n1", "beside-n1"))
    assert both.compile(CLUSTER, ()) == (Ephemeral("n1", 40000, 8),)
    assert ("local ports", "n1") in both.claims(CLUSTER) & FEW.claims(CLUSTER)


@pytest.mark.parametrize("fault", ALL, ids=KINDS)
def test_every_one_says_what_it_holds_alone_what_it_is_and_how_it_ends(fault: Inside) -> None:
    assert all(where == "n1" for _, where in fault.claims(CLUSTER))
    assert fault.claims(CLUSTER)
    assert "n1" in fault.describe()
    assert fault.undo()
    assert fault.via


@pytest.mark.parametrize("fault", ALL, ids=KINDS)
def test_a_node_that_is_not_there_is_told(fault: Inside) -> None:
    said = list(replace(fault, nodes=("n9",)).check(CLUSTER))
    assert said[0][0] == "nodes"
    assert "there is no n9" in said[0][1]
    assert next(iter(replace(fault, nodes=()).check(CLUSTER))) == ("nodes", "is empty: name at least one node")


@pytest.mark.parametrize(
    ("fault", "key", "said"),
    [
        (replace(STOP, process=" "), "process", "is empty: write the process's name, or a part of its command line"),
        (replace(LIMIT, cpus=None), "cpus", "is missing: 'how: limit' needs the number of CPUs, such as 0.1"),
        (replace(LIMIT, cpus=0.0), "cpus", "is 0: write a number from 0.01 to 64"),
        (replace(LIMIT, workers=2), "workers", "is of no use to 'how: limit': take it out, or write 'how: hog'"),
        (replace(HOG, workers=None), "workers", "is missing: 'how: hog' needs the number of busy loops, such as 2"),
        (replace(HOG, workers=0), "workers", "is 0: write a number from 1 to 64"),
        (replace(HOG, cpus=1.0), "cpus", "is of no use to 'how: hog': take it out, or write 'how: limit'"),
        (replace(TAKEN, size_bytes=1), "size", "is 1 bytes: write one from 1MiB to 1024GiB"),
        (
            replace(FULL, path="/disk"), "path",
            "is '/disk', which is in no volume of n1 (it has /data): declare one in the compose file",
        ),
        (replace(SLOW, bytes_per_s=1), "rate", "is 1 bytes a second: write one from 10kB/s to 100MB/s"),
        (replace(FROZEN, path="/data/in"), "path", "is '/data/in', inside a volume: write where it is mounted, /data"),
        (replace(ERROR, manner="delay"), "delay", "is 0 s: write one from 1ms to 30s"),
        (replace(ERROR, delay_s=1.0), "delay", "is of no use to 'how: error': take it out, or write 'how: delay'"),
        (replace(ERROR, manner="delay", delay_s=1.0, error="EIO"), "error",
         "is of no use to 'how: delay': take it out, or write 'how: error'"),
        (replace(ERROR, manner="lie"), "calls",
         "names more than sync: only a sync can lie, because the others must say how much they did"),
        (replace(ERROR, every=0), "every", "is 0: write a number from 1 to 65535"),
        (replace(FILES, limit=0), "limit", "is 0: write a number from 1 to 1000000"),
        (replace(FEW, low=80), "from", "is 80: write a port from 1024 to 65535"),
        (replace(FEW, low=65535, count=2), "count", "is 2: write a number from 1 to 1, all that there are from 65535"),
        (replace(ROT, bits=0), "bits", "is 0: write a number from 1 to 10000"),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_told_with_what_to_write(fault: Fault, key: str, said: str) -> None:
    assert list(fault.check(CLUSTER)) == [(key, said)]


def test_words_with_units_are_read_and_others_are_not() -> None:
    assert BYTES_PER_S.read("1.5MB/s") == 1_500_000
    assert PATH.read("/data/") == "/data"
    for reader, text in ((BYTES_PER_S, "1000000"), (BYTES_PER_S, "1MB"), (PATH, "data"), (PATH, "/data/../etc")):
        with pytest.raises(ValueError, match="write"):
            reader.read(text)


# --- what was seen ----------------------------------------------------------------------------------------------------

S = 1_000_000_000
IN_FORCE = InForce(Window(10 * S, 30 * S), 0.0, 0.0, True)


def evidence(
    before: Mapping[str, float],
    during: Sequence[Mapping[str, float]],
    after: Mapping[str, float],
    arrivals: int = 100,
    met: int = 0,
) -> Evidence:
    """Readings at n1: before at 9 s, during at 11, 12, ... and after at 31 s; packets for port 80 in between."""
    looks = [("before", 9, before), *(("during", 11 + i, look) for i, look in enumerate(during)), ("after", 31, after)]
    reads = [
        Read(at * S, "n1", "f", when, name, value, at * S)  # type: ignore[arg-type]  # a Literal, given as its word
        for when, at, look in looks
        for name, value in look.items()
    ]
    counts = [
        Counted(at * S, "n1", Counters(at * S, 0, (), (), (PortCount(80, packets, 0),)))
        for at, packets in ((11, 0), (29, arrivals))
    ]
    healed = FaultHealed(30 * S, "f", "n1", 30 * S, 30 * S, "schedule", packets=met, echoes=0)
    events: tuple[AnyEvent, ...] = (*reads, *counts, healed)
    return Evidence(events, {}, ())


Look = dict[str, float]
BUSY: Look = {"cpu_used_s": 1, "throttled_s": 0, "waited_s": 1, "loops": 0, "loops_used_s": 0}  # before they are in
UNLIMITED: Look = {"memory_limit_bytes": 0}
GOOD: list[tuple[Inside, Look, list[Look], Look, Look]] = [  # fault, before, during, after, a look that shows nothing
    (STOP, {"stopped": 0}, [{"matching": 2, "stopped": 2}], {"stopped": 0}, {"matching": 2, "stopped": 1}),
    (replace(STOP, signal="TERM"), {"gone": 0}, [{"gone": 1, "handled": 0}], {"gone": 1}, {"gone": 0, "handled": 0}),
    (LIMIT, {}, [{"cpu_s": 1, "throttled_s": 0}, {"cpu_s": 1.1, "throttled_s": 1}], {}, {"cpu_s": 1, "throttled_s": 0}),
    (
        HOG, {"loops": 0},
        [BUSY, {"cpu_used_s": 2.9, "throttled_s": 0, "waited_s": 2, "loops": 2, "loops_used_s": 1.2}], {"loops": 0},
        {"cpu_used_s": 1, "throttled_s": 0, "waited_s": 1, "loops": 2, "loops_used_s": 1},
    ),
    (LESS, UNLIMITED, [{"memory_limit_bytes": 5e7}], UNLIMITED, UNLIMITED),
    (TAKEN, {"anonymous_bytes": 1e7}, [{"anonymous_bytes": 6e7}], {"anonymous_bytes": 1e7}, {"anonymous_bytes": 2e7}),
    (OOM, {"oom_kills": 2}, [{"oom_kills": 3}], {"oom_kills": 3}, {"oom_kills": 2}),
    (FULL, {"enospc": 0}, [{"enospc": 1}, {"enospc": 1}], {"enospc": 0}, {"enospc": 0}),
    (SLOW, {"write_s": 0.001}, [{"write_s": 0.3, "write_bytes": 3e5}], {"write_s": 0.001},
     {"write_s": 0.01, "write_bytes": 3e5}),
    (FROZEN, {"erofs": 0}, [{"erofs": 1}], {"writable": 1}, {"erofs": 0}),
    (
        FILES, {"limit_max": 1024}, [{"limit_max": 64, "at_limit": 1, "open_files_max": 64}], {"limit_max": 1024},
        {"limit_max": 1024, "at_limit": 1, "open_files_max": 64},
    ),
    (FEW, {"local_port": 33000}, [{"local_port": 40003, "used_ports": 4}], {"local_port": 33001},
     {"local_port": 50000, "used_ports": 4}),
    (ROT, {"flipped_bytes": 0}, [{"flipped_bytes": 3}], {"flipped_bytes": 0}, {"flipped_bytes": 0}),
    (ERROR, {"traced": 0}, [{"traced": 2, "untraced": 0}], {"traced": 0}, {"traced": 0, "untraced": 2}),
]  # fmt: skip
IDS = [f"{fault.kind}-{number}" for number, (fault, *_) in enumerate(GOOD)]


@pytest.mark.parametrize(("fault", "before", "during", "after", "nothing"), GOOD, ids=IDS)
def test_what_its_witness_read_in_force_is_seen_and_exercised(
    fault: Inside, before: Look, during: list[Look], after: Look, nothing: Look
) -> None:
    sighting = fault.sighting(evidence(before, during, after, met=5), CLUSTER, IN_FORCE)
    assert (sighting.seen, sighting.exercised) == (True, True), sighting.witness


@pytest.mark.parametrize(("fault", "before", "during", "after", "nothing"), GOOD, ids=IDS)
def test_readings_that_show_nothing_are_not_taken_for_it(
    fault: Inside, before: Look, during: list[Look], after: Look, nothing: Look
) -> None:
    assert not fault.sighting(evidence(before, [nothing, nothing], after), CLUSTER, IN_FORCE).seen


@pytest.mark.parametrize("fault", ALL, ids=KINDS)
def test_nothing_that_was_not_looked_at_is_seen(fault: Inside) -> None:
    sighting = fault.sighting(evidence({}, [], {}), CLUSTER, IN_FORCE)
    assert not sighting.seen


@pytest.mark.parametrize(("fault", "before", "during", "after", "nothing"), GOOD, ids=IDS)
def test_a_node_for_which_nothing_came_was_not_exercised(
    fault: Inside, before: Look, during: list[Look], after: Look, nothing: Look
) -> None:
    idle = [{**look, "used_ports": 0, "at_limit": 0} for look in during]
    assert not fault.sighting(evidence(before, idle, after, arrivals=0), CLUSTER, IN_FORCE).exercised


def test_a_fault_that_is_still_there_afterwards_is_told() -> None:
    found = evidence({"enospc": 0}, [{"enospc": 1}], {"enospc": 1})
    assert FULL.sighting(found, CLUSTER, IN_FORCE).witness.endswith("gone on 0 of 1")
    blind = evidence({"enospc": 0}, [{"enospc": 1}], {})
    assert FULL.sighting(blind, CLUSTER, IN_FORCE).witness.endswith("gone: not seen")


@pytest.mark.parametrize(
    ("more", "after", "seen", "ending"),
    [
        ({"loops": 2, "loops_used_s": 1.2}, {"loops": 0}, True, "gone on 1 of 1"),
        ({"loops": 2, "loops_used_s": 1.2}, {"loops": 1}, True, "gone on 0 of 1"),
        ({"loops": 2, "loops_used_s": 1.2}, {}, True, "gone: not seen"),
        ({"loops": 1, "loops_used_s": 1.2}, {"loops": 0}, False, "gone on 1 of 1"),
        ({"loops": 2, "loops_used_s": 0.01}, {"loops": 0}, False, "gone on 1 of 1"),  # they stand in line themselves
    ],
)
def test_busy_loops_are_seen_by_what_they_get_however_busy_the_node_itself_is(
    more: Look, after: Look, seen: bool, ending: str
) -> None:
    during = {"cpu_used_s": 9, "throttled_s": 1, "waited_s": 2}
    found = HOG.sighting(evidence({"loops": 0}, [BUSY, {**during, **more}], after), CLUSTER, IN_FORCE)
    assert (found.seen, found.witness.endswith(ending)) == (seen, True), found.witness
