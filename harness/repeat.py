"""How often a scenario is played, and what its runs together must show. Declared beforehand, or it is no test."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import ceil, log

from harness.objectives.base import Bound, bound
from harness.units import show_share
from harness.words import COUNT, SHARE, choice, word

RUNS_MAX = 1000
CONFIDENCE = 0.95
_CONFIDENCE_MIN, _CONFIDENCE_MAX = 0.5, 0.9999
_ERROR_MAX = 0.5
_ERROR = 0.05
_SEQUENTIAL = choice("sequential")


@dataclass(frozen=True, slots=True)
class Sequential:
    """Wald's test of "passes with ``p1`` or more" against "with ``p0`` or less".

    ``alpha``: how often a system that passes with ``p0`` may be let through; ``beta``: how often one that passes with
    ``p1`` may be turned away.
    """

    p0: float
    p1: float
    alpha: float
    beta: float

    @property
    def passes_needed(self) -> int:
        """How many runs must pass, none failing, before it lets a system through."""
        return ceil(round(log(1 / self.alpha) / log(self.p1 / self.p0), 9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """``pass_rate`` None and no ``stop``: every run must pass."""

    runs: int = field(metadata=word("runs", COUNT, "how many runs, one after the other"))
    confidence: float = field(
        default=CONFIDENCE, metadata=word("confidence", SHARE, "of every interval that is said, such as 95%")
    )
    pass_rate: Bound | None = field(
        default=None,
        metadata=word("pass_rate", bound(SHARE), "what they must prove, such as '>= 80%'; without it all must pass"),
    )
    stop: str | None = field(
        default=None, metadata=word("stop", _SEQUENTIAL, "stop as soon as a sequential test has decided")
    )
    p0: float | None = field(default=None, metadata=word("p0", SHARE, "the pass rate that is not good enough"))
    p1: float | None = field(default=None, metadata=word("p1", SHARE, "the pass rate that is good enough"))
    alpha: float = field(default=_ERROR, metadata=word("alpha", SHARE, "how often p0 may be taken for good enough"))
    beta: float = field(default=_ERROR, metadata=word("beta", SHARE, "how often p1 may be taken for not good enough"))

    @property
    def test(self) -> Sequential | None:
        """The sequential test, where one was declared."""
        if self.stop is None or self.p0 is None or self.p1 is None:
            return None
        return Sequential(self.p0, self.p1, self.alpha, self.beta)

    def check(self) -> Iterator[tuple[str, str]]:
        """What is wrong with it: (key, half a sentence)."""
        if not 1 <= self.runs <= RUNS_MAX:
            yield "runs", f"is {self.runs}: write one from 1 to {RUNS_MAX:,}"
            return
        if not _CONFIDENCE_MIN <= self.confidence <= _CONFIDENCE_MAX:
            yield "confidence", f"is {show_share(self.confidence)}: write one from 50% to 99.99%, such as 95%"
            return
        yield from self._wrong_rate()
        yield from self._wrong_test()

    def _wrong_rate(self) -> Iterator[tuple[str, str]]:
        wanted = self.pass_rate
        if wanted is None:
            return
        if self.stop is not None:
            yield "pass_rate", "stands beside 'stop', whose test asks the same: take one of them out"
        elif wanted.comparison not in (">=", ">") or not 0 < wanted.limit < 1:
            yield "pass_rate", f"is '{wanted.text}': write the least that is enough, such as '>= 80%'"
        elif self.runs < (needed := _passes_needed(wanted.limit, self.confidence)):
            proved = ((1 - self.confidence) / 2) ** (1 / self.runs)
            said = f"{self.runs} runs that all pass prove only {show_share(int(proved * 1000) / 1000)}"
            yield "pass_rate", f"is '{wanted.text}', and {said}: write 'runs: {needed}' or more"

    def _wrong_test(self) -> Iterator[tuple[str, str]]:
        if self.stop is None:
            for key, value in (("p0", self.p0), ("p1", self.p1)):
                if value is not None:
                    yield key, "belongs to a sequential test: write 'stop: sequential' beside it"
            return
        if self.p0 is None or self.p1 is None:
            yield "stop", "needs 'p0' and 'p1' beside it: the pass rates that are not, and that are, good enough"
            return
        for key, error in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0 < error < _ERROR_MAX:
                yield key, f"is {show_share(error)}: write more than 0% and less than 50%, such as 5%"
                return
        if not 0 < self.p0 < self.p1:
            yield "p0", f"is {show_share(self.p0)} and 'p1' {show_share(self.p1)}: write 0% < p0 < p1"
            return
        needed = Sequential(self.p0, self.p1, self.alpha, self.beta).passes_needed
        if self.runs < needed:
            yield "runs", f"is {self.runs}: even if all pass the test cannot say so before {needed}; write that or more"


def _passes_needed(limit: float, confidence: float) -> int:
    """The fewest runs that, all passing, have a Clopper-Pearson interval above ``limit``: (alpha/2)^(1/n) >= limit."""
    return ceil(round(log((1 - confidence) / 2) / log(limit), 9))
