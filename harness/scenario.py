"""One experiment, exactly as its file says. Frozen: after loading there is nothing left to look up."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.cluster import Cluster, Link
from harness.faults import Fault
from harness.objectives import Objective
from harness.objectives.alerts import AlertRule
from harness.repeat import Repeat
from harness.stop_when import StopWhen, time_limit_s
from harness.targets import aim, stand_ins
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
class Twin:
    """The same scenario on a worse cluster, which shows that the scenario can fail at all.

    ``variables``: of the compose file, set on top of the scenario's own. ``violated``: the objectives that must be.
    """

    variables: tuple[tuple[str, str], ...]
    violated: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """``variables``: the compose file's own, set by ``with:``. ``expected``: what must be violated, or None.
    ``baseline``: the name of saved figures.

    ``broken``: this is the twin that a scenario declares; beside what is expected, more may be violated.

    ``alerts``: rules that the run's Prometheus evaluates.

    ``faults``: on names, but for those that must be looked up when they are due (``harness.targets.pending``).
    """

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
    stop_when: tuple[StopWhen, ...] = ()
    time_limit_s: float | None = None
    repeat: Repeat | None = None
    twin: Twin | None = None
    broken: bool = False
    baseline: str | None = None
    alerts: tuple[AlertRule, ...] = ()

    @property
    def limit_s(self) -> float:
        """How long a run of it may take in all, from its first container; longer, and it is stopped and healed."""
        return time_limit_s(self.phases.total_s) if self.time_limit_s is None else self.time_limit_s

    def as_twin(self) -> "Scenario":
        """Its broken twin; itself, where it declares none."""
        if self.twin is None:
            return self
        turned = ", ".join(f"{name}={value}" for name, value in self.twin.variables)
        named = ", ".join(self.twin.violated)
        return replace(
            self,
            about=f"As {self.name}, with {turned}: {named} must be violated, else {self.name} shows nothing.",
            tags=("twin",),
            variables=merged(self.variables, self.twin.variables),
            expected=self.twin.violated,
            twin=None,
            broken=True,
        )

    def stand_ins(self, cluster: Cluster) -> tuple[Fault, ...]:
        """Every fault on names: what has to be looked up stands here once for each node that it may come to."""
        return tuple(one for fault in self.faults for one in stand_ins(fault, cluster, self.seed))

    def resolved(self, cluster: Cluster, found: Mapping[str, Mapping[str, str]]) -> "Scenario":
        """With the nodes that were looked up: by fault, by word. What was never due keeps its words."""
        aimed = (aim(fault, cluster, self.seed, found=found.get(fault.name)) for fault in self.faults)
        return replace(self, faults=tuple(fault for fault, _ in aimed))

    def proxied(self, cluster: Cluster) -> frozenset[Link]:
        """Every link that some fault needs Toxiproxy on; those run through it all run long."""
        return frozenset[Link]().union(*(fault.proxies(cluster) for fault in self.stand_ins(cluster)))


def merged(under: tuple[tuple[str, str], ...], over: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Variables of which the later ones count."""
    return tuple({**dict(under), **dict(over)}.items())
