"""What the members of a store said of themselves, and what all objectives that rest on it have in common."""

from dataclasses import dataclass, field

from harness.errors import RecordingError
from harness.members import Told as Line
from harness.members import read
from harness.objectives.histories import OfHistory
from harness.recording.evidence import Evidence
from harness.words import NAME, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(OfHistory):
    """Over what one traffic was told by each member."""

    traffic: str = field(metadata=word("of", NAME, "the traffic that asks the members, one of 'etcd-status'"))


def told(evidence: Evidence, traffic: str) -> tuple[Line, ...] | str:
    """In the order of the instants; or a sentence: why there is nothing to be read."""
    return evidence.once(("told", traffic), lambda: _told(evidence.histories.get(traffic, b""), traffic))


def _told(lines: bytes, traffic: str) -> tuple[Line, ...] | str:
    if not lines:
        return f"{traffic} wrote down nothing that a member said: its client must be 'etcd-status'"
    try:
        return tuple(sorted(read(lines, f"history/{traffic}.jsonl"), key=lambda one: one.at_ns))
    except RecordingError as error:
        return str(error)
