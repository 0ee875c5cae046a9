"""Skewed clocks: the mechanism of an agent beside a node."""

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from harness.agent.clock import vdso
from harness.agent.clock.follow import Followed, of_the_node
from harness.agent.clock.memory import ProcessGone
from harness.agent.clock.stub import TRUE, Patch, Skew
from harness.agent.clock.witness import Witness
from harness.clock import monotonic_ns, to_ns, wall_offset_ns
from harness.errors import AgentError
from harness.primitives import AgentPrimitive, Clock
from harness.wire import Met


class Clocks:
    """Every process of the node reads one wall clock; several faults may be armed, one at a time may be in force."""

    def __init__(self, processes: Callable[[], Iterable[int]] = of_the_node) -> None:
        """``processes``: whose clocks they are; those of this PID namespace that live in the node's container."""
        self._processes = processes
        self._armed: dict[str, tuple[Clock, float]] = {}
        self._in_force: str | None = None
        self._skew = TRUE
        self._followed: Followed | None = None
        self._witness = Witness()

    def takes(self, primitive: AgentPrimitive) -> bool:
        return isinstance(primitive, Clock)

    def arm(self, fault: str, primitives: Sequence[AgentPrimitive], lease_s: float) -> None:
        clocks = [primitive for primitive in primitives if isinstance(primitive, Clock)]
        if len(clocks) != 1:
            raise AgentError(f"{fault}: a node has one clock, and this fault wants {len(clocks)} for it")
        if self._followed is None:
            self._followed = self._follow()
        self._armed[fault] = (clocks[0], lease_s)

    def _follow(self) -> Followed:
        own = vdso.own()
        followed = Followed(own, Patch.of(own), self._processes)
        try:
            self._witness.open()
            followed.start()
            if not followed.clocks():
                raise AgentError("no process of the node is to be seen from here: it is down, or its PIDs are not ours")
        except AgentError:
            followed.stop()
            self._witness.close()
            raise
        return followed

    def fire(self, fault: str) -> None:
        followed, (clock, lease_s) = self._of(fault)
        if self._in_force not in (None, fault):
            raise AgentError(f"{fault}: the node's clock is skewed by {self._in_force} already; heal that first")
        now_ns = monotonic_ns()
        skew = Skew.of(clock, until_ns=now_ns + to_ns(lease_s), since_ns=now_ns + wall_offset_ns())
        self._in_force, self._skew = fault, skew
        followed.switch(skew)

    def confirm_fired(self, fault: str) -> None:
        followed, _ = self._of(fault)
        followed.look()
        state = followed.read_back()
        if not state:
            raise AgentError(f"{fault}: no process of the node is there any more")
        if wrong := [pid for pid, skew in state.items() if skew != self._skew]:
            raise AgentError(f"{fault}: process {wrong[0]} does not read the skewed clock")

    def heal(self, fault: str) -> None:
        if self._in_force != fault or self._followed is None:
            return
        self._followed.switch(TRUE)
        self._in_force, self._skew = None, TRUE

    def left(self, fault: str) -> Sequence[str]:
        if self._in_force not in (None, fault) or self._followed is None:
            return ()
        with contextlib.suppress(AgentError):  # who cannot be diverted reads the true time anyway
            self._followed.look()  # what was forked a moment ago has its parent's skew
        state = self._followed.read_back()
        return [f"process {pid} still reads a skewed clock" for pid, skew in state.items() if skew not in (TRUE, None)]

    def forget(self, fault: str) -> None:
        try:
            self.heal(fault)
        finally:
            self._armed.pop(fault, None)
            if not self._armed:
                self._end()

    def _end(self) -> None:
        followed, self._followed = self._followed, None
        self._in_force, self._skew = None, TRUE
        self._witness.close()
        if followed is not None:
            followed.stop()

    def met(self, fault: str) -> Met:
        return Met(fault, 0, 0, 0)  # who reads a clock cannot be counted from outside

    def readings(self, fault: str) -> Mapping[str, float]:
        """``offset_s``: what the node's first process reads, less the true time. ``processes``: how many go by a stub
        that is in force, read back from their memory; ``processes_all``: how many there are."""
        if self._followed is None:
            return {}
        now_ns = monotonic_ns()
        skewed = sum(skew is not None and skew.until_ns > now_ns for skew in self._followed.read_back().values())
        found = {"processes": float(skewed), "processes_all": float(len(set(self._processes())))}
        if (offset_s := self._offset_s(self._followed)) is not None:
            found["offset_s"] = offset_s
        return found

    def _offset_s(self, followed: Followed) -> float | None:
        for clock in followed.clocks():
            with contextlib.suppress(ProcessGone):
                return self._witness.offset_s(clock.image())
        return None

    def elements(self) -> int:
        return int(self._in_force is not None)

    def leave(self) -> None:
        self._armed.clear()
        self._end()

    def _of(self, fault: str) -> tuple[Followed, tuple[Clock, float]]:
        if self._followed is None or fault not in self._armed:
            raise AgentError(f"{fault} was never armed here")
        return self._followed, self._armed[fault]
