"""What a run comes to: ``verdict.json``. The same recording and the same judge give the same bytes."""

from typing import Literal

import msgspec

from harness.objectives import Finding, Outcome

SCHEMA = 1
JUDGE = "9"  # raised whenever the same recording could get another verdict


class FaultRecord(msgspec.Struct, frozen=True):
    """One fault as it was planned and as it was seen. Seconds since the warm-up began; None: it never happened.

    ``unharmed``: every link that no fault names stayed as it was meanwhile (the negative control).
    """

    name: str
    kind: str
    via: str
    what: str
    planned_s: tuple[float, float]
    in_force_s: float | None
    healed_s: float | None
    seen: bool
    exercised: bool
    healed: bool
    unharmed: bool
    witness: str


class TrafficRecord(msgspec.Struct, frozen=True):
    """``failed`` counts everything that is neither ok nor wrong; ``failures`` names them, as (outcome, how many).

    ``send_error_p99_s`` None: nothing was sent, or nothing fell due (a closed loop asks when its users are back).
    """

    name: str
    sent: int
    ok: int
    failed: int
    wrong: int
    failures: tuple[tuple[str, int], ...]
    send_error_p99_s: float | None


PhaseName = Literal["detected", "failed over", "restored", "repaired"]


class Phase(msgspec.Struct, frozen=True):
    """One step of a recovery. ``after_s``: seconds since the fault was in force (``repaired``: since it was healed).

    None: it was not reached while we looked, or cannot be told; ``why`` says which. ``error_s``: its plus or minus.
    ``source``: where the figure came from, in words. ``scraped_s``: the same figure as Prometheus saw it, if it has
    one, with its own plus or minus.
    """

    phase: PhaseName
    after_s: float | None
    error_s: float | None
    source: str
    why: str = ""
    scraped_s: float | None = None
    scraped_error_s: float | None = None


class Recovery(msgspec.Struct, frozen=True):
    """How one traffic came through one fault: its phases, in the order detected, failed over, restored, repaired."""

    fault: str
    traffic: str
    phases: tuple[Phase, ...]


class Timing(msgspec.Struct, frozen=True):
    """``in_force_error_s``: widest bracket of a start; ``skew_s``: widest gap between its first and last node."""

    ready_s: float | None
    teardown_s: float | None
    in_force_error_s: float | None
    skew_s: float | None


class Verdict(msgspec.Struct, frozen=True):
    """``reasons``: what the outcome rests on, most important first, each a sentence.

    ``as_expected``: None without ``expect:`` (or without faults); else whether exactly what it names was violated, with
    every fault seen.
    """

    schema: int
    judge: str
    scenario: str
    run: str
    seed: int
    outcome: Outcome
    exit_code: int
    as_expected: bool | None
    sentence: str
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    faults: tuple[FaultRecord, ...]
    traffic: tuple[TrafficRecord, ...]
    timing: Timing
    recoveries: tuple[Recovery, ...] = ()


def encode(verdict: Verdict) -> bytes:
    """The bytes of ``verdict.json``: indented, in a fixed order, with a last newline."""
    return msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n"


def decode(data: bytes) -> Verdict:
    return msgspec.json.decode(data, type=Verdict)
