"""The control groups of a node: how much it has used and may use, and how one of our workers gets in.

The two versions of the kernel's interface are written apart, each by its document (Documentation/admin-guide of the
kernel, cgroup-v1 and cgroup-v2). Version 1 is what this was tried on; version 2 is tested on a tree of files only.
"""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harness.agent.beside.processes import FIRST
from harness.errors import AgentError

What = Literal["cpu", "memory", "disk"]
_NO_LIMIT = 1 << 60  # version 1 writes the largest multiple of a page for "no limit"
_DEPTH = 6  # of folders in which a container's group is looked for


@dataclass(frozen=True, slots=True)
class Cpu:
    """Seconds of CPU used and seconds in which the quota held it back, since the container began."""

    used_s: float
    throttled_s: float


@dataclass(frozen=True, slots=True)
class Memory:
    """``anonymous_bytes``: what programs hold, without the files the kernel keeps. ``limit_bytes`` None: no limit."""

    used_bytes: int
    anonymous_bytes: int
    limit_bytes: int | None
    oom_kills: int


@dataclass(frozen=True, slots=True)
class DiskBounds:
    """Bytes a second; 0: no bound."""

    read: int
    write: int


class Groups(ABC):
    """The node's groups. Every failure is an ``AgentError``."""

    @abstractmethod
    def doors(self, what: What) -> tuple[Path, ...]:
        """The files into which a process writes 0 to get in."""

    def members(self, what: What) -> tuple[int, ...]:
        """The processes in it, as numbered where this is read."""
        return tuple(map(int, _read(self.doors(what)[0]).split()))

    @abstractmethod
    def cpu(self) -> Cpu: ...

    @abstractmethod
    def memory(self) -> Memory: ...

    @abstractmethod
    def disk(self, device: str) -> DiskBounds:
        """What bounds a disk (``254:0``) for this node."""

    @abstractmethod
    def bound_disk(self, device: str, bounds: DiskBounds) -> None: ...


def groups(root: Path = Path("/sys/fs/cgroup"), proc: Path = Path("/proc")) -> Groups:
    """Those of the node's first process, whichever version the host has."""
    lines = [line.split(":", 2) for line in _read(proc / f"{FIRST}/cgroup").splitlines()]
    if (root / "cgroup.controllers").exists():
        return Version2(_folder(root, next((path for _, names, path in lines if not names), "/")))
    controllers = {name: path for _, names, path in lines for name in names.split(",") if name}
    return Version1(root, controllers)


def enter(doors: tuple[Path, ...]) -> None:
    """This process goes into these groups."""
    for door in doors:
        _write(door, "0")


class Version1(Groups):
    """One tree of folders for each controller."""

    def __init__(self, root: Path, controllers: dict[str, str]) -> None:
        self._root = root
        self._controllers = controllers

    def doors(self, what: What) -> tuple[Path, ...]:
        names = {"cpu": ("cpu", "cpuacct"), "memory": ("memory",), "disk": ("blkio",)}[what]
        return tuple(dict.fromkeys(self._of(name) / "cgroup.procs" for name in names))

    def cpu(self) -> Cpu:
        stat = _table(self._of("cpu") / "cpu.stat")
        return Cpu(int(_read(self._of("cpuacct") / "cpuacct.usage")) / 1e9, stat.get("throttled_time", 0) / 1e9)

    def memory(self) -> Memory:
        folder = self._of("memory")
        limit = int(_read(folder / "memory.limit_in_bytes"))
        return Memory(
            used_bytes=int(_read(folder / "memory.usage_in_bytes")),
            anonymous_bytes=_table(folder / "memory.stat").get("rss", 0),
            limit_bytes=None if limit >= _NO_LIMIT else limit,
            oom_kills=_table(folder / "memory.oom_control").get("oom_kill", 0),
        )

    def disk(self, device: str) -> DiskBounds:
        return DiskBounds(*(self._bound(way).get(device, 0) for way in ("read", "write")))

    def bound_disk(self, device: str, bounds: DiskBounds) -> None:
        folder = self._of("blkio")
        _write(folder / "blkio.throttle.read_bps_device", f"{device} {bounds.read}")
        _write(folder / "blkio.throttle.write_bps_device", f"{device} {bounds.write}")

    def _bound(self, way: str) -> dict[str, int]:
        return _table(self._of("blkio") / f"blkio.throttle.{way}_bps_device")

    def _of(self, controller: str) -> Path:
        path = self._controllers.get(controller)
        if path is None:
            raise AgentError(
                f"this host's kernel has no control group '{controller}': enable it, or leave the fault out"
            )
        return _folder(self._root / controller, path)


class Version2(Groups):
    """One folder for everything."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def doors(self, what: What) -> tuple[Path, ...]:
        return (self._folder / "cgroup.procs",)

    def cpu(self) -> Cpu:
        stat = _table(self._folder / "cpu.stat")
        return Cpu(stat.get("usage_usec", 0) / 1e6, stat.get("throttled_usec", 0) / 1e6)

    def memory(self) -> Memory:
        limit = _read(self._folder / "memory.max").strip()
        return Memory(
            used_bytes=int(_read(self._folder / "memory.current")),
            anonymous_bytes=_table(self._folder / "memory.stat").get("anon", 0),
            limit_bytes=None if limit == "max" else int(limit),
            oom_kills=_table(self._folder / "memory.events").get("oom_kill", 0),
        )

    def disk(self, device: str) -> DiskBounds:
        for line in _read(self._folder / "io.max").splitlines():
            name, *pairs = line.split()
            if name == device:
                bounds = dict(pair.split("=", 1) for pair in pairs)
                return DiskBounds(_bps(bounds.get("rbps", "max")), _bps(bounds.get("wbps", "max")))
        return DiskBounds(0, 0)

    def bound_disk(self, device: str, bounds: DiskBounds) -> None:
        read, write = (str(bound) if bound else "max" for bound in (bounds.read, bounds.write))
        _write(self._folder / "io.max", f"{device} rbps={read} wbps={write}")


def _bps(word: str) -> int:
    return 0 if word == "max" else int(word)


def _folder(root: Path, path: str) -> Path:
    """The group's folder under ``root``: where the kernel says it is, or the one folder that has its last name.

    The kernel's path counts from the reader's own group where groups have namespaces (``/../docker-1234.scope``).
    """
    plain = root / path.lstrip("/")
    if ".." not in Path(path).parts and plain.is_dir():
        return plain
    name = Path(path).name
    for folder, inside, _ in os.walk(root):
        if name in inside:
            return Path(folder) / name
        if len(Path(folder).relative_to(root).parts) >= _DEPTH:
            inside.clear()
    raise AgentError(f"the node's control group '{path}' is not under {root}: mount the host's control groups there")


def _table(path: Path) -> dict[str, int]:
    """Lines of a name and a whole number."""
    rows = (line.split() for line in _read(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdecimal()}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise AgentError(f"{path} cannot be read: {error.strerror}") from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise AgentError(f"the kernel does not take '{text}' in {path}: {error.strerror}") from error
