"""What can be broken: one class per kind, one line in the table; nothing else asks what kind a fault is."""

from harness.faults.bandwidth import Bandwidth
from harness.faults.base import Fault, Sighting
from harness.faults.bit_flip import BitFlip
from harness.faults.clock_skew import ClockSkew
from harness.faults.command import Command
from harness.faults.connection_limit import ConnectionLimit
from harness.faults.corrupt import Corrupt
from harness.faults.cpu import Cpu
from harness.faults.crash import Crash
from harness.faults.disk_error import DiskError
from harness.faults.disk_full import DiskFull
from harness.faults.dns import Dns
from harness.faults.duplicate import Duplicate
from harness.faults.file_descriptors import FileDescriptors
from harness.faults.flapping import Flapping
from harness.faults.freeze import Freeze
from harness.faults.hardware_failure import HardwareFailure
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.loss import Loss
from harness.faults.malformed_config import MalformedConfig
from harness.faults.memory import Memory
from harness.faults.oom import OutOfMemory
from harness.faults.partition import Partition
from harness.faults.ports import Ports
from harness.faults.processes import Processes
from harness.faults.read_only import ReadOnly
from harness.faults.reorder import Reorder
from harness.faults.restart import Restart
from harness.faults.rolling import Rolling
from harness.faults.signal import SignalProcess
from harness.faults.slow_disk import SlowDisk
from harness.faults.stop import Stop
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
        Crash,
        Stop,
        Restart,
        Freeze,
        HardwareFailure,
        Rolling,
        Processes,
        MalformedConfig,
        Command,
        ClockSkew,
        SignalProcess,
        Cpu,
        Memory,
        OutOfMemory,
        DiskFull,
        SlowDisk,
        DiskError,
        ReadOnly,
        FileDescriptors,
        Ports,
        BitFlip,
    )
}

__all__ = ["CATALOGUE", "Fault", "Sighting"]
