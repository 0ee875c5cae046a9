"""What became of this machine's processors: the kernel's own account of it, and of each container's control group."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.engine import Shares

_STAT, _GROUPS = Path("/proc/stat"), Path("/sys/fs/cgroup")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_GIVING_WAY, _IDLE, _WAITING, _STOLEN = 1, 3, 4, 7  # places in the line "cpu" of /proc/stat


@dataclass(frozen=True, slots=True)
class Account:
    """Everything counts up: since the machine's start, of each container since its own."""

    at_s: float
    processors: int
    idle_s: float
    stolen_s: float
    itself_s: float
    containers_s: Mapping[str, float]


class Accounts:
    """Looks at this machine again and again, and says what happened in between."""

    def __init__(self) -> None:
        self._last: Account | None = None

    def shares(self, containers: Iterable[str]) -> Shares | None:
        """``containers``: the identities of the run's own. None: this was the first look, or none of them is here."""
        now, last = _account(containers), self._last
        self._last = now
        return between(last, now) if last and now else None


def between(last: Account, now: Account) -> Shares:
    """A container that was not there before, or began anew meanwhile, counts from its start."""
    ours_s = now.itself_s - last.itself_s
    for name, used_s in now.containers_s.items():
        before_s = last.containers_s.get(name, 0.0)
        ours_s += used_s - before_s if used_s >= before_s else used_s
    idle_s, stolen_s = now.idle_s - last.idle_s, now.stolen_s - last.stolen_s
    return Shares(now.at_s - last.at_s, now.processors, max(0.0, idle_s), max(0.0, stolen_s), ours_s)


def _account(containers: Iterable[str], stat: Path = _STAT, groups: Path = _GROUPS) -> Account | None:
    used_s = {name: seen for name in containers if (seen := _used_s(name, groups)) is not None}
    try:
        lines = stat.read_text().splitlines()
    except OSError:
        return None
    if not used_s or not lines:
        return None
    ticks = [int(field) for field in lines[0].split()[1:]]
    return Account(
        at_s=time.monotonic(),
        processors=sum(line.startswith("cpu") for line in lines[1:]),
        idle_s=(ticks[_IDLE] + ticks[_WAITING] + ticks[_GIVING_WAY]) * _TICK_S,
        stolen_s=ticks[_STOLEN] * _TICK_S,
        itself_s=time.process_time(),
        containers_s=used_s,
    )


def _used_s(container: str, groups: Path) -> float | None:
    """In the words of control groups version 1, then of version 2; None: it does not run, or not on this machine."""
    try:
        return int((groups / "cpuacct/docker" / container / "cpuacct.usage").read_text()) / 1e9
    except OSError:
        pass
    try:
        said = (groups / f"system.slice/docker-{container}.scope/cpu.stat").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1e6 for line in said.splitlines() if line.startswith("usage_usec ")), None)
