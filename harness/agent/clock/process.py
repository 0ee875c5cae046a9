"""One process whose clock runs through the stub: hooked and unhooked while held still, switched while it runs."""

from collections.abc import Mapping
from pathlib import Path

from harness.agent.clock import memory, trace
from harness.agent.clock.stub import CODE_FROM, WORD, Parameters, Patch, Skew
from harness.agent.clock.vdso import Vdso
from harness.errors import AgentError


class ProcessClock:
    """Not for several threads at once. Every method raises ``ProcessGone`` when it ended or became another program."""

    def __init__(self, pid: int, vdso: Vdso, patch: Patch) -> None:
        self.pid = pid
        self._vdso, self._patch = vdso, patch
        self.base, size = memory.vdso_of(pid)
        if memory.read(pid, self.base, 5)[4:] != vdso.image[4:5]:
            raise AgentError(f"process {pid} is a 32-bit program, whose clock cannot be skewed")
        if size != len(vdso.image):
            raise self._changed()
        if _time_namespace(pid) != _time_namespace("self"):
            raise AgentError(f"process {pid} has a time namespace of its own, in which a lease cannot be kept")
        self._stub = self.base + patch.stub_at

    def hook(self) -> None:
        """From now on its clocks run through the stub; idempotent. A new stub tells the true time.

        What is not seen: a thread whose signal handler interrupted it exactly inside the first bytes of a clock.
        """
        image = self.image()
        if self._hooked(image):
            return
        if self._kernels_own(image) != self._vdso.image:
            raise self._changed()
        self._change(image, self._patch.hooks, None if Parameters(self._room(image)).marked else self._patch.stub)

    def unhook(self) -> None:
        """Its clocks are the kernel's own again. The stub stays where it is: a thread may be inside it."""
        image = self.image()
        if self._kernels_own(image) == self._vdso.image and self._jumps(image) != self._patch.unhooks:
            self._change(image, self._patch.unhooks, None)

    def hooked(self) -> bool:
        """Every byte of stub and jumps is there, read back."""
        return self._hooked(self.image())

    def image(self) -> bytes:
        """Its whole vDSO, as it is now."""
        return memory.read(self.pid, self.base, len(self._vdso.image))

    def skew(self) -> Skew:
        """What its stub goes by now, read back."""
        return self._parameters().skew()

    def switch(self, skew: Skew) -> None:
        """Its clock goes by ``skew`` from the last byte of this on; nothing is stopped; idempotent."""
        parameters = self._parameters()
        if not parameters.marked:
            raise memory.ProcessGone(f"process {self.pid} runs another program now")
        if parameters.skew() != skew:
            block = (self._stub + parameters.idle(), skew.packed())
            trace.write(self.pid, block, (self._stub + WORD, parameters.switched()))

    def _parameters(self) -> Parameters:
        return Parameters(memory.read(self.pid, self._stub, CODE_FROM))

    def _change(self, image: bytes, jumps: Mapping[int, bytes], stub: bytes | None) -> None:
        """All of it while every thread is held, none in the middle of an instruction that a jump will replace."""
        windows = [range(self.base + at + 1, self.base + at + len(code)) for at, code in jumps.items()]

        def change(poke: trace.Poke) -> None:
            if self.image() != image:  # an exec came in between
                raise memory.ProcessGone(f"process {self.pid} runs another program now")
            if stub is not None:
                poke(self._stub, stub)
            for at, code in jumps.items():
                poke(self.base + at, code)

        trace.while_held(self.pid, windows, change)

    def _room(self, image: bytes) -> bytes:
        return image[self._patch.stub_at : self._patch.stub_at + len(self._patch.stub)]

    def _jumps(self, image: bytes) -> dict[int, bytes]:
        return {at: image[at : at + len(code)] for at, code in self._patch.hooks.items()}

    def _hooked(self, image: bytes) -> bool:
        return (
            Parameters(self._room(image)).marked
            and self._jumps(image) == self._patch.hooks
            and self._kernels_own(image) == self._vdso.image
        )

    def _kernels_own(self, image: bytes) -> bytes:
        """``image`` without what is ours in it: what the kernel gave the process, if nobody else was at it."""
        found = bytearray(image)
        if self._room(image)[CODE_FROM:] == self._patch.stub[CODE_FROM:]:
            found[self._patch.stub_at : self._patch.stub_at + len(self._patch.stub)] = bytes(len(self._patch.stub))
        for at, code in self._patch.unhooks.items():
            if image[at : at + len(code)] == self._patch.hooks[at]:
                found[at : at + len(code)] = code
        return bytes(found)

    def _changed(self) -> AgentError:
        return AgentError(f"the vDSO of process {self.pid} is not this kernel's own, so its clock is left alone")


def _time_namespace(pid: int | str) -> str:
    """Empty where the kernel knows none, or the process is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/time").readlink())
    except OSError:
        return ""
