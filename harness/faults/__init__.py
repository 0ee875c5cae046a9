"""What can be broken: one class per kind, one line in the table; nothing else asks what kind a fault is."""

from harness.faults.bandwidth import Bandwidth
from harness.faults.base import Fault, Sighting
from harness.faults.clock_skew import ClockSkew
from harness.faults.connection_limit import ConnectionLimit
from harness.faults.corrupt import Corrupt
from harness.faults.dns import Dns
from harness.faults.duplicate import Duplicate
from harness.faults.flapping import Flapping
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.loss import Loss
from harness.faults.partition import Partition
from harness.faults.reorder import Reorder
from harness.faults.streams import BlackHole, Reset, Slicer, SlowClose, StreamCut
from harness.faults.tamper import Tampering

CATALOGUE: dict[str, type[Fault]] = {
    kind.kind: kind
    for kind in (
        Partition,
        Latency,
        Loss,
        Duplicate,
        Reorder,
        Corrupt,
        Bandwidth,
        Flapping,
        ConnectionLimit,
        BlackHole,
        Reset,
        SlowClose,
        Slicer,
        StreamCut,
        Tampering,
        Dns,
        Kill,
        ClockSkew,
    )
}

__all__ = ["CATALOGUE", "Fault", "Sighting"]
