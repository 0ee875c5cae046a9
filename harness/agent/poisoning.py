"""The mechanism of ``Toxic``: toxics on the proxies of redirected links, counted by the kernel around Toxiproxy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.agent import packets, streams
from harness.agent.bulk import Mover
from harness.agent.kernel import Count, Held, Kernel
from harness.agent.packets import Route
from harness.agent.toxics import ProxySpec, Toxics, ToxicSpec
from harness.errors import AgentError
from harness.primitives import AgentPrimitive, Toxic
from harness.wire import Met

_PATIENCE_S = 0.25  # a witness that has not finished is waited for, but not while the fault slows it


@dataclass(frozen=True, slots=True)
class _Ready:
    toxics: tuple[ToxicSpec, ...]
    meters: tuple[tuple[str, bool], ...]  # counters of what met it, and whether they count echoes
    bulk: streams.Bulk | None = None  # what shows the first of them, where an echo does not
    mover: Mover | None = None  # which moves that
    since: Mapping[str, Count] | None = None  # what those counters said when it fired; None: it has not


class Poisoning:
    """Implements ``Mechanism``. Proxies stay all run long; only toxics come and go."""

    def __init__(self, kernel: Kernel, toxics: Toxics) -> None:
        self._kernel, self._toxics = kernel, toxics
        self._node = ""
        self._routes: tuple[Route, ...] = ()
        self._ready: dict[str, _Ready] = {}
        self._in_force: set[str] = set()

    def prepare(self, node: str, routes: tuple[Route, ...]) -> None:
        """The links that run through Toxiproxy from now on."""
        self._toxics.ensure([spec for route in routes for spec in _proxies(node, route)])
        self._node, self._routes = node, routes

    def held(self) -> tuple[str, ...]:
        """The names of all toxics."""
        return self._toxics.held() if self._routes else ()

    def takes(self, primitive: AgentPrimitive) -> bool:
        return isinstance(primitive, Toxic)

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        self._ready[fault] = self._compile(fault, [p for p in primitives if isinstance(p, Toxic)])

    def fire(self, fault: str) -> None:
        for toxic in self._ready[fault].toxics:
            self._toxics.add(toxic)
        self._turn(fault, in_force=True)

    def confirm_fired(self, fault: str) -> None:
        ready = self._ready[fault]
        for toxic in ready.toxics:
            self._toxics.check(toxic)
        if ready.since is None:
            held = self._kernel.held()  # a proxied link is counted all the time
            self._ready[fault] = replace(ready, since={name: held.count(name) for name, _ in ready.meters})

    def heal(self, fault: str) -> None:
        self._turn(fault, in_force=False)
        for toxic in self._specs(fault):
            self._toxics.remove(toxic)

    def left(self, fault: str) -> Sequence[str]:
        return [toxic.name for toxic in self._specs(fault) if self._toxics.holds(toxic)]

    def forget(self, fault: str) -> None:
        self._ready.pop(fault, None)

    def met(self, fault: str) -> Met:
        ready = self._ready.get(fault)
        if ready is None or ready.since is None:
            return Met(fault, 0, 0, 0)
        held = self._kernel.held()
        traffic, echoes = _total(ready, ready.since, held, False), _total(ready, ready.since, held, True)
        return Met(fault, traffic.packets, traffic.bytes, echoes.packets)

    def readings(self, fault: str) -> Mapping[str, float]:
        """What a bulk over the link's echo shows; a delay or a silence is seen by the pod's probes."""
        ready = self._ready.get(fault)
        if ready is None or ready.bulk is None or ready.mover is None:
            return {}
        moved = ready.mover.look(0.0 if fault in self._in_force else _PATIENCE_S)
        return dict(ready.bulk.figures(moved)) if moved else {}

    def _turn(self, fault: str, *, in_force: bool) -> None:
        """What is under way tells nothing of what comes now."""
        self._in_force = self._in_force | {fault} if in_force else self._in_force - {fault}
        if (ready := self._ready.get(fault)) and ready.mover:
            ready.mover.turn()

    def elements(self) -> int:
        return 0  # told apart, by name

    def leave(self) -> None:
        """All toxics away. Proxies stay for the connections that go through them."""
        self._ready = {}
        if self._routes:
            self._toxics.reset()

    def _specs(self, fault: str) -> tuple[ToxicSpec, ...]:
        return self._ready[fault].toxics if fault in self._ready else ()

    def _compile(self, fault: str, toxics: Sequence[Toxic]) -> _Ready:
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
        bulk, mover = self._witness(toxics)
        return _Ready(tuple(spec for specs in on.values() for spec in specs), tuple(meters), bulk, mover)

    def _witness(self, toxics: Sequence[Toxic]) -> tuple[streams.Bulk | None, Mover | None]:
        bulk = streams.bulk(toxics[0]) if toxics else None
        ips = next((route.ips for route in self._routes if toxics and route.peer == toxics[0].peer), ())
        if bulk is None or not ips:
            return None, None
        return bulk, bulk.mover(next(iter(packets.by_version(ips).values()))[0])


def _total(ready: _Ready, since: Mapping[str, Count], held: Held, echoes: bool) -> Count:
    names = (name for name, is_echo in ready.meters if is_echo == echoes)
    return sum((held.count(name) - since.get(name, Count()) for name in names), Count())


def _proxies(node: str, route: Route) -> Iterable[ProxySpec]:
    """One listener for each IP version the peer has; the proxy dials the peer's first address of that version."""
    for version, ips in packets.by_version(route.ips).items():
        name = f"{node}->{route.peer}:{route.label}"
        if version == 4:
            yield ProxySpec(name, f"127.0.0.1:{route.listen}", f"{ips[0]}:{route.port}")
        else:
            yield ProxySpec(f"{name}-ipv6", f"[::1]:{route.listen}", f"[{ips[0]}]:{route.port}")
