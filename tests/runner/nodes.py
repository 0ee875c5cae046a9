"""Containers as healing sees them: whether they run, are frozen, what they may use, what is in their files."""

from dataclasses import dataclass, field, replace

from harness.engine import Limits, Output, Removed
from harness.errors import EngineError

OLD = Limits(memory_bytes=64_000_000, memory_swap_bytes=64_000_000)


@dataclass(frozen=True, slots=True)
class Container:
    running: bool = True
    frozen: bool = False
    there: bool = True
    limits: Limits = OLD
    files: tuple[tuple[str, bytes], ...] = (("/etc/node.conf", b"old"),)
    drained: bool = False
    beside: frozenset[str] = frozenset()


@dataclass
class Nodes:
    """The part of ``engine.RunningCluster`` that acts on nodes. ``refuses``: calls (``start n1``) that fail."""

    now: dict[str, Container]
    refuses: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def _set(self, call: str, node: str, **changes: object) -> None:
        self.asked.append(f"{call} {node}")
        if f"{call} {node}" in self.refuses:
            raise EngineError(f"the engine refused to {call} {node}")
        if not self.now[node].there and call not in ("renew", "discard"):
            raise EngineError(f"there is no container for {node}: was it removed?")
        if self.now[node].frozen and call in ("run", "restart"):
            raise EngineError(f"{node} is frozen")
        self.now[node] = replace(self.now[node], **changes)  # type: ignore[arg-type]  # the fields' own names

    def kill(self, node: str) -> None:
        self._set("kill", node, running=False, frozen=False)

    def start(self, node: str) -> bool:
        was = self.now[node].running
        self._set("start", node, running=True)
        return not was

    def restart(self, node: str, grace_s: float) -> None:
        self._set("restart", node, running=True)

    def freeze(self, node: str) -> None:
        self._set("freeze", node, frozen=True)

    def thaw(self, node: str) -> bool:
        was = self.now[node].frozen
        self._set("thaw", node, frozen=False)
        return was

    def listening(self, node: str) -> bool:
        found = self.now[node]
        return found.there and found.running and not found.frozen

    def limits(self, node: str) -> Limits:
        return self.now[node].limits

    def bound(self, node: str, limits: Limits) -> None:
        self._set("bound", node, limits=limits)

    def read_file(self, node: str, path: str) -> bytes:
        return dict(self.now[node].files)[path]

    def write_file(self, node: str, path: str, archive: bytes) -> None:
        files = {**dict(self.now[node].files), path: archive}
        self._set("write", node, files=tuple(files.items()))

    def discard(self, node: str) -> None:
        self._set("discard", node, there=False, running=False)

    def renew(self, node: str) -> bool:
        was = self.now[node].there
        self._set("renew", node, there=True, running=True)
        return not was

    def run(self, node: str, fault: str, command: tuple[str, ...], timeout_s: float) -> Output:
        self._set("run", node, drained=command[0] == "drain")
        return Output(int(command == ("fail",)), "no such member\n" if command == ("fail",) else "")

    def open_beside(self, node: str, fault: str) -> None:
        self._set("open beside", node, beside=self.now[node].beside | {fault})

    def close_beside(self, node: str, fault: str) -> None:
        self._set("close beside", node, beside=self.now[node].beside - {fault})

    def stop(self) -> Removed:
        self.asked.append("stop")
        return Removed()
