"""How a run stands this moment, for the people who look on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultStatus:
    """``since_s``: how long it has been in force; ``met`` what met it so far; ``unharmed`` None: not known yet."""

    name: str
    what: str
    since_s: float
    met: str
    unharmed: bool | None


@dataclass(frozen=True, slots=True)
class TrafficStatus:
    """The last second of one traffic, and the failures of the whole run by name."""

    name: str
    sent_per_s: float
    ok_per_s: float
    p99_s: float | None
    failed: int
    failures: tuple[tuple[str, int], ...]
    wrong: int


@dataclass(frozen=True, slots=True)
class Status:
    """``phases``: (name, length in seconds), in order; ``elapsed_s`` since the warm-up began."""

    elapsed_s: float
    phases: tuple[tuple[str, float], ...]
    traffic: tuple[TrafficStatus, ...]
    faults: tuple[FaultStatus, ...]
