"""A bound on what the node may read from and write to one disk, in the node's control group."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from harness.agent.beside.cgroups import DiskBounds, Groups, groups
from harness.agent.beside.prober import Prober
from harness.agent.beside.volumes import in_volume
from harness.agent.beside.work import Witness, Work
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.primitives import Throttle

_PROBE_S = 0.3  # what one write of ours should take: the kernel lets 0.1 s worth pass at once
_PROBE_EVERY_S = 4.0
_PAGE = 4096
_PROBE_MOST_BYTES = 32 << 20
_LOOK_S = 0.25


class OldBounds(msgspec.Struct, frozen=True):
    device: str
    read: int
    write: int


class ThrottleDisk(Work[Throttle, OldBounds]):
    memory = OldBounds

    def __init__(self, primitive: Throttle, node: Groups | None = None) -> None:
        super().__init__(primitive)
        self._node = node or groups()

    def plan(self) -> OldBounds:
        device = disk_under(Path(self.asked.path))
        old = self._node.disk(device)
        return OldBounds(device, old.read, old.write)

    def apply(self, memory: OldBounds, lease_s: float) -> None:
        self._node.bound_disk(memory.device, DiskBounds(self.asked.bytes_per_s, self.asked.bytes_per_s))

    def undo(self, memory: OldBounds) -> None:
        self._node.bound_disk(memory.device, DiskBounds(memory.read, memory.write))

    def left(self, memory: OldBounds) -> Sequence[str]:
        now = self._node.disk(memory.device)
        return (
            ()
            if now == DiskBounds(memory.read, memory.write)
            else (f"disk {memory.device} is bound to {now.write} B/s",)
        )


class DiskTime(Witness[Throttle]):
    """How long a direct write of ours takes from inside the node's group: ``write_s`` for ``write_bytes``.

    It may take longer than a witness may: ``writes`` counts those that ended, so that an old figure is not taken for a
    new one. Begun at most every four seconds, for it uses up what the node may write.
    """

    def __init__(self, primitive: Throttle, node: Groups | None = None) -> None:
        super().__init__(primitive)
        self._size = probe_bytes(primitive.bytes_per_s)
        doors = map(str, (node or groups()).doors("disk"))
        self._prober = Prober("timed-write", primitive.path, str(self._size), *doors)
        self._last: float | None = None
        self._count = 0
        self._next_ns = 0
        self._late = False  # the look that is under way began before the change

    def readings(self) -> Mapping[str, float]:
        if self._late:
            self._late = self._prober.look(_LOOK_S / 2) is None
        if not self._late and monotonic_ns() >= self._next_ns:
            said = self._prober.look(_LOOK_S / 2)
            if said is not None:
                self._last, self._count = float(said) if said else None, self._count + 1
                self._next_ns = monotonic_ns() + to_ns(_PROBE_EVERY_S)
        if self._last is None:
            return {}
        return {"write_s": self._last, "write_bytes": float(self._size), "writes": float(self._count)}

    def changed(self) -> None:
        self._last, self._next_ns = None, 0
        self._late = self._prober.waiting

    def close(self) -> None:
        self._prober.close()


def disk_under(path: Path, sys: Path = Path("/sys/dev/block")) -> str:
    """``254:0``: the whole disk under a path, which is what the kernel bounds. Refuses what lies on no disk."""
    device = in_volume(path).st_dev
    name = f"{os.major(device)}:{os.minor(device)}"
    block = sys / name
    if not block.exists():
        raise AgentError(f"{path} lies on no disk of its own (tmpfs, overlay, btrfs): name a volume on a real disk")
    if (block / "partition").exists():
        return (block.resolve().parent / "dev").read_text().strip()
    return name


def probe_bytes(bytes_per_s: int) -> int:
    """Whole pages."""
    return max(_PAGE, min(_PROBE_MOST_BYTES, round(bytes_per_s * _PROBE_S)) // _PAGE * _PAGE)
