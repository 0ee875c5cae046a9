"""Registers of etcd: reads, writes and swaps, whose history says whether the store is linearizable."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.units import show_share
from harness.wire import HISTORY_MAX
from harness.words import COUNT, SHARE, choice, word

_KEYS_MAX = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Registers(Traffic):
    """POST /v3/kv/range, put and txn. ``to`` may be a role: its nodes are asked by turns, another when one fails.

    Every written value is new. What each process did and was told is ``history/NAME.jsonl`` in the run's folder, for
    ``harness linearizable`` and the objective of that name.
    """

    client: ClassVar[str] = "registers"
    about: ClassVar[str] = "reads, writes and swaps registers of etcd, and keeps the history for 'linearizable'"

    keys: int = field(default=5, metadata=word("keys", COUNT, "how many registers; few are written at once more often"))
    writes: float = field(default=0.4, metadata=word("writes", SHARE, "the share of operations that write"))
    swaps: float = field(
        default=0.2, metadata=word("swaps", SHARE, "the share that compares and sets; the rest of all reads")
    )
    reads: str = field(
        default="linearizable",
        metadata=word(
            "reads",
            choice("linearizable", "serializable"),
            "the truth, or what the member that is asked happens to know",
        ),
    )

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Registers, self).check(cluster)
        if not 1 <= self.keys <= _KEYS_MAX:
            yield "keys", f"is {self.keys}: write one from 1 to {_KEYS_MAX}"
        if self.writes + self.swaps > 1:
            both = show_share(self.writes + self.swaps)
            yield "swaps", f"and 'writes' are {both} together: write at most 100%; the rest are reads"

    def _check_mix(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if self.mix:
            yield "mix", "has no parts here: 'writes' and 'swaps' say what is asked; leave it out"

    def notes(self) -> Iterator[str]:
        """None: a process of a history waits for its answer, and users in a closed loop are what is asked for."""
        yield from ()

    def hosts(self, cluster: Cluster) -> tuple[str, ...]:
        return cluster.chosen((self.to,))

    def history_max(self) -> int:
        return HISTORY_MAX

    def options(self) -> tuple[tuple[str, str], ...]:
        return (
            ("keys", str(self.keys)),
            ("writes", _percent(self.writes)),
            ("swaps", _percent(self.swaps)),
            ("reads", self.reads),
        )


def _percent(share: float) -> str:
    return f"{share * 100:.9g}%"
