"""What became of messages: acknowledged ones that never came, and those that came in another order."""

from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import ClassVar

from harness.deliveries import Deliveries, read
from harness.objectives.base import Bound, Finding, bound
from harness.objectives.over_window import OverWindow
from harness.recording.evidence import Evidence, Window
from harness.words import COUNT, word

_BOUND = bound(COUNT)
_FRESH_NS = 1_000_000_000  # acknowledged so shortly before the end, and it may still have been on its way


@dataclass(frozen=True, slots=True, kw_only=True)
class OverMessages(OverWindow):
    """Taken from the history of a traffic that tells its messages apart; of those that were sent in the window."""

    by_length: ClassVar[bool] = True
    happened: ClassVar[str] = "was sent"

    @property
    def source(self) -> str:
        return f"the history of {self.traffic}: messages sent in {self.window}"

    def within(self, evidence: Evidence, window: Window) -> Finding:
        lines = evidence.histories.get(self.traffic)
        if not lines:
            return self.finding("inconclusive", f"{self.traffic} kept no history: its client must be 'nats'")
        try:
            seen = evidence.once(("deliveries", self.traffic), lambda: read(lines))
        except ValueError as error:
            return self.finding("inconclusive", f"history/{self.traffic}.jsonl: {error}")
        numbers = [one.number for one in seen.sent.values() if window.holds(one.at_ns)]
        numbers = [number for number in numbers if number in seen.acknowledged_ns]
        if not numbers:
            return self.finding("inconclusive", f"no message of {self.traffic} that was sent in it was acknowledged")
        return self.over(seen, numbers)

    @abstractmethod
    def over(self, seen: Deliveries, numbers: list[int]) -> Finding:
        """``numbers``: the acknowledged messages that were sent in the window, at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undelivered(OverMessages):
    """How many messages were acknowledged to their sender and never came to some reader, however late.

    Nothing is said of one whose sender was told nothing, or had given it up. One that was acknowledged in the last
    second of the run may have been on its way: where those decide, nobody can tell.
    """

    key: ClassVar[str] = "undelivered"
    about: ClassVar[str] = "how many acknowledged messages never came to some reader"
    unit: ClassVar[str] = "undelivered"

    bound: Bound = field(metadata=word("undelivered", _BOUND, "how many acknowledged messages, such as '== 0'"))

    def over(self, seen: Deliveries, numbers: list[int]) -> Finding:
        got = {(one.number, one.reader) for one in seen.came}
        lacks = Counter(reader for reader in seen.readers for number in numbers if (number, reader) not in got)
        missing = [number for number in numbers if any((number, reader) not in got for reader in seen.readers)]
        fresh = sum(seen.last_ns - seen.acknowledged_ns[number] < _FRESH_NS for number in missing)
        outcome = self.bound.among(len(missing), len(missing) - fresh)
        reason = f"{len(missing):,} of {len(numbers):,} acknowledged messages never came to some reader"
        if outcome == "inconclusive":
            reason += f"; {fresh:,} of them were acknowledged in the last second: too close to tell"
        details = tuple((f"never came to {reader}", f"{lacks[reader]:,}") for reader in seen.readers if lacks[reader])
        return self.finding(outcome, reason, float(len(missing)), details=details)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reordered(OverMessages):
    """How often a reader got a message for the first time after a later one of the same subject.

    Later is what was sent only after the first one had been acknowledged: of two that were on their way at the same
    time, either may come first. That a message comes once more is not another order (``duplicated``).
    """

    key: ClassVar[str] = "reordered"
    about: ClassVar[str] = "how often a message came after a later one of its subject"
    unit: ClassVar[str] = "reordered"

    bound: Bound = field(metadata=word("reordered", _BOUND, "how often, such as '== 0'"))

    def over(self, seen: Deliveries, numbers: list[int]) -> Finding:
        asked = set(numbers)
        latest_sent_ns: dict[tuple[str, str], int] = {}
        first: set[tuple[int, str]] = set()
        late: Counter[str] = Counter()
        for one in seen.came:
            sent = seen.sent.get(one.number)
            if sent is None or (one.number, one.reader) in first:
                continue
            first.add((one.number, one.reader))
            of = (one.reader, sent.subject)
            acknowledged_ns = seen.acknowledged_ns.get(one.number)
            if one.number in asked and acknowledged_ns and acknowledged_ns < latest_sent_ns.get(of, 0):
                late[one.reader] += 1
            latest_sent_ns[of] = max(sent.at_ns, latest_sent_ns.get(of, 0))
        judged = sum(number in asked for number, _ in first)
        if not judged:
            return self.finding("inconclusive", f"none of {len(numbers):,} acknowledged messages came to a reader")
        reason = f"{late.total():,} of {judged:,} times a message came after a later one of its subject"
        details = tuple((f"too late at {reader}", f"{late[reader]:,}") for reader in seen.readers if late[reader])
        return self.finding(self.bound.outcome(late.total()), reason, float(late.total()), details=details)
