"""Every thread of a process held still for a moment (ptrace), none of them inside the bytes that are to change.

Whatever goes wrong, the kernel lets a traced thread run on when the thread that traces it ends. So each hold has a
thread of its own, which also makes a thread that does not stop in time no more than an error.
"""

import contextlib
import ctypes
import errno
import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.agent.clock.memory import ProcessGone, read, refused
from harness.errors import AgentError

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
_POKEDATA, _SINGLESTEP, _GETREGS, _DETACH, _SEIZE, _INTERRUPT = 5, 9, 12, 17, 0x4206, 0x4207
_WALL = 0x40000000  # waitpid: threads too
_REGISTERS, _RIP = 27, 16  # struct user_regs_struct
_WORD_BYTES = 8
_TGKILL = 234  # its number as a system call
_STOP_S = 0.25  # a running thread stops within microseconds; one in an uninterruptible wait does not
_LOOK_EVERY_S = 0.00005
_STEPS_MAX = 64


Poke = Callable[[int, bytes], None]


def while_held(pid: int, outside: Sequence[range], change: Callable[[Poke], None]) -> None:
    """``change`` with all threads of ``pid`` stopped, none at an address of ``outside``; then they run on.

    ``change`` gets what writes bytes at an address, read-only code included. Raises ``ProcessGone`` or ``AgentError``.
    """

    def held() -> None:
        with _Hold(pid).of_all(outside) as hold:
            change(hold.poke)

    _in_a_thread(held)


def write(pid: int, *pieces: tuple[int, bytes]) -> None:
    """(address, bytes), one after the other, into read-only code too, while its threads run.

    Not atomic beyond 8 aligned bytes. Where the kernel forbids it (``proc_mem.force_override``), or the file is another
    user's and we have no DAC_OVERRIDE, its first thread is stopped for it, which takes a millisecond instead of 20 us.
    """
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_WRONLY | os.O_CLOEXEC)
        try:
            for address, data in pieces:
                os.pwrite(memory, data, address)
        finally:
            os.close(memory)
    except OSError:
        write_held(pid, *pieces)


def write_held(pid: int, *pieces: tuple[int, bytes]) -> None:
    """The same while only the first thread of ``pid`` is stopped."""

    def held() -> None:
        with _Hold(pid).of_leader() as hold:
            for address, data in pieces:
                hold.poke(address, data)

    _in_a_thread(held)


def _in_a_thread(work: Callable[[], None]) -> None:
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # carried over to the thread that asked
            failure.append(error)

    thread = threading.Thread(target=run, name="trace", daemon=True)
    thread.start()
    thread.join()
    if failure:
        raise failure[0]


@dataclass(slots=True)
class _Thread:
    """``signals``: what was on its way to the thread while we held it, and is given back."""

    tid: int
    stopped: bool = False
    ended: bool = False
    signals: list[int] = field(default_factory=list)


class _Hold:
    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._threads: dict[int, _Thread] = {}
        self._deadline_s = time.monotonic() + _STOP_S

    @contextlib.contextmanager
    def of_all(self, outside: Sequence[range]) -> Iterator["_Hold"]:
        with self._released():
            while new := [tid for tid in self._tids() if tid not in self._threads]:
                self._stop(new)
            for thread in self._stopped():
                self._step_out(thread, outside)
            yield self

    @contextlib.contextmanager
    def of_leader(self) -> Iterator["_Hold"]:
        with self._released():
            self._stop([self._pid])
            yield self

    def poke(self, address: int, data: bytes) -> None:
        """Word by word; the bytes around are kept."""
        tracee = next((thread.tid for thread in self._stopped()), None)
        if tracee is None:
            raise ProcessGone(f"process {self._pid} has ended")
        for at in range(0, len(data), _WORD_BYTES):
            piece = data[at : at + _WORD_BYTES]
            if len(piece) < _WORD_BYTES:
                piece += self._peek(address + at)[len(piece) :]
            self._ptrace(_POKEDATA, tracee, address + at, struct.unpack("<Q", piece)[0])

    def _peek(self, address: int) -> bytes:
        return read(self._pid, address, _WORD_BYTES)

    # --- stopping -----------------------------------------------------------------------------------------------------

    def _tids(self) -> list[int]:
        try:
            return [int(entry.name) for entry in Path(f"/proc/{self._pid}/task").iterdir()]
        except OSError as error:
            raise ProcessGone(f"process {self._pid} is gone") from error

    def _stopped(self) -> list[_Thread]:
        return [thread for thread in self._threads.values() if thread.stopped and not thread.ended]

    def _stop(self, tids: Sequence[int]) -> None:
        for tid in tids:
            thread = self._threads[tid] = _Thread(tid)
            try:
                self._ptrace(_SEIZE, tid)
                self._ptrace(_INTERRUPT, tid)
            except ProcessGone:
                thread.ended = True
        for tid in tids:
            self._await(self._threads[tid])

    def _await(self, thread: _Thread) -> None:
        """Until it has stopped or ended."""
        thread.stopped = False
        while not (thread.stopped or thread.ended):
            try:
                found, status = os.waitpid(thread.tid, _WALL | os.WNOHANG)
            except ChildProcessError:
                thread.ended = True
                return
            if not found:
                if time.monotonic() > self._deadline_s:
                    raise AgentError(
                        f"thread {thread.tid} of process {self._pid} did not stop within {_STOP_S:g} s (it waits for a "
                        "disk or a child, or its container is paused), so its clock is left alone"
                    )
                time.sleep(_LOOK_EVERY_S)
            elif os.WIFSTOPPED(status):
                thread.stopped = True
                sent = os.WSTOPSIG(status)
                if status >> 16 == 0 and sent != signal.SIGTRAP:  # no event of ours: a signal that came meanwhile
                    thread.signals.append(sent)
            else:
                thread.ended = True

    def _step_out(self, thread: _Thread, outside: Sequence[range]) -> None:
        steps = 0
        while not thread.ended and any(self._rip(thread) in window for window in outside):
            if steps == _STEPS_MAX:
                raise AgentError(f"thread {thread.tid} of process {self._pid} does not leave its clock's first bytes")
            self._ptrace(_SINGLESTEP, thread.tid)
            self._await(thread)
            steps += 1

    def _rip(self, thread: _Thread) -> int:
        registers = (ctypes.c_ulonglong * _REGISTERS)()
        self._ptrace(_GETREGS, thread.tid, 0, ctypes.addressof(registers))
        return int(registers[_RIP])

    # --- letting go ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _released(self) -> Iterator[None]:
        try:
            yield
        finally:
            for thread in self._stopped():
                with contextlib.suppress(AgentError):
                    self._ptrace(_DETACH, thread.tid, 0, thread.signals[0] if thread.signals else 0)
                for number in thread.signals[1:]:
                    with contextlib.suppress(OSError):
                        _libc.syscall(_TGKILL, self._pid, thread.tid, number)

    def _ptrace(self, request: int, tid: int, address: int = 0, data: int = 0) -> None:
        if _libc.ptrace(request, tid, address, data) != -1:
            return
        code = ctypes.get_errno()
        if code in (errno.ESRCH, errno.EIO, errno.EFAULT) or self._over(tid):
            raise ProcessGone(f"thread {tid} of process {self._pid} is gone, or runs another program now")
        if code in (errno.EPERM, errno.EACCES):
            raise refused(self._pid)
        raise AgentError(f"thread {tid} of process {self._pid} could not be held: {os.strerror(code)}")

    def _over(self, tid: int) -> bool:
        """It has ended and only waits to be counted."""
        try:
            stat = Path(f"/proc/{self._pid}/task/{tid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return True
        return stat.rpartition(")")[2].split()[0] in {"Z", "X"}
