"""What becomes of each packet: drawn from a seed, so that the same packets meet the same fate again. Pure."""

from collections.abc import Sequence
from functools import reduce
from random import Random
from typing import NamedTuple

from harness.primitives import Disturb

OVERTAKEN_S = 0.010  # so long a packet is held that later ones overtake


class Fate(NamedTuple):
    """``flips``: one number for each bit that is flipped; which bit, the packet's length decides."""

    delay_s: float = 0.0
    lost: bool = False
    doubled: bool = False
    overtaken: bool = False
    flips: tuple[int, ...] = ()
    silent: bool = True


UNTOUCHED = Fate()


def both(one: Fate, other: Fate) -> Fate:
    """Two disturbances of one packet: delays add, either loss loses it, a wrong checksum stays wrong."""
    return Fate(
        one.delay_s + other.delay_s,
        one.lost or other.lost,
        one.doubled or other.doubled,
        one.overtaken or other.overtaken,
        one.flips + other.flips,
        one.silent and other.silent,
    )


def bad_spell_share(loss: float, burst: float) -> float:
    """The chance that a spell of losses begins, for this share of losses in spells of ``burst`` packets on average.

    Gilbert's model: all is lost in a bad spell, nothing outside.
    """
    return loss / (burst * (1 - loss))


class Draws:
    """The fates of the packets of one disturbance, in the order in which they come."""

    def __init__(self, disturb: Disturb) -> None:
        self._disturb = disturb
        self._random = Random(f"{disturb.seed} {disturb.node}").random
        self._bad = False
        self.constant = not any((disturb.jitter_s, disturb.loss, disturb.duplicate, disturb.reorder, disturb.corrupt))
        self._always = Fate(delay_s=disturb.delay_s)

    def next(self) -> Fate:
        if self.constant:
            return self._always
        asked, draw = self._disturb, self._random
        if self._lost():
            return Fate(lost=True)
        flips = (int(draw() * 2**32),) if asked.corrupt and draw() < asked.corrupt else ()
        return Fate(
            delay_s=asked.delay_s + (asked.jitter_s * (2 * draw() - 1) if asked.jitter_s else 0.0),
            doubled=bool(asked.duplicate) and draw() < asked.duplicate,
            overtaken=bool(asked.reorder) and draw() < asked.reorder,
            flips=flips,
            silent=asked.silent or not flips,
        )

    def _lost(self) -> bool:
        asked, draw = self._disturb, self._random
        if not asked.loss or asked.loss >= 1:
            return bool(asked.loss)
        if asked.burst <= 1:
            return draw() < asked.loss
        chance = 1 - 1 / asked.burst if self._bad else bad_spell_share(asked.loss, asked.burst)
        self._bad = draw() < chance
        return self._bad


def fate(draws: Sequence[Draws]) -> Fate:
    """Of one packet that several disturbances name."""
    return reduce(both, (d.next() for d in draws), UNTOUCHED) if len(draws) != 1 else draws[0].next()
