"""What an agent does to its own pod: kernel rules and toxics of each fault, armed, fired, healed and read back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.agent import packets
from harness.agent.kernel import Count, Held, Kernel, end_sockets
from harness.agent.packets import Cuts, Route
from harness.agent.toxics import ProxySpec, Toxics, ToxicSpec
from harness.clock import monotonic_ns
from harness.errors import AgentError
from harness.primitives import Cut, Toxic
from harness.wire import Arm, Met, PortCount, Prepare


@dataclass(frozen=True, slots=True)
class Span:
    """CLOCK_MONOTONIC before and after a change was made."""

    before_ns: int
    after_ns: int


@dataclass(frozen=True, slots=True)
class Ready:
    """A fault that is armed: every text and request it will need, made beforehand."""

    order: Arm
    cuts: Cuts
    fire: str
    heal: str
    kill: str
    toxics: tuple[ToxicSpec, ...]
    meters: tuple[tuple[str, bool], ...]  # counters of what met it, and whether they count echoes
    since: Mapping[str, Count] | None = None  # what those counters said when it fired; None: it has not


class Namespace:
    """Not for several threads at once. Every failure is an ``AgentError``."""

    def __init__(self, kernel: Kernel, toxics: Toxics) -> None:
        self._kernel = kernel
        self._toxics = toxics
        self._node = ""
        self._ips: dict[str, tuple[str, ...]] = {}
        self._ports: tuple[int, ...] = ()
        self._routes: tuple[Route, ...] = ()
        self._ready: dict[str, Ready] = {}

    # --- all run long -------------------------------------------------------------------------------------------------

    def prepare(self, order: Prepare) -> None:
        """Proxies, then redirects to them, then counters; all read back. Forgets every fault there was."""
        ips = {address.node: address.ips for address in order.addresses}
        routes = packets.routes(order.redirects, ips)
        self._toxics.ensure([spec for route in routes for spec in _proxies(order.node, route)])
        text = packets.base(order.ports, routes)
        self._kernel.change(text)
        held = self._kernel.held()
        maps = {f"redirects{v}": len(packets.redirect_map(routes, v)) for v in (4, 6)}
        maps = {name: count for name, count in maps.items() if count}
        _compare("the redirects", maps, held.elements)
        _compare("the rules of every run", packets.rules_of(text), held.rules)
        self._node, self._ips, self._ports, self._routes, self._ready = order.node, ips, order.ports, routes, {}

    def address(self, node: str) -> str:
        """Where a probe finds a node: its first IPv4 address, or its first."""
        if not self._ips.get(node):
            raise AgentError(f"no address of {node} is known here; name it in Prepare")
        return next(iter(packets.by_version(self._ips[node]).values()))[0]

    # --- one fault ----------------------------------------------------------------------------------------------------

    def arm(self, order: Arm) -> None:
        """Rules that refer to empty sets, and every text that will be needed. Armed again: made anew."""
        ready = self._compile(order)
        old = self._ready.pop(order.fault, None)
        others = [other.cuts for other in self._ready.values()]
        lines = [packets.entry(others)] if old and old.cuts.elements else []
        lines += [old.cuts.remove()] if old and old.cuts.elements else []
        lines += [ready.cuts.arm(), packets.entry([*others, ready.cuts])] if ready.cuts.elements else []
        if lines:
            self._kernel.change("\n".join(lines))
        self._ready[order.fault] = ready
        self._check_rules(ready, self._kernel.held())

    def fire(self, fault: str) -> Span:
        """Everything of one fault at once: the packet rules in one transaction, then the toxics."""
        ready = self._ready[fault]
        self._ready[fault] = replace(ready, since={})
        before_ns = monotonic_ns()
        if ready.fire:
            self._kernel.change(ready.fire)
        for toxic in ready.toxics:
            self._toxics.add(toxic)
        return Span(before_ns, monotonic_ns())

    def confirm_fired(self, fault: str) -> None:
        """Reset what a reject must reset, then read back."""
        ready = self._ready[fault]
        if ready.kill:
            end_sockets(ready.kill)
        held = self._kernel.held()
        _compare(f"{fault} in force", ready.cuts.counts(), held.elements)
        self._check_rules(ready, held)
        for toxic in ready.toxics:
            self._toxics.check(toxic)
        # A proxied link is counted all the time; a rule's own counters begin when something meets it.
        since = {name: held.count(name) for name, _ in ready.meters if not name.startswith(f"{fault}/")}
        self._ready[fault] = replace(ready, since=since)

    def heal(self, fault: str) -> Span:
        """Take it away, whether it is in force or not. What cannot be taken away is found by ``confirm_healed``."""
        ready = self._ready[fault]
        before_ns = monotonic_ns()
        try:
            if ready.heal:
                self._kernel.change(ready.heal)
        except AgentError:
            if self._kernel.held().rules:  # a table that is gone holds nothing any more
                raise
        for toxic in ready.toxics:
            self._toxics.remove(toxic)
        return Span(before_ns, monotonic_ns())

    def confirm_healed(self, fault: str) -> Met:
        """Raises unless it is gone; what met it."""
        ready = self._ready[fault]
        held = self._kernel.held()
        left = [name for name in ready.cuts.counts() if held.elements.get(name)]
        left += [toxic.name for toxic in ready.toxics if self._toxics.holds(toxic)]
        if left:
            raise AgentError(f"{fault} is not healed: {', '.join(left)} still hold something")
        return self._met(ready, held)

    # --- what is there ------------------------------------------------------------------------------------------------

    def inspect(self) -> tuple[Held, tuple[str, ...], tuple[PortCount, ...]]:
        """The kernel's table, the names of all toxics, and what arrived at the node's own ports."""
        held = self._kernel.held()
        toxics = self._toxics.held() if self._routes else ()
        ports = tuple(
            PortCount(port, held.count(f"arrived/{port}").packets, held.count(f"opens/{port}").packets)
            for port in self._ports
        )
        return held, toxics, ports

    def elements(self, held: Held) -> int:
        """How many elements the sets of all faults hold."""
        return sum(held.elements.get(name, 0) for ready in self._ready.values() for name in ready.cuts.counts())

    def met(self, fault: str, held: Held) -> Met:
        return self._met(self._ready[fault], held)

    def held(self) -> Held:
        return self._kernel.held()

    def leave(self) -> None:
        """Our table and all toxics away. Proxies stay for the connections that go through them."""
        self._kernel.change(packets.DELETE)
        if self._routes:
            self._toxics.reset()

    # --- leaves -------------------------------------------------------------------------------------------------------

    def _compile(self, order: Arm) -> Ready:
        for primitive in order.primitives:
            if primitive.node != self._node:
                here = self._node or "an agent that is not prepared"
                raise AgentError(f"{order.fault}: {here} was told to change {primitive.node}")
        cut_list = [p for p in order.primitives if isinstance(p, Cut)]
        cuts = Cuts.of(order.fault, cut_list, self._ips)
        toxics, meters = self._toxic_specs(order.fault, [p for p in order.primitives if isinstance(p, Toxic)])
        if cuts.elements:
            meters = (*meters, (f"{order.fault}/packets", False), (f"{order.fault}/echoes", True))
        kill = packets.kill_filter(cut_list, self._ips)
        return Ready(order, cuts, cuts.fire(order.lease_s), cuts.heal(), kill, toxics, meters)

    def _toxic_specs(
        self, fault: str, toxics: Sequence[Toxic]
    ) -> tuple[tuple[ToxicSpec, ...], tuple[tuple[str, bool], ...]]:
        """A toxic on its link's proxies and, once, on the proxies of that peer's echo; called as the fault is."""
        on: dict[str, list[ToxicSpec]] = {}  # proxy -> its toxics
        meters: dict[tuple[str, bool], None] = {}
        for toxic in toxics:
            found = [r for r in self._routes if r.peer == toxic.peer and r.label in (str(toxic.port), "echo")]
            if all(route.label == "echo" for route in found):
                link = f"{toxic.node} -> {toxic.peer}:{toxic.port}"
                raise AgentError(f"{fault}: the link {link} has no redirect here; name it in Prepare")
            for route in found:
                meters[route.counter(toxic.stream), route.label == "echo"] = None
                for proxy in _proxies(self._node, route):
                    there = on.setdefault(proxy.name, [])
                    name = f"{fault}.{len(there) + 1}" if there else fault  # a proxy's toxics need names of their own
                    spec = ToxicSpec(proxy.name, name, toxic.type, toxic.stream, toxic.attributes)
                    if not any(replace(spec, name=other.name) == other for other in there):
                        there.append(spec)
        return tuple(spec for specs in on.values() for spec in specs), tuple(meters)

    def _check_rules(self, ready: Ready, held: Held) -> None:
        entry = packets.entry([r.cuts for r in self._ready.values()])
        own = packets.rules_of(f"{ready.cuts.arm()}\n{entry}") if ready.cuts.elements else {}
        _compare(f"the rules of {ready.order.fault}", own, held.rules)

    @staticmethod
    def _met(ready: Ready, held: Held) -> Met:
        since = ready.since
        if since is None:
            return Met(ready.order.fault, 0, 0, 0)

        def total(echoes: bool) -> Count:
            names = (name for name, is_echo in ready.meters if is_echo == echoes)
            return sum((held.count(name) - since.get(name, Count()) for name in names), Count())

        traffic = total(False)
        return Met(ready.order.fault, traffic.packets, traffic.bytes, total(True).packets)


def _proxies(node: str, route: Route) -> Iterable[ProxySpec]:
    """One listener for each IP version the peer has; the proxy dials the peer's first address of that version."""
    for version, ips in packets.by_version(route.ips).items():
        name = f"{node}->{route.peer}:{route.label}"
        if version == 4:
            yield ProxySpec(name, f"127.0.0.1:{route.listen}", f"{ips[0]}:{route.port}")
        else:
            yield ProxySpec(f"{name}-ipv6", f"[::1]:{route.listen}", f"[{ips[0]}]:{route.port}")


def _compare(what: str, asked: Mapping[str, int], found: Mapping[str, int]) -> None:
    wrong = [f"{name} has {found.get(name, 0)} of {n}" for name, n in asked.items() if found.get(name, 0) != n]
    if wrong:
        raise AgentError(f"read back from the kernel, {what} are not what was asked: {', '.join(wrong)}")
