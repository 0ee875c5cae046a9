"""A pod's network namespace: redirects and counters all run long, and the mechanisms that change what flows."""

from pathlib import Path

from harness.agent import packets
from harness.agent.cutting import Cutting
from harness.agent.kernel import Kernel
from harness.agent.limit import Limit
from harness.agent.place import Inspection, Place, compare
from harness.agent.poisoning import Poisoning
from harness.agent.queue.mechanism import Queue
from harness.agent.rate import Rate
from harness.agent.redirect.redirects import Redirects
from harness.agent.toxics import Toxics
from harness.errors import AgentError
from harness.wire import PortCount, Prepare

_DEVICES = Path("/proc/net/dev")
_FRAME_BYTES = 14  # a device counts the header of Ethernet as well, the packet rules do not


class Namespace(Place):
    """The ``Place`` of an agent in a sidecar. ``devices``: where the kernel says what its devices carried."""

    def __init__(self, kernel: Kernel, toxics: Toxics, devices: Path = _DEVICES) -> None:
        self._kernel, self._devices = kernel, devices
        self._poisoning = Poisoning(kernel, toxics)
        self._ips: dict[str, tuple[str, ...]] = {}
        self._ports: tuple[int, ...] = ()
        mechanisms = (Cutting, Queue, Rate, Redirects)
        of_peers = tuple(mechanism(kernel, self.addresses) for mechanism in mechanisms)
        super().__init__("", (*of_peers, self._poisoning, Limit(kernel)))

    def prepare(self, order: Prepare) -> None:
        """Proxies, then redirects to them, then counters; all read back. Forgets every fault there was."""
        for fault in tuple(self._users):
            self.forget(fault)
        ips = {address.node: address.ips for address in order.addresses}
        routes = packets.routes(order.redirects, ips)
        self._poisoning.prepare(order.node, routes)
        text = packets.base(order.ports, routes, order.scraped)
        self._kernel.change(text)
        held = self._kernel.held()
        maps = {f"redirects{v}": len(packets.redirect_map(routes, v)) for v in (4, 6)}
        maps = {name: count for name, count in maps.items() if count}
        compare("the redirects", maps, held.elements)
        compare("the rules of every run", packets.rules_of(text), held.rules)
        self._node, self._ips, self._ports = order.node, ips, order.ports

    def addresses(self, node: str) -> tuple[str, ...]:
        """Every address of a node; empty if nobody told."""
        return self._ips.get(node, ())

    def address(self, node: str) -> str:
        """Where a probe finds a node: its first IPv4 address, or its first."""
        if not self.addresses(node):
            raise AgentError(f"no address of {node} is known here; name it in Prepare")
        return next(iter(packets.by_version(self._ips[node]).values()))[0]

    def inspect(self) -> Inspection:
        held = self._kernel.held()
        ports = tuple(
            PortCount(port, held.count(f"arrived/{port}").packets, held.count(f"opens/{port}").packets)
            for port in self._ports
        )
        own = [held.count(name) for name in packets.OWN]
        own_bytes = sum(count.bytes + _FRAME_BYTES * count.packets for count in own)
        return Inspection(
            super().inspect().elements, self._poisoning.held(), ports, carried(self._devices.read_text()), own_bytes
        )

    def leave(self) -> None:
        """The table of every run goes as well. Proxies stay for the connections that use them."""
        try:
            super().leave()
        finally:
            self._kernel.change(packets.DELETE)


def carried(devices: str) -> int:
    """Bytes received and sent over all devices but loopback, from the text of ``/proc/net/dev``."""
    rows = (line.partition(":") for line in devices.splitlines() if ":" in line)
    counts = [figures.split() for name, _, figures in rows if name.strip() != "lo"]
    return sum(int(row[0]) + int(row[8]) for row in counts)
