"""What all objectives have in common that rest on what one traffic wrote down beside its operations."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from harness.objectives.base import Objective
from harness.objectives.when import unknown
from harness.words import NAME, word


@dataclass(frozen=True, slots=True, kw_only=True)
class OfHistory(Objective):
    """Over the history of one traffic."""

    traffic: str = field(metadata=word("of", NAME, "the traffic that kept a history, such as one of 'registers'"))

    @property
    def traffic_name(self) -> str:
        return self.traffic

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        yield from unknown("of", self.traffic, traffic, "traffic")
        yield from super(OfHistory, self).check(traffic, faults)

    def faults(self) -> frozenset[str]:
        return frozenset(name for name in (self.needs,) if name)
