"""Messages of NATS: published on any server, and read on every one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.units import show_planned_s
from harness.wire import HISTORY_MAX
from harness.words import COUNT, DURATION, SIZE, choice, word

_SIZE_MIN_BYTES, _SIZE_MAX_BYTES = 13, 8 << 20
_SUBJECTS_MAX = 1000
_REPLICAS = (1, 3, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nats(Traffic):
    """An operation is one message, published on the servers by turns. It is a success when its sender was told that it
    is taken care of and a reader on every server has it, byte for byte; one that was acknowledged and did not come to
    every reader within the time-out counts as ``truncated``. Nothing is published twice.

    ``via: stream`` makes a stream of JetStream, whose readers go on at another server when theirs is silent; ``via:
    core`` has no memory: a message comes to whoever listens. ``to`` may be a role: all of its nodes. What was sent,
    acknowledged, and came to whom is ``history/NAME.jsonl`` in the run's folder, for ``undelivered`` and ``reordered``.
    """

    client: ClassVar[str] = "nats"
    about: ClassVar[str] = "publishes messages on NATS, and reads them on every server"

    via: str = field(
        default="stream",
        metadata=word("via", choice("stream", "core"), "a stream that keeps the messages, or whoever listens"),
    )
    acks: str = field(
        default="stream",
        metadata=word("acks", choice("stream", "server"), "whose word for a message its sender takes; core: server"),
    )
    reads: str = field(
        default="acked",
        metadata=word(
            "reads",
            choice("acked", "ordered"),
            "of a stream: what nobody acknowledged is sent again; or in order, from the last one that came",
        ),
    )
    replicas: int | None = field(
        default=None,
        metadata=word("replicas", COUNT, "on how many servers the stream is: 1, 3 or 5; else 3, or 1 of fewer servers"),
    )
    store: str = field(default="file", metadata=word("store", choice("file", "memory"), "where the stream is kept"))
    subjects: int = field(default=4, metadata=word("subjects", COUNT, "among how many the messages are shared out"))
    size_bytes: int = field(default=100, metadata=word("size", SIZE, "of one message"))
    ping_s: float = field(
        default=2.0,
        metadata=word("ping", DURATION, "how often a client asks after life; after two in vain it connects anew"),
    )

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Nats, self).check(cluster)
        if self.replicas is not None and self.replicas not in _REPLICAS:
            yield "replicas", f"is {self.replicas}: write 1, 3 or 5"
        elif self.via == "stream" and (self.replicas or 1) > len(hosts := self.hosts(cluster)) > 0:
            yield "replicas", f"is {self.replicas}, and 'to' has {len(hosts)} of the servers: write no more than that"
        if not 1 <= self.subjects <= _SUBJECTS_MAX:
            yield "subjects", f"is {self.subjects}: write one from 1 to {_SUBJECTS_MAX}"
        if not _SIZE_MIN_BYTES <= self.size_bytes <= _SIZE_MAX_BYTES:
            yield "size", f"is {self.size_bytes:,} bytes: write one from {_SIZE_MIN_BYTES}B to 8MiB"
        if not 0.1 <= self.ping_s <= 600:
            yield "ping", f"is {show_planned_s(self.ping_s)}: write one from 100ms to 10m"

    def _check_mix(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if self.mix:
            yield "mix", "has no parts here: every message goes the same way; write another traffic"

    def hosts(self, cluster: Cluster) -> tuple[str, ...]:
        return cluster.chosen((self.to,))

    def history_max(self) -> int:
        return HISTORY_MAX

    def options(self) -> tuple[tuple[str, str], ...]:
        return (
            ("via", self.via),
            ("acks", self.acks),
            ("reads", self.reads),
            ("replicas", str(self.replicas or 0)),
            ("store", self.store),
            ("subjects", str(self.subjects)),
            ("size", str(self.size_bytes)),
            ("ping", f"{self.ping_s:g}s"),
        )
