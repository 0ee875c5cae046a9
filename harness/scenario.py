"""One experiment, exactly as its file says. Frozen: after loading there is nothing left to look up."""

from dataclasses import dataclass, field

from harness.cluster import Cluster, Link
from harness.faults import Fault
from harness.objectives import Objective
from harness.traffic import Traffic
from harness.words import DURATION, word


@dataclass(frozen=True, slots=True)
class Phases:
    """Warm-up is the baseline; faults happen in the second; the third shows whether everything came back."""

    warmup_s: float = field(metadata=word("warmup", DURATION, "load without faults: the baseline"))
    faults_s: float = field(metadata=word("faults", DURATION, "the time in which faults are injected"))
    recovery_s: float = field(metadata=word("recovery", DURATION, "load after the last fault"))

    @property
    def total_s(self) -> float:
        return self.warmup_s + self.faults_s + self.recovery_s


@dataclass(frozen=True, slots=True)
class Scenario:
    """``variables``: the compose file's own, set by ``with:``. ``expected``: what must be violated, or None."""

    name: str
    about: str
    cluster: str
    seed: int
    phases: Phases
    traffic: tuple[Traffic, ...]
    faults: tuple[Fault, ...]
    objectives: tuple[Objective, ...]
    variables: tuple[tuple[str, str], ...] = ()
    expected: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()

    def proxied(self, cluster: Cluster) -> frozenset[Link]:
        """Every link that some fault needs Toxiproxy on; those run through it all run long."""
        return frozenset().union(*(fault.proxies(cluster) for fault in self.faults))
