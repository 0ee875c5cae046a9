"""A line over TCP, and the line that comes back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.words import COUNT, TEXT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Tcp(Traffic):
    """``{digit}`` counts from 0 to 9 in both, so that an answer to another question is seen."""

    client: ClassVar[str] = "tcp"
    about: ClassVar[str] = "sends a line over TCP and checks the line that comes back"

    send: str = field(metadata=word("send", TEXT, "the line that is sent, such as 'ECHO {digit}'"))
    expect: str = field(default="", metadata=word("expect", TEXT, "what a good answer contains, such as '{digit}'"))
    lines: int = field(default=1, metadata=word("lines", COUNT, "how many lines an answer has"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Tcp, self).check(cluster)
        if "\n" in self.send:
            yield "send", "has more than one line: write one (the client ends it)"
        if not 1 <= self.lines <= 1000:
            yield "lines", f"is {self.lines}: write one from 1 to 1000"

    def options(self) -> tuple[tuple[str, str], ...]:
        return (("send", self.send), ("expect", self.expect), ("lines", str(self.lines)))
