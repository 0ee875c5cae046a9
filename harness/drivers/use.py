"""What a container holds and has used: one question to the engine, and one look at the kernel where it is ours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from docker import APIClient

from harness.engine import Use

_GROUPS, _PROC = Path("/sys/fs/cgroup"), Path("/proc")
_DROPPED_FIRST = ("total_inactive_file", "inactive_file")  # in the words of cgroup v1, and of v2


def seen(api: APIClient, container: str) -> Use | None:
    """None: it does not run. Raises docker-py's own errors.

    The engine is asked for one look, not for its stream: the stream of an engine looks on its own time, in a thread
    for every container, and its first answer takes two of its seconds.
    """
    return read(api.stats(container, stream=False, one_shot=True), _descriptors(container))


def read(stats: Mapping[str, Any], descriptors: int | None) -> Use | None:
    """From the engine's answer. One that does not run has no counters, or no process left to count."""
    memory, processes = stats.get("memory_stats", {}), stats.get("pids_stats", {}).get("current", 0)
    if not processes or "usage" not in memory:
        return None
    kept = next((memory["stats"][name] for name in _DROPPED_FIRST if name in memory.get("stats", {})), 0)
    cpu_s = stats["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9
    return Use(max(0, int(memory["usage"]) - int(kept)), cpu_s, int(processes), descriptors)


def _descriptors(container: str) -> int | None:
    """Of all its processes: the kernel says since 6.2 how many descriptors one has to everybody who may see it."""
    folder = _group(container)
    return None if folder is None else open_in(folder, _PROC)


def open_in(folder: Path, proc: Path) -> int | None:
    """Of the processes of one control group. None: the group is gone, or this kernel does not say."""
    try:
        processes = (folder / "cgroup.procs").read_text().split()
    except OSError:
        return None
    sizes = [size for one in processes if (size := _size(proc / one / "fd")) is not None]
    return sum(sizes) if any(sizes) else None  # no program runs without any: an older kernel says 0 of all of them


def _size(folder: Path) -> int | None:
    try:
        return folder.stat().st_size
    except OSError:
        return None  # it ended meanwhile


def _group(container: str) -> Path | None:
    """Where this machine's kernel keeps its processes; None where it knows of none: the engine is elsewhere."""
    for root in (_GROUPS / "pids", _GROUPS / "memory", _GROUPS):
        for place in (f"docker/{container}", f"system.slice/docker-{container}.scope"):
            if (root / place / "cgroup.procs").exists():
                return root / place
    return None
