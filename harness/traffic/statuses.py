"""Looks at every member of etcd: what it says of its leader and its term, and what its store hashes to."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.cluster import Cluster
from harness.traffic.base import Traffic


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdStatus(Traffic):
    """GET /debug/vars of every member by turns, and after each fifth round POST /v3/maintenance/hashkv of every one,
    at the newest revision that all of them know. ``to`` is their role; nobody is left out because it did not answer.

    What each said is ``history/NAME.jsonl`` in the run's folder, for 'one-leader' and 'same-data'. It is no user's
    traffic: what it is not answered nobody has lost.
    """

    client: ClassVar[str] = "etcd-status"
    about: ClassVar[str] = "asks each member of etcd for its leader, its term and the hash of its data"

    @property
    def of_users(self) -> bool:
        return False

    def _check_mix(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        if self.mix:
            yield "mix", "has no parts here: there is one thing to ask; leave it out"

    def notes(self) -> Iterator[str]:
        """None: a look that waits hides nobody's."""
        yield from ()

    def hosts(self, cluster: Cluster) -> tuple[str, ...]:
        return cluster.chosen((self.to,))

    def options(self) -> tuple[tuple[str, str], ...]:
        return ()
