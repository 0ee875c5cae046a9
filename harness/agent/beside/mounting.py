"""Doing something where the node's mounts are seen, and changing the flags of one."""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

READ_ONLY = 1
FLAGS = {"nosuid": 2, "nodev": 4, "noexec": 8, "noatime": 1024, "nodiratime": 2048, "relatime": 1 << 21}
_REMOUNT, _BIND = 32, 4096
_CLONE_NEWNS = 0x20000
_libc = ctypes.CDLL(None, use_errno=True)


def in_mounts_of(pid: int, proc: Path, act: Callable[[], None]) -> int:
    """Do this in a child that sees the mounts of another process; 0, or the number of the error it met."""
    child = os.fork()
    if not child:
        code = 255
        try:
            namespace = os.open(proc / f"{pid}/ns/mnt", os.O_RDONLY)
            if _libc.setns(namespace, _CLONE_NEWNS):
                code = ctypes.get_errno()
            else:
                act()
                code = 0
        except OSError as error:
            code = error.errno or 255
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def remount(path: str, flags: int) -> None:
    """Of this one mount, not of its file system. ``OSError`` as the kernel says."""
    if _libc.mount(None, path.encode(), None, _REMOUNT | _BIND | flags, None):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
