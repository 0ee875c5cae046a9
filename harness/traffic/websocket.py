"""A message over a WebSocket, and the message that comes back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.words import TEXT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Websocket(Traffic):
    """The next message after the one that was sent is its answer; what comes unasked in between times is passed over.

    Where an answer comes in pieces, ``until`` says how its last message is known; ``expect`` is looked for in all.
    With ``connection: fresh`` every operation has a handshake of its own, and it counts.
    """

    client: ClassVar[str] = "websocket"
    about: ClassVar[str] = "sends a message over a WebSocket and checks the one that comes back"

    path: str = field(default="/", metadata=word("path", TEXT, "where the handshake goes"))
    send: str = field(metadata=word("send", TEXT, "the message that is sent; {digit} counts from 0 to 9"))
    expect: str = field(default="", metadata=word("expect", TEXT, "what a good answer contains, such as '{digit}'"))
    until: str = field(default="", metadata=word("until", TEXT, "what the last message of an answer has in it"))
    error: str = field(
        default="", metadata=word("error", TEXT, "what a message has in it that comes in place of an answer")
    )

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Websocket, self).check(cluster)
        if not self.path.startswith("/") or " " in self.path:
            yield "path", f"is '{self.path}': write one that starts with '/' and has no spaces"

    def options(self) -> tuple[tuple[str, str], ...]:
        asked = (("until", self.until), ("error", self.error))
        always = (("path", self.path), ("send", self.send), ("expect", self.expect))
        return (*always, *(pair for pair in asked if pair[1]))
