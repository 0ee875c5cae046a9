"""What shows that a toxic is there where a probe's few bytes cannot: a bulk over the echo of the same link.

Silence, resets and delays are seen by the pod's probes, so those toxics have no bulk of their own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.agent.bulk import Moved, Mover
from harness.primitives import Toxic

_RATE_S, _RATE_MIN_BYTES, _RATE_MAX_BYTES = 0.3, 12_000, 256_000
_BEYOND_BYTES = 4096  # what should come after the cut
_FEW_BYTES = 1000
_PIECES_S, _PIECES_MIN, _PIECES_MAX = 0.3, 4, 32
_TIMEOUT_S = 4.0
_KB_BYTES = 1000  # as Toxiproxy counts


@dataclass(frozen=True, slots=True)
class Bulk:
    """How many bytes to move, for how long at most, and what of that is a figure."""

    size_bytes: int
    timeout_s: float
    figures: Callable[[Moved], Mapping[str, float]]

    def mover(self, ip: str) -> Mover:
        return Mover(ip, self.size_bytes, self.timeout_s)


def bulk(toxic: Toxic) -> Bulk | None:
    """``bits_per_s``, ``piece_s`` (for each piece of the size that was asked for), ``came_bytes``, ``close_s``."""
    values = dict(toxic.attributes)
    match toxic.type:
        case "bandwidth":
            size = min(max(round(values["rate"] * _KB_BYTES * _RATE_S), _RATE_MIN_BYTES), _RATE_MAX_BYTES)
            return Bulk(size, _TIMEOUT_S, _whole_rate)
        case "slicer":
            pause_s, piece_bytes = values["delay"] / 1e6, values["average_size"]
            pieces = min(max(round(_PIECES_S / max(pause_s, 1e-6)), _PIECES_MIN), _PIECES_MAX)
            return Bulk(pieces * piece_bytes, _TIMEOUT_S + 2 * pieces * pause_s, lambda m: _piece_s(m, pieces))
        case "limit_data":
            size = values["bytes"] + _BEYOND_BYTES
            return Bulk(size, _TIMEOUT_S, lambda m: {"came_bytes": m.came_bytes})
        case "slow_close":
            return Bulk(_FEW_BYTES, _TIMEOUT_S + 2 * values["delay"] / 1000, _close_s)
    return None


def _whole_rate(moved: Moved) -> dict[str, float]:
    """Over the whole time, for Toxiproxy lets bytes through in bursts of 0.1 s."""
    whole = moved.came_bytes == moved.sent_bytes and moved.took_s > 0
    return {"bits_per_s": moved.came_bytes * 8 / moved.took_s} if whole else {}


def _piece_s(moved: Moved, pieces: int) -> dict[str, float]:
    return {"piece_s": moved.took_s / pieces} if moved.came_bytes == moved.sent_bytes else {}


def _close_s(moved: Moved) -> dict[str, float]:
    return {} if moved.close_s is None else {"close_s": moved.close_s}
