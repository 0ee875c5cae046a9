"""What every traffic has in common: open loop, so many operations a second, each with its deadline."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.wire import Load
from harness.words import COUNT, DURATION, NAME, NODE, RATE, choice, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic(ABC):
    """Operations due at ``start + i / rate``, whether or not earlier ones were answered (an open loop)."""

    client: ClassVar[str]
    about: ClassVar[str]

    name: str = field(metadata=word("name", NAME, "what the objectives call it"))
    to: str = field(metadata=word("to", NODE, "the node that is asked"))
    rate_per_s: float = field(metadata=word("rate", RATE, "operations that fall due in a second"))
    timeout_s: float = field(default=5.0, metadata=word("timeout", DURATION, "deadline of one operation"))
    connection: str = field(
        default="keep-alive", metadata=word("connection", choice("keep-alive", "fresh"), "a pool, or one each")
    )
    in_flight_max: int = field(
        default=2000, metadata=word("in-flight", COUNT, "more at once are not sent, and nothing can be judged then")
    )

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        """What is wrong with it on this cluster: (key, half a sentence)."""
        if unknown := cluster.unknown(self.to):
            yield "to", f"names '{self.to}': {unknown}"
        elif not cluster.node(self.to).ports:
            yield "to", f"names '{self.to}', whose service declares no port: add 'port:' to its x-harness block"
        if not 0 < self.rate_per_s <= 20_000:
            yield "rate", f"is {self.rate_per_s:g}/s: write one from 1/m to 20000/s"
        if not 0 < self.timeout_s <= 600:
            yield "timeout", f"is {self.timeout_s:g} s: write one from 1us to 10m"
        if self.in_flight_max < 1:
            yield "in-flight", "is 0: nothing would be sent"

    def load(self, cluster: Cluster, start_ns: int, end_ns: int, seed: int) -> Load:
        """The order for the client's pod."""
        return Load(
            traffic=self.name,
            client=self.client,
            host=self.to,
            port=cluster.node(self.to).ports[0],
            rate_per_s=self.rate_per_s,
            timeout_s=self.timeout_s,
            start_ns=start_ns,
            end_ns=end_ns,
            connection="fresh" if self.connection == "fresh" else "keep-alive",
            in_flight_max=self.in_flight_max,
            seed=seed,
            options=self.options(),
        )

    @abstractmethod
    def options(self) -> tuple[tuple[str, str], ...]:
        """The client's own words, as the client's process reads them."""
