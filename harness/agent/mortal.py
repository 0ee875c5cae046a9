"""Children that cannot outlive what they were made for."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_libc = ctypes.CDLL(None, use_errno=True)


def call_ourselves(name: str) -> None:
    """What ``/proc/PID/comm`` says of this process and of its children."""
    _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def be_mortal(lease_s: float, parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """In a child: it ends (``by``) with its parent, and by itself after ``lease_s``. Both hold after an exec too."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, lease_s)
    end_with(parent, by)


def end_with(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """The kernel sends us ``by`` when ``parent`` ends, whatever ends it; if it has ended already, we end here."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def end(pid: int, by: signal.Signals = signal.SIGKILL) -> None:
    """End a child and wait for it; nothing if it has been waited for."""
    try:
        os.kill(pid, by)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        return
