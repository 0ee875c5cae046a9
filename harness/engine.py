"""What we need of a running system, as Protocols only. ``drivers`` keep them for Docker; fakes do in tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.wire import Address, Message


@dataclass(frozen=True, slots=True)
class Change:
    """The engine said that a node's container changed. ``part``: node, pod, client, prometheus (see the labels)."""

    part: str
    node: str
    action: str
    exit_code: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What Prometheus said: one number, or why there is none."""

    value: float | None
    error: str | None = None


class Stream(Protocol):
    """A program in a pod, spoken to in JSON lines over the standard input and output of one exec."""

    def send(self, message: Message) -> None:
        """Raises ``AgentError`` when the other end is gone."""

    def lines(self) -> Iterator[bytes]:
        """Its lines until it ends; for one reader thread. Anything on its standard error is raised at the end."""

    def close(self) -> None:
        """End of input for the program; idempotent."""


class Monitor(Protocol):
    """A Prometheus that watches the run."""

    def ask(self, query: str, time_s: float) -> Answer:
        """The value of ``query`` at a wall-clock instant (seconds since 1970)."""


class RunningCluster(Protocol):
    """One run's containers, found by the run's label. Every method may raise ``EngineError``."""

    def start_pods(self) -> None:
        """Sidecars, load and Prometheus; no node yet."""

    def start_nodes(self) -> None: ...

    def addresses(self) -> tuple[Address, ...]:
        """Every pod's addresses, in the order of the cluster, the client's last."""

    def open_agent(self, pod: str) -> Stream: ...

    def open_client(self) -> Stream: ...

    def monitor(self) -> Monitor: ...

    def kill(self, node: str) -> None: ...

    def start(self, node: str) -> None:
        """Start a node's container again, with tenacity; nothing happens to one that runs."""

    def changes(self) -> Iterator[Change]:
        """What the engine says of the run's containers, until ``stop``; for one reader thread."""

    def save_logs(self, folder: Path) -> None:
        """One file per container."""

    def stop(self) -> tuple[str, ...]:
        """Remove every container, network and volume of the run; the names of what could not be removed."""
