"""A running cluster without containers: agents and a load generator that keep their word, each in a thread of its own.

They speak the real protocol (every message is encoded and decoded), act at the instants they were given, and misbehave
only where a test says so.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness import wire
from harness.clock import monotonic_ns, to_ns
from harness.cluster import CLIENT, Cluster
from harness.engine import Answer, Change, Limits, Monitor, Output, Range, Removed, Shares, Stream, Usage, Use
from harness.errors import AgentError, EngineError
from harness.operations import Operation, Outcome, pack
from harness.primitives import Beside
from harness.runner.prepare import pods
from harness.weave.scrape import targets

Why = Literal["schedule", "order", "lease", "end"]


@dataclass
class Habits:
    """What goes wrong, by pod or node. ``kill_takes_s``: how long the engine takes to kill a node.

    ``deaf``: agents that answer nothing from the first fault on. ``sticky``: rules that no heal takes away.
    ``refuses``: calls that the engine does not do, as ``calls`` has them, such as ``freeze n1``. ``revives``: nodes
    with a restart policy, which acts on a crash.
    """

    fails_to_arm: frozenset[str] = frozenset()
    fails_to_fire: frozenset[str] = frozenset()
    never_prepares: frozenset[str] = frozenset()
    deaf: frozenset[str] = frozenset()
    sticky: frozenset[str] = frozenset()
    endless_load: bool = False
    wrong_answers: frozenset[str] = frozenset()
    refuses_to_kill: frozenset[str] = frozenset()
    refuses: frozenset[str] = frozenset()
    revives: frozenset[str] = frozenset()
    refuses_to_start: frozenset[str] = frozenset()
    kill_takes_s: float = 0.0
    no_prometheus: bool = False
    cannot_stop: bool = False
    left: tuple[str, ...] = ()


class Program:
    """Implements ``engine.Stream``; a thread obeys orders and keeps moments, in the order of their instants."""

    def __init__(self, name: str, decode: Callable[[bytes], wire.ToAgent | wire.ToClient]) -> None:
        self._name, self._decode = name, decode
        self._orders: queue.SimpleQueue[wire.ToAgent | wire.ToClient | None] = queue.SimpleQueue()
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._moments: list[tuple[int, Callable[[], None]]] = []
        self.heard: list[wire.ToAgent | wire.ToClient] = []
        self.ended = False
        self._last_words = ""
        self.say(wire.Hello(1, monotonic_ns()))
        threading.Thread(target=self._run, name=f"fake-{name}", daemon=True).start()

    # --- the harness's end --------------------------------------------------------------------------------------------

    def send(self, message: wire.Message) -> None:
        if self.ended:
            raise AgentError(f"the program in {self._name} is gone")
        self._orders.put(self._decode(wire.encode(message).removesuffix(b"\n")))

    def lines(self) -> Iterator[bytes]:
        while (line := self._said.get()) is not None:
            yield line
        if self._last_words:
            raise AgentError(f"the program in {self._name} said: {self._last_words}")

    def close(self) -> None:
        self._orders.put(None)

    # --- its own end --------------------------------------------------------------------------------------------------

    def say(self, message: wire.Message) -> None:
        self._said.put(wire.encode(message).removesuffix(b"\n"))

    def die(self, last_words: str = "") -> None:
        if self.ended:
            return
        self.ended, self._last_words = True, last_words
        self._said.put(None)
        self._orders.put(None)

    def at(self, instant_ns: int, deed: Callable[[], None]) -> None:
        self._moments.append((instant_ns, deed))
        self._moments.sort(key=lambda moment: moment[0])

    def _run(self) -> None:
        while not self.ended:
            while self._moments and self._moments[0][0] <= monotonic_ns():
                self._moments.pop(0)[1]()
            until_s = (self._moments[0][0] - monotonic_ns()) / 1e9 if self._moments else 10.0
            with suppress(queue.Empty):
                order = self._orders.get(timeout=max(0.0, until_s))
                if order is None or isinstance(order, wire.Stop):
                    self.leave()
                    self.die()
                else:
                    self.heard.append(order)
                    self.obey(order)

    def obey(self, order: wire.ToAgent | wire.ToClient) -> None:
        raise NotImplementedError

    def leave(self) -> None:
        """Before it ends."""


class Agent(Program):
    def __init__(self, pod: str, fake: "FakeCluster") -> None:
        self._pod, self._fake = pod, fake
        self._armed: dict[str, wire.Arm] = {}
        self._fired: set[str] = set()
        super().__init__(pod, wire.decode_to_agent)

    def obey(self, order: wire.ToAgent | wire.ToClient) -> None:
        match order:
            case wire.Prepare() if self._pod not in self._fake.habits.never_prepares:
                self.say(wire.Prepared(monotonic_ns()))
            case wire.Arm():
                self._arm(order)
            case wire.Heal(None):
                for fault in tuple(self._armed):
                    self._heal(fault, "order")
            case wire.Heal(str(fault)):
                if fault in self._armed:
                    self._heal(fault, "order")
                else:
                    self.say(wire.Failed(f"{fault} was never armed here", fault))
            case wire.Inspect() if self._pod not in self._fake.habits.deaf:
                self._count()
            case wire.Heartbeat(number):
                self.say(wire.Pulse(number, monotonic_ns()))

    def leave(self) -> None:
        for fault in tuple(self._armed):
            self._heal(fault, "end")

    def _arm(self, arm: wire.Arm) -> None:
        if self._pod in self._fake.habits.fails_to_arm:
            self.say(wire.Failed("the kernel has no such set", arm.fault))
            return
        self._armed[arm.fault] = arm
        self.say(wire.Armed(arm.fault, monotonic_ns()))
        self.at(arm.at_ns, lambda: self._fire(arm))
        self.at(arm.until_ns, lambda: self._heal(arm.fault, "schedule"))

    def _fire(self, arm: wire.Arm) -> None:
        if arm.fault not in self._armed:
            return
        if self._pod in self._fake.habits.fails_to_fire:
            del self._armed[arm.fault]
            self.say(wire.Failed("the kernel refused the element", arm.fault))
            return
        self._fired.add(arm.fault)
        self.say(wire.Fired(arm.fault, arm.at_ns, monotonic_ns()))
        self._fake.happens(f"fired {self._pod}")

    def _heal(self, fault: str, why: Why) -> None:
        if self._armed.pop(fault, None) is None:
            return
        self._fired.discard(fault)
        self.say(wire.Healed(fault, monotonic_ns(), monotonic_ns(), why, 7, 700, 2))

    def _count(self) -> None:
        rules = len(self._fired) + (self._pod in self._fake.habits.sticky)
        met = tuple(wire.Met(fault, 7, 700, 2) for fault in sorted(self._fired))
        self.say(wire.Counters(monotonic_ns(), rules, (), met, ()))


class Generator(Program):
    def __init__(self, fake: "FakeCluster") -> None:
        self._fake = fake
        super().__init__("client", wire.decode_to_client)

    def obey(self, order: wire.ToAgent | wire.ToClient) -> None:
        match order:
            case wire.Once(number, _, host):
                wrong = host in self._fake.habits.wrong_answers
                self.say(wire.Answered(number, "REFUSED" if wrong else "OK", 0.004, "" if wrong else f"{host}-0300"))
                self._fake.happens(f"asked {host}")
            case wire.Load() as load if load.end_ns - load.start_ns > to_ns(3600):
                self._ends_ns = load.end_ns
                self.at(load.start_ns, lambda: self._next(load, 0))
            case wire.Load() as load:
                self._load(load)
            case wire.EndLoad(_, end_ns):
                self._ends_ns = end_ns
            case wire.Heartbeat(number):
                self.say(wire.Pulse(number, monotonic_ns()))

    def _next(self, load: wire.Load, number: int) -> None:
        """A load that goes on until it is told to end."""
        due_ns = load.start_ns + round(number * 1e9 / load.rate_per_s)
        if due_ns >= self._ends_ns:
            self.say(wire.LoadDone(load.traffic, number, 1))
            return
        self._operate(load.traffic, due_ns)
        self.at(load.start_ns + round((number + 1) * 1e9 / load.rate_per_s), lambda: self._next(load, number + 1))

    def _load(self, load: wire.Load) -> None:
        gap_ns = to_ns(1 / load.rate_per_s)
        due = range(load.start_ns, load.end_ns, gap_ns)
        for due_ns in due:
            self.at(due_ns, lambda due_ns=due_ns: self._operate(load.traffic, due_ns))  # type: ignore[misc]  # a default binds it
        if not self._fake.habits.endless_load:
            self.at(load.end_ns, lambda: self.say(wire.LoadDone(load.traffic, len(due), 1)))

    def _operate(self, traffic: str, due_ns: int) -> None:
        done = Operation(due_ns, due_ns, due_ns + 1_000_000, 100, Outcome.OK, 2, "n1")  # no machine is busy here
        self.say(wire.Operations(traffic, pack([done])))


class Oracle:
    """Implements ``engine.Monitor``: every target is scraped, and every other answer is 3."""

    def __init__(self, cluster: Cluster) -> None:
        self._targets = len(targets(cluster))

    def ask(self, query: str, time_s: float) -> Answer:
        return Answer(float(self._targets) if query == "count(up)" else 3.0)

    def range(self, query: str, start_s: float, end_s: float, step_s: float) -> Range:
        return Range((3.0,) * (round((end_s - start_s) / step_s) + 1))


@dataclass
class FakeNode:
    """What an engine's deeds change of one node. ``files``: path -> archive; ``removed``: there is no container."""

    frozen: bool = False
    removed: bool = False
    limits: Limits = field(default_factory=Limits)
    files: dict[str, bytes] = field(default_factory=dict)


@dataclass
class FakeCluster:
    """Implements ``engine.RunningCluster``. ``calls``: what it was asked, in order; ``when``: deeds at happenings.

    Deeds change ``running`` and ``nodes``, and are said in ``changes`` in an engine's words. ``codes``: how a command
    (its words, with spaces between) ends, 0 where nothing is said; ``beside``: agents beside nodes, by node and fault.
    """

    cluster: Cluster
    habits: Habits = field(default_factory=Habits)
    when: dict[str, Callable[[], None]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    agents: dict[str, Agent] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    nodes: dict[str, FakeNode] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    beside: dict[tuple[str, str], Agent] = field(default_factory=dict)
    generator: Generator | None = None
    _changes: queue.SimpleQueue[Change | None] = field(default_factory=queue.SimpleQueue)

    def happens(self, what: str) -> None:
        self.when.pop(what, lambda: None)()

    def change(self, part: str, node: str, action: str, exit_code: int | None = None) -> None:
        self._changes.put(Change(part, node, action, exit_code))

    def start_pods(self) -> None:
        self.calls.append("start pods")
        self.happens("pods started")

    def start_nodes(self) -> None:
        self.calls.append("start nodes")
        for node in self.cluster.names():
            self.running.add(node)
            self.change("node", node, "start")
        self.happens("nodes started")

    def addresses(self) -> tuple[wire.Address, ...]:
        names = (*self.cluster.names(), CLIENT)
        return tuple(wire.Address(name, (f"127.0.1.{i}",)) for i, name in enumerate(names))

    def open_agent(self, pod: str) -> Stream:
        self.agents[pod] = Agent(pod, self)
        return self.agents[pod]

    def open_beside(self, node: str, fault: str, primitives: Sequence[Beside]) -> Stream:
        self._call(f"open beside {node}")
        self.beside[node, fault] = Agent(node, self)
        return self.beside[node, fault]

    def close_beside(self, node: str, fault: str) -> None:
        if agent := self.beside.pop((node, fault), None):
            self.calls.append(f"close beside {node}")
            agent.die()

    def open_client(self) -> Stream:
        self.generator = Generator(self)
        return self.generator

    def monitor(self) -> Monitor:
        if self.habits.no_prometheus:
            raise EngineError("Prometheus has no port on 127.0.0.1: it ended right after it was started.")
        return Oracle(self.cluster)

    def kill(self, node: str) -> None:
        if node in self.habits.refuses_to_kill:
            raise EngineError(f"{node} could not be killed: no such process")
        threading.Event().wait(self.habits.kill_takes_s)
        self.calls.append(f"kill {node}")
        self.running.discard(node)
        self.change("node", node, "kill")
        self.change("node", node, "die", 137)
        self.happens(f"killed {node}")

    def start(self, node: str) -> bool:
        if node in self.habits.refuses_to_start:
            raise EngineError(f"{node} could not be started: the engine is busy")
        self._call(f"start {node}")
        if self._there(node) and node in self.running:
            return False
        self._starts(node)
        return True

    def crash(self, node: str, fault: str) -> None:
        self._call(f"crash {node}")
        self._ends(node, "die")
        if node in self.habits.revives:
            self._starts(node)

    def stop_node(self, node: str, grace_s: float) -> None:
        self._call(f"stop {node}")
        self._ends(node, "kill", "die", "stop")

    def restart(self, node: str, grace_s: float) -> None:
        self._call(f"restart {node}")
        if self._there(node) and node in self.running:
            self._ends(node, "kill", "die", "stop")
        self._starts(node)
        self.change("node", node, "restart")

    def freeze(self, node: str) -> None:
        self._call(f"freeze {node}")
        self._there(node).frozen = True
        self.change("node", node, "pause")

    def thaw(self, node: str) -> bool:
        self._call(f"thaw {node}")
        if not (state := self._there(node)).frozen:
            return False
        state.frozen = False
        self.change("node", node, "unpause")
        return True

    def listening(self, node: str) -> bool:
        return node in self.running and not self._there(node).frozen

    def limits(self, node: str) -> Limits:
        return self._there(node).limits

    def bound(self, node: str, limits: Limits) -> None:
        self._call(f"bound {node}")
        self._there(node).limits = limits
        self.change("node", node, "update")

    def usage(self, node: str) -> Usage:
        limits = self._there(node).limits
        return Usage(1.0, 0.0, 0, 1_000_000, limits.memory_bytes, 0, 3, limits.processes)

    def use(self, node: str) -> Use | None:
        self.happens(f"looked at {node}")
        if f"use {node}" in self.habits.refuses:
            raise EngineError(f"what {node} uses: the engine did not answer")
        return Use(1_000_000, 1.5, 3, 7) if node in self.running else None

    def shares(self) -> Shares | None:
        if "shares" in self.habits.refuses:
            raise EngineError("the engine did not answer")
        return Shares(1.0, 2, 1.5, 0.0, 0.4)

    def read_file(self, node: str, path: str) -> bytes:
        if path not in self._there(node).files:
            raise EngineError(f"{node}: {path} could not be read: there is none")
        return self.nodes[node].files[path]

    def write_file(self, node: str, path: str, archive: bytes) -> None:
        self._call(f"write {path} in {node}")
        self._there(node).files[path] = archive

    def discard(self, node: str) -> None:
        self._call(f"discard {node}")
        if node in self.running:
            self._ends(node, "kill", "die")
        self.nodes[node] = FakeNode(removed=True)
        self.change("node", node, "destroy")

    def renew(self, node: str) -> bool:
        if not self.nodes.setdefault(node, FakeNode()).removed:
            return self.start(node)
        self._call(f"renew {node}")
        self.nodes[node] = FakeNode()
        self.change("node", node, "create")
        self._starts(node)
        return True

    def run(self, node: str, fault: str, command: Sequence[str], timeout_s: float) -> Output:
        self._call(f"run {' '.join(command)} in {node}")
        return Output(self.codes.get(" ".join(command), 0), f"{command[0]} was here\n")

    def _call(self, what: str) -> None:
        if what in self.habits.refuses:
            raise EngineError(f"no {what}: the engine is busy")
        self.calls.append(what)

    def _there(self, node: str) -> FakeNode:
        found = self.nodes.setdefault(node, FakeNode())
        if found.removed:
            raise EngineError(f"there is no container for {node}: was it removed?")
        return found

    def _starts(self, node: str) -> None:
        self.running.add(node)
        self.change("node", node, "start")
        self.happens(f"started {node}")

    def _ends(self, node: str, *words: str) -> None:
        """It runs no more, and is frozen no more either."""
        if not self._there(node) or node not in self.running:
            raise EngineError(f"{node} does not run")
        self.nodes[node].frozen = False
        self.running.discard(node)
        for word in words:
            self.change("node", node, word, 137 if word == "die" else None)
        self.happens(f"ended {node}")

    def changes(self) -> Iterator[Change]:
        while (change := self._changes.get()) is not None:
            yield change

    def save_logs(self, folder: Path) -> None:
        self.calls.append("save logs")
        folder.mkdir(parents=True, exist_ok=True)

    def stop(self) -> Removed:
        self.calls.append("stop")
        self.happens("stop")
        for pod in pods(self.cluster):
            self.change("pod", pod, "die", 137)
        self._changes.put(None)
        if self.habits.cannot_stop:
            raise EngineError("the engine did not answer: connection refused")
        return Removed(self.habits.left)

    def orders(self, pod: str) -> list[wire.ToAgent | wire.ToClient]:
        """What its agent was told to do with faults, in order."""
        return [order for order in self.agents[pod].heard if isinstance(order, wire.Arm | wire.Heal)]
