"""Who makes the change of each primitive, and who looks at it: one line each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.agent.beside.descriptors import LowerDescriptors, OpenFiles
from harness.agent.beside.fill import FillVolume, FreeSpace
from harness.agent.beside.flip import FlipBits, FlippedBits
from harness.agent.beside.hogs import Pressure, RunHog
from harness.agent.beside.ports import LocalPorts, NarrowPorts
from harness.agent.beside.read_only import RefusedWrite, RemountReadOnly
from harness.agent.beside.signals import SendSignal, Signalled
from harness.agent.beside.syscalls import InjectSyscalls, Traced
from harness.agent.beside.throttle import DiskTime, ThrottleDisk
from harness.agent.beside.work import Witness, Work
from harness.primitives import (
    Beside,
    Descriptors,
    Ephemeral,
    Fill,
    Flip,
    Hog,
    ReadOnly,
    Signal,
    Syscalls,
    Throttle,
)


@dataclass(frozen=True, slots=True)
class Trade:
    work: Callable[[Any], Work[Any, Any]]
    witness: Callable[[Any], Witness[Any]]


TRADES: Mapping[type[Beside], Trade] = {
    Signal: Trade(SendSignal, Signalled),
    Hog: Trade(RunHog, Pressure),
    Fill: Trade(FillVolume, FreeSpace),
    Descriptors: Trade(LowerDescriptors, OpenFiles),
    Flip: Trade(FlipBits, FlippedBits),
    ReadOnly: Trade(RemountReadOnly, RefusedWrite),
    Syscalls: Trade(InjectSyscalls, Traced),
    Ephemeral: Trade(NarrowPorts, LocalPorts),
    Throttle: Trade(ThrottleDisk, DiskTime),
}
