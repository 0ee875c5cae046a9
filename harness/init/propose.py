"""From what a file says and its cluster showed to a proposal: blocks, whom to load, and whom to cut off. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.init.declared import SILENT, Declared, known_port

_ENTRANCES = ("gateway", "proxy", "nginx", "traefik", "caddy", "haproxy", "web", "www", "front", "app", "api", "server")
HELLOS: Mapping[str, tuple[str, str]] = {"redis": ("PING", "+PONG"), "memcached": ("version", "VERSION ")}


@dataclass(frozen=True, slots=True)
class Port:
    """What one TCP port answered. ``root``: status of ``/`` where it speaks HTTP, else 0. Paths: "" where none is."""

    number: int
    root: int = 0
    health: str = ""
    metrics: str = ""
    hello: str = ""

    @property
    def http(self) -> bool:
        return self.root > 0


@dataclass(frozen=True, slots=True)
class Sight:
    """What a service's first node showed: its TCP ports, the number of its UDP ports, and how it ended, if it did.

    ``met``: packets that reached it while the entrance was asked, beyond those that reach it anyway.
    """

    service: str
    ports: tuple[Port, ...] = ()
    udp: tuple[int, ...] = ()
    exit_code: int | None = None
    met: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an ``x-harness`` block, and why it says that."""

    key: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class Load:
    """Whom the first scenario asks, and what. ``words``: the client's own, as YAML; ``why``: of the choice."""

    service: Declared
    client: str
    words: tuple[tuple[str, str], ...]
    port: int
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Victim:
    """Who is cut off. ``spared``: another node can stand in, so users should hardly notice."""

    node: str
    spared: bool
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """``load`` None: nothing was found that a client of ours can ask, so there is no first scenario."""

    blocks: tuple[tuple[Declared, tuple[Line, ...]], ...]
    load: Load | None
    victim: Victim | None
    started: bool


def entrance(services: Sequence[Declared], sights: Mapping[str, Sight]) -> Load | None:
    """Whom users ask: what publishes a port and speaks HTTP, a gateway before others, the file's order after that."""
    found = [load for service in services if (load := _load(service, sights.get(service.name)))]
    return min(found, key=_rank, default=None)


def propose(services: Sequence[Declared], sights: Mapping[str, Sight], load: Load | None) -> Proposal:
    """``sights`` empty: the cluster was not started, and everything is a guess from the file."""
    blocks = tuple(
        (service, lines)
        for service in services
        if not service.own and (lines := tuple(_lines(service, sights.get(service.name), load)))
    )
    victim = _victim(services, sights, load) if load else None
    return Proposal(blocks, load, victim, started=bool(sights))


def _rank(load: Load) -> tuple[bool, bool, int]:
    names = (load.service.name.lower(), load.service.kind)
    place = next((i for i, word in enumerate(_ENTRANCES) if any(word in name for name in names)), len(_ENTRANCES))
    return load.client != "http", not load.service.published, place


def _load(service: Declared, sight: Sight | None) -> Load | None:
    return _guessed_load(service) if sight is None else _seen_load(service, sight)


def _guessed_load(service: Declared) -> Load | None:
    number = _guessed_port(service)
    if service.job or number is None or service.kind in SILENT:
        return None
    if service.kind in ("redis", "valkey"):
        return _hello(service, number, "redis", "guessed from its image")
    path = service.check_path or "/"
    return Load(service, "http", (("path", path),), number, path, "guessed from the file: it names a port")


def _seen_load(service: Declared, sight: Sight) -> Load | None:
    for port in sorted(sight.ports, key=lambda one: (not one.http, one.number not in service.published)):
        if port.http:
            path = "/" if port.root == 200 or not port.health else port.health
            status = () if path == port.health or port.root == 200 else (("status", str(port.root)),)
            said = "published" if port.number in service.published else "not published"
            why = f"seen: port {port.number} ({said}) speaks HTTP"
            if status:
                why += f", and answers {port.root} to /: put a page of yours here"
            return Load(service, "http", (("path", path), *status), port.number, path, why)
        if port.hello:
            return _hello(service, port.number, port.hello, f"seen: port {port.number} answers {HELLOS[port.hello][0]}")
    return None


def _hello(service: Declared, port: int, name: str, why: str) -> Load:
    send, expect = HELLOS[name]
    return Load(service, "tcp", (("send", send), ("expect", f'"{expect}"')), port, "", why)


def _guessed_port(service: Declared) -> int | None:
    return service.ports[0] if service.ports else known_port(service.kind)


def _lines(service: Declared, sight: Sight | None, load: Load | None) -> list[Line]:
    """The lines of one block."""
    found: list[Line] = []
    if service.node != service.name and not (service.count > 1 and service.node == f"{service.name}-{{i}}"):
        found.append(Line("name", service.node, f"'{service.name}' cannot be the name of a node"))
    if sight is None:
        return [*found, *_guessed(service)]
    if sight.exit_code == 0:
        return [*found, Line("job", "true", "seen: it did its work and ended with 0")]
    listening = {port.number: port for port in sight.ports}
    first = load.port if load and load.service == service else next(iter(_in_order(service, sight)), None)
    if first is not None:
        numbers = [first, *(number for number in _in_order(service, sight) if number != first)]
        text = str(first) if len(numbers) == 1 else f"[{', '.join(map(str, numbers))}]"
        found.append(Line("port", text, f"seen: {'it listens' if len(numbers) == 1 else 'they listen'}{_udp(sight)}"))
        found += _ready(service, listening[first])
    elif sight.udp:
        found.append(Line("port", str(sight.udp[0]), "seen: it is open, for UDP"))
    metrics = [port for port in sight.ports if port.metrics]
    if metrics:
        where = f"{metrics[0].number}{metrics[0].metrics}"
        found.append(Line("metrics", where, "seen: figures for Prometheus, which scrapes them in every run"))
    return found


def _in_order(service: Declared, sight: Sight) -> list[int]:
    """The ports that listen: those that the file names first, then those that speak HTTP."""
    ports = {port.number: port for port in sight.ports}
    return sorted(ports, key=lambda number: (number not in service.ports, not ports[number].http, number))


def _udp(sight: Sight) -> str:
    return f" (and UDP {', '.join(map(str, sight.udp))})" if sight.udp else ""


def _ready(service: Declared, port: Port) -> list[Line]:
    if port.http and (port.health or port.root == 200):
        path = port.health or "/"
        return [Line("ready", f"{{client: http, path: {path}}}", "seen: it answered 200; a run begins when it does")]
    if service.checked:
        return [Line("ready", "{client: healthcheck}", "the file's own health check is waited for")]
    if port.http:
        answer = f"{{client: http, path: /, status: {port.root}}}"
        return [Line("ready", answer, f"seen: it answered {port.root}; a run begins when it does")]
    if port.hello:
        send, expect = HELLOS[port.hello]
        return [Line("ready", f'{{client: tcp, send: {send}, expect: "{expect}"}}', "seen: it answered so")]
    return []


def _guessed(service: Declared) -> list[Line]:
    if service.job:
        return [Line("job", "true", "the file waits for its end")]
    port = _guessed_port(service)
    found: list[Line] = []
    if port is not None:
        said = "the file names it" if service.ports else f"what {service.kind} serves if nobody says otherwise"
        found.append(Line("port", str(port), f"guessed: {said}"))
    if service.checked:
        found.append(Line("ready", "{client: healthcheck}", "guessed: the file's own health check is waited for"))
    return found


def _victim(services: Sequence[Declared], sights: Mapping[str, Sight], load: Load) -> Victim:
    """Someone that the load was seen to need, one of several before a single one; else the one that is asked."""
    others = [s for s in services if s != load.service and not s.job and _lives(sights.get(s.name))]
    met = [s for s in others if (sight := sights.get(s.name)) and sight.met]
    if met:
        best = min(met, key=lambda s: (not _spared(s, others), -sights[s.name].met))
        packets = sights[best.name].met
        why = f"seen: {packets} packets reached {best.first_node} while {load.service.name} was asked 20 times"
        return Victim(best.first_node, _spared(best, others), why)
    guessed = [s for s in others if s.name in load.service.waits_for]
    if not sights and guessed:
        best = min(guessed, key=lambda s: not _spared(s, others))
        return Victim(
            best.first_node, _spared(best, others), f"guessed: the file says that {load.service.name} waits for it"
        )
    if sights:
        why = f"seen: {load.words[0][1]} of {load.service.name} needed nobody else, so it is cut off itself"
    else:
        why = f"guessed: the file names nobody that {load.service.name} needs, so it is cut off itself"
    return Victim(load.service.first_node, False, why)


def _spared(service: Declared, others: Sequence[Declared]) -> bool:
    """Is there another node that runs the same?"""
    return service.count > 1 or any(o.runs == service.runs for o in others if o != service and service.runs)


def _lives(sight: Sight | None) -> bool:
    return sight is None or sight.exit_code is None
