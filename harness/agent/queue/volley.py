"""Twenty numbered datagrams to a peer's echo, and what came back of them. Pure; instants are nanoseconds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

FLOWS, IN_A_ROW = 4, 5  # sockets, and datagrams from each, back to back
DATAGRAMS = FLOWS * IN_A_ROW
_NUMBER_BYTES = 8
_TIMES = 4  # the number stands there so often: one flipped bit leaves it readable
DATAGRAM_BYTES = _NUMBER_BYTES * _TIMES
_DOUBLES_NS = 10_000_000  # a second copy comes right behind the first


def datagram(number: int) -> bytes:
    return number.to_bytes(_NUMBER_BYTES) * _TIMES


def number_of(data: bytes) -> tuple[int, bool]:
    """The number of a datagram that came back, and whether it is as it was sent."""
    parts = Counter(data[at : at + _NUMBER_BYTES] for at in range(0, len(data), _NUMBER_BYTES))
    number = int.from_bytes(parts.most_common(1)[0][0]) if parts else 0
    return number, data == datagram(number)


@dataclass(frozen=True, slots=True)
class Tally:
    """Of how many datagrams how many were what. ``round_trips_s``: of the first of every flow that came back."""

    datagrams: int = 0
    lost: int = 0
    doubled: int = 0
    overtaken: int = 0
    corrupted: int = 0
    round_trips_s: tuple[float, ...] = ()

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            self.datagrams + other.datagrams,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.overtaken + other.overtaken,
            self.corrupted + other.corrupted,
            self.round_trips_s + other.round_trips_s,
        )


class Volley:
    """``patience_ns``: an answer that takes longer is lost."""

    def __init__(self, first: int, patience_ns: int) -> None:
        self.first = first  # its datagrams have this number and those after it
        self._patience_ns = patience_ns
        self._sent_ns: list[int] = []
        self._came: list[tuple[int, int, bool]] = []  # (datagram from 0, at_ns, as it was sent)

    def sent(self, at_ns: int) -> None:
        """The next datagram went, or was meant to."""
        self._sent_ns.append(at_ns)

    def came(self, number: int, at_ns: int, intact: bool) -> None:
        self._came.append((number - self.first, at_ns, intact))

    def over(self, now_ns: int) -> bool:
        """Nothing more is waited for."""
        if len({index for index, *_ in self._came}) == DATAGRAMS:
            return now_ns >= self._came[-1][1] + _DOUBLES_NS
        return now_ns >= self._sent_ns[-1] + self._patience_ns

    def tally(self) -> Tally:
        first_ns: dict[int, int] = {}  # in the order in which they came
        for index, at_ns, _ in self._came:
            first_ns.setdefault(index, at_ns)
        times = Counter(index for index, *_ in self._came)
        order = list(first_ns)
        return Tally(
            datagrams=DATAGRAMS,
            lost=DATAGRAMS - len(first_ns),
            doubled=sum(times[index] > 1 for index in times),
            overtaken=sum(_overtaken(order[:place], index) for place, index in enumerate(order)),
            corrupted=len({index for index, _, intact in self._came if not intact}),
            round_trips_s=tuple(
                (first_ns[index] - self._sent_ns[index]) / 1e9
                for index in range(0, DATAGRAMS, IN_A_ROW)
                if index in first_ns
            ),
        )


def _overtaken(before: Sequence[int], index: int) -> bool:
    """A later one of the same flow came before it."""
    return any(other > index and other // IN_A_ROW == index // IN_A_ROW for other in before)


def figures(tallies: Sequence[Tally]) -> dict[str, float]:
    """Readings from the tallies of one fault's peers; of the round trips the peer with the shortest ones."""
    total = sum(tallies, Tally())
    if not total.datagrams:
        return {}
    shares = {
        "lost_share": total.lost / total.datagrams,
        "doubled_share": total.doubled / total.datagrams,
        "overtaken_share": total.overtaken / total.datagrams,
        "corrupted_share": total.corrupted / total.datagrams,
    }
    times = [t.round_trips_s for t in tallies if t.round_trips_s]
    found = {"datagrams": float(total.datagrams), **shares}
    if times:
        found["round_trip_s"] = min(median(ts) for ts in times)
        found["round_trip_spread_s"] = max(max(ts) - min(ts) for ts in times)
    return found
