"""What is done at each point: drawn by seed and number alone, so that a series can be resumed and a point repeated."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")
PHASES = ("start", "warmup", "faults", "recovery", "leaving")
_PHASE_DECK = (*("start",) * 3, "warmup", *("faults",) * 4, "recovery", "leaving")


@dataclass(frozen=True, slots=True)
class Point:
    """``share``: how far into ``phase`` the harm is done, from 0 to 1. ``draw``: for what else a harm has to choose."""

    number: int
    harm: str
    kind: str
    phase: str
    share: float
    draw: int


def points(seed: int, harms: Sequence[str], kinds: Sequence[str]) -> Iterator[Point]:
    """Without end. ``harms`` and ``kinds`` are decks: each comes as often in every round as it stands there."""
    drawn = zip(_deal(seed, "harm", harms), _deal(seed, "kind", kinds), _deal(seed, "phase", _PHASE_DECK), strict=False)
    for number, (harm, kind, phase) in enumerate(drawn):
        chance = random.Random(f"{seed}/{number}")
        yield Point(number, harm, kind, phase, chance.random(), chance.getrandbits(32))


def _deal(seed: int, what: str, deck: Sequence[_T]) -> Iterator[_T]:
    """The deck, shuffled anew for every round."""
    turn = 0
    while True:
        cards = list(deck)
        random.Random(f"{seed}/{what}/{turn}").shuffle(cards)
        yield from cards
        turn += 1
