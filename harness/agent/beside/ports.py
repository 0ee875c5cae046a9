"""The local ports from which the node's pod may open connections: a kernel setting of its network namespace."""

import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from harness.agent.beside.work import Witness, Work
from harness.errors import AgentError
from harness.primitives import KERNEL_SETTINGS, Ephemeral

_RANGE = "ipv4/ip_local_port_range"  # also of IPv6


class OldRange(msgspec.Struct, frozen=True):
    low: int
    high: int


class NarrowPorts(Work[Ephemeral, OldRange]):
    memory = OldRange

    def __init__(self, primitive: Ephemeral, settings: Path = Path(KERNEL_SETTINGS)) -> None:
        super().__init__(primitive)
        self._file = settings / _RANGE

    def plan(self) -> OldRange:
        try:
            low, high = map(int, self._file.read_text().split())
        except (OSError, ValueError) as error:
            raise AgentError(f"{self._file} cannot be read ({error}): mount the host's /proc/sys/net there") from error
        return OldRange(low, high)

    def apply(self, memory: OldRange, lease_s: float) -> None:
        self._set(self.asked.low, self.asked.low + self.asked.count - 1)

    def undo(self, memory: OldRange) -> None:
        self._set(memory.low, memory.high)

    def left(self, memory: OldRange) -> Sequence[str]:
        now = self.plan()
        return () if now == memory else (f"local ports are {now.low} to {now.high}",)

    def _set(self, low: int, high: int) -> None:
        try:
            self._file.write_text(f"{low} {high}\n")
        except OSError as error:
            raise AgentError(f"the kernel does not take local ports {low} to {high}: {error.strerror}") from error


class LocalPorts(Witness[Ephemeral]):
    """Which port the kernel gives to a socket of our own in that namespace, and how many of the range are in use.

    ``local_port`` 0: it gave none. ``used_ports``: of the asked range, by TCP sockets of any state.
    """

    def __init__(self, primitive: Ephemeral, proc: Path = Path("/proc")) -> None:
        super().__init__(primitive)
        self._net = proc / "net"

    def readings(self) -> Mapping[str, float]:
        port = _local_port()
        used = used_ports(self._net) - {port}
        inside = range(self.asked.low, self.asked.low + self.asked.count)
        return {"local_port": float(port), "used_ports": float(sum(one in inside for one in used))}


def used_ports(net: Path) -> set[int]:
    """Local ports of all TCP sockets of this network namespace."""
    found: set[int] = set()
    for name in ("tcp", "tcp6"):
        if (net / name).exists():
            lines = (net / name).read_text().splitlines()[1:]
            found |= {int(line.split()[1].rpartition(":")[2], 16) for line in lines}
    return found


def _local_port() -> int:
    """0: there is none to be had."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as ours:
        try:
            ours.bind(("127.0.0.1", 0))
        except OSError:
            return 0
        port: int = ours.getsockname()[1]
        return port
