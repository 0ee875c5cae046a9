"""Another process's memory, read while it runs; a foreign error becomes one sentence here."""

import contextlib
import ctypes
import errno
from pathlib import Path

from harness.agent.clock.vdso import mapped
from harness.errors import AgentError

_libc = ctypes.CDLL(None, use_errno=True)


class _Span(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


_libc.process_vm_readv.restype = ctypes.c_ssize_t
_libc.process_vm_readv.argtypes = (
    ctypes.c_int,
    ctypes.POINTER(_Span),
    ctypes.c_ulong,
    ctypes.POINTER(_Span),
    ctypes.c_ulong,
    ctypes.c_ulong,
)


class ProcessGone(AgentError):
    """It ended, or it became another program: nothing to do, and no failure."""


def read(pid: int, address: int, length: int) -> bytes:
    """Raises ``ProcessGone`` where there is nothing (any more), ``AgentError`` where we may not."""
    buffer = ctypes.create_string_buffer(length)
    here, there = _Span(ctypes.addressof(buffer), length), _Span(address, length)
    count = _libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
    if count == length:
        return buffer.raw
    if count == -1 and ctypes.get_errno() == errno.EPERM:
        raise refused(pid)
    raise ProcessGone(f"process {pid} is gone, or runs another program now")


def vdso_of(pid: int) -> tuple[int, int]:
    """Address and size of a process's vDSO."""
    try:
        maps = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
    except PermissionError as error:
        raise refused(pid) from error
    except OSError as error:
        raise ProcessGone(f"process {pid} is gone") from error
    if not maps:
        raise ProcessGone(f"process {pid} has ended")
    if (found := mapped(maps)) is None:
        raise AgentError(f"process {pid} has no vDSO (vdso=0, or it was unmapped), so its clock cannot be skewed")
    return found


def refused(pid: int) -> AgentError:
    """The sentence for a process that we may not trace."""
    with contextlib.suppress(OSError, StopIteration, ValueError):
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
        tracer = int(next(line for line in lines if line.startswith("TracerPid:")).split()[1])
        if tracer:
            return AgentError(
                f"process {pid} is traced by process {tracer} already (a debugger, strace): end that first"
            )
    return AgentError(
        f"process {pid} may not be traced from here: give this container the capability SYS_PTRACE, and see that no "
        "seccomp or AppArmor profile, and no kernel.yama.ptrace_scope=3, forbids ptrace"
    )
