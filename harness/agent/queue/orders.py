"""What the agent tells the queue's program, one JSON line each; every line is answered by its number in a line."""

import msgspec

from harness.primitives import Disturb

QUEUE = 17  # its number in the pod's namespace
DOUBLED = 0x8000_0000  # a mark: netfilter is to let this packet arrive twice
MARKS_MAX = 31  # disturbances at a time: one bit of a packet's mark for each


class Served(msgspec.Struct, frozen=True):
    """Packets with this bit in their mark meet this disturbance."""

    bit: int
    disturb: Disturb


class Order(msgspec.Struct, frozen=True):
    """``served``: from now on exactly these; None: as before. ``release``: what has any of these bits waits no more."""

    number: int
    served: tuple[Served, ...] | None = None
    release: int = 0


order_decoder = msgspec.json.Decoder(Order)
order_encoder = msgspec.json.Encoder()
