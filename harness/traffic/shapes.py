"""How a rate changes while faults are injected: one class per shape, one line in the table.

A shape is played in the faults phase. The warm-up and the recovery run at its first rate, so that there is a baseline,
and a recovery that can be compared with it. Its ``at`` counts from the beginning of the phase, as a fault's does.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from harness import units
from harness.wire import Stretch
from harness.words import Reader

_AT, _FOR = rf"(?: at ({units.DURATION.pattern}))?", rf"(?: for ({units.DURATION.pattern}))?"
_RATE = units.RATE.pattern


@dataclass(frozen=True, slots=True)
class Shape(ABC):
    """``text``: what the file said. ``base_per_s``: its first rate, before and after it."""

    kind: ClassVar[str]
    about: ClassVar[str]
    example: ClassVar[str]
    pattern: ClassVar[str]

    text: str
    base_per_s: float

    @classmethod
    @abstractmethod
    def read(cls, found: re.Match[str]) -> "Shape":
        """From a match of its ``pattern``."""

    @property
    @abstractmethod
    def rates_per_s(self) -> tuple[float, ...]:
        """Every rate that is written in it."""

    @abstractmethod
    def stretches(self, faults_s: float) -> Iterator[Stretch]:
        """From the beginning of the faults phase, which lasts ``faults_s``, on; what is beyond it is cut."""


@dataclass(frozen=True, slots=True)
class _Change(Shape):
    """To another rate, ``at_s`` into the phase. ``for_s`` None: until it ends."""

    to_per_s: float
    at_s: float
    for_s: float | None

    @classmethod
    def read(cls, found: re.Match[str]) -> "Shape":
        words = _words(found)
        base_per_s, to_per_s = words.rates_per_s
        return cls(found[0], base_per_s, to_per_s, words.at_s or 0.0, words.for_s)

    @property
    def rates_per_s(self) -> tuple[float, ...]:
        return (self.base_per_s, self.to_per_s)

    def _lasts_s(self, faults_s: float) -> float:
        return max(0.0, faults_s - self.at_s) if self.for_s is None else self.for_s


@dataclass(frozen=True, slots=True)
class Ramp(_Change):
    """A straight line from one rate to another, which then stays until the phase ends."""

    kind: ClassVar[str] = "ramp"
    about: ClassVar[str] = "a straight line from one rate to another; without 'for' it takes the whole faults phase"
    example: ClassVar[str] = "ramp 10/s to 200/s"
    pattern: ClassVar[str] = rf"ramp ({_RATE}) to ({_RATE}){_AT}{_FOR}"

    def stretches(self, faults_s: float) -> Iterator[Stretch]:
        for_s = self._lasts_s(faults_s)
        yield Stretch(self.at_s, self.base_per_s, self.base_per_s)
        yield Stretch(for_s, self.base_per_s, self.to_per_s)
        yield Stretch(max(0.0, faults_s - self.at_s - for_s), self.to_per_s, self.to_per_s)


@dataclass(frozen=True, slots=True)
class Spike(_Change):
    """Another rate at once, for a while."""

    kind: ClassVar[str] = "spike"
    about: ClassVar[str] = "another rate at once, for a while; without 'for' until the faults phase ends"
    example: ClassVar[str] = "spike 50/s to 500/s at 10s for 5s"
    pattern: ClassVar[str] = rf"spike ({_RATE}) to ({_RATE}){_AT}{_FOR}"

    def stretches(self, faults_s: float) -> Iterator[Stretch]:
        yield Stretch(self.at_s, self.base_per_s, self.base_per_s)
        yield Stretch(self._lasts_s(faults_s), self.to_per_s, self.to_per_s)


@dataclass(frozen=True, slots=True)
class Steps(Shape):
    """One rate after the other."""

    kind: ClassVar[str] = "steps"
    about: ClassVar[str] = "one rate after the other, each 'for' so long; without it they share the faults phase evenly"
    example: ClassVar[str] = "steps 50/s 100/s 200/s for 10s"
    pattern: ClassVar[str] = rf"steps ({_RATE})((?: {_RATE})+){_FOR}"

    later_per_s: tuple[float, ...]
    for_s: float | None

    @classmethod
    def read(cls, found: re.Match[str]) -> "Steps":
        words = _words(found)
        return cls(found[0], words.rates_per_s[0], words.rates_per_s[1:], words.for_s)

    @property
    def rates_per_s(self) -> tuple[float, ...]:
        return (self.base_per_s, *self.later_per_s)

    def stretches(self, faults_s: float) -> Iterator[Stretch]:
        for_s = faults_s / len(self.rates_per_s) if self.for_s is None else self.for_s
        for rate_per_s in self.rates_per_s:
            yield Stretch(for_s, rate_per_s, rate_per_s)


SHAPES: dict[str, type[Shape]] = {kind.kind: kind for kind in (Ramp, Steps, Spike)}


@dataclass(frozen=True, slots=True)
class _Words:
    rates_per_s: tuple[float, ...]
    at_s: float | None
    for_s: float | None


def _words(found: re.Match[str]) -> _Words:
    """The figures of a shape by the words before them: every pattern writes them in one way."""
    words = found[0].split()
    named = {name: units.duration_s(value) for name, value in pairwise(words) if name in ("at", "for")}
    rates = tuple(units.rate_per_s(word) for word in words if units.RATE.fullmatch(word))
    return _Words(rates, named.get("at"), named.get("for"))


def _read(text: str) -> Shape:
    words = " ".join(text.split())
    kind = SHAPES.get(words.partition(" ")[0])
    if kind is None:
        raise ValueError(f"is '{text}': write one of {', '.join(SHAPES)}, such as '{Ramp.example}'")
    found = re.fullmatch(kind.pattern, words, re.ASCII)
    if found is None:
        raise ValueError(f"is '{text}': write it like '{kind.example}'")
    return kind.read(found)


def cut(stretches: Iterable[Stretch], for_s: float) -> Iterator[Stretch]:
    """What of them lies in the first ``for_s``; none of no length."""
    for one in stretches:
        if one.for_s > for_s:
            if for_s > 0:
                yield Stretch(
                    for_s, one.from_per_s, one.from_per_s + (one.to_per_s - one.from_per_s) * for_s / one.for_s
                )
            return
        if one.for_s > 0:
            yield one
        for_s -= one.for_s


_ANY = "|".join(kind.pattern for kind in SHAPES.values())
SHAPE = Reader("shape of the load", Ramp.example, _read, pattern=_ANY)
