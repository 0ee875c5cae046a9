"""What can be broken: one class per kind, one line in the table; nothing else asks what kind a fault is."""

from harness.faults.base import Fault, Sighting
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.partition import Partition

CATALOGUE: dict[str, type[Fault]] = {kind.kind: kind for kind in (Partition, Latency, Kill)}

__all__ = ["CATALOGUE", "Fault", "Sighting"]
