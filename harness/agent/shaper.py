"""Classes of a fixed rate on a pod's devices, through ``tc``. Packets choose a class by their priority, or none.

Under each HTB class stands a token bucket four times as fast: it cuts the kernel's 64 KB super-packets into packets,
which HTB by itself lets pass whole, so that a small bulk would not notice a rate at all.
"""

import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from harness.errors import AgentError

ROOT = "1"  # our qdisc's handle; classes are called 1:10, 1:11, ... (hexadecimal)
_FIRST = 0x10
_LAST = 0xFFFF
_TIMEOUT_S = 1.0
_HEADER_BYTES = 14
_BURST_S = 0.002
_QUEUE_S, _QUEUE_BYTES = 0.2, 1 << 17

Run = Callable[[Sequence[str], str], tuple[int, str, str]]


class _Class(msgspec.Struct):
    handle: str
    kind: str = msgspec.field(name="class")
    rate: int = 0  # bytes a second


_classes = msgspec.json.Decoder(list[_Class])


def run(argv: Sequence[str], text: str) -> tuple[int, str, str]:
    """Exit code, output, errors. Raises ``AgentError`` if it cannot be run."""
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AgentError(f"{argv[0]} did not run in the sidecar: {error}") from error
    return done.returncode, done.stdout, done.stderr


def devices() -> dict[str, int]:
    """The pod's devices but its loopback, each with its largest packet in bytes."""
    found = sorted(path for path in Path("/sys/class/net").iterdir() if path.name != "lo" and path.is_dir())
    return {path.name: int((path / "mtu").read_text()) for path in found if (path / "device").exists() or _up(path)}


def _up(path: Path) -> bool:
    return (path / "operstate").read_text().strip() == "up"


class Shaper:
    """Not for several threads at once. Every failure is an ``AgentError``."""

    def __init__(self, run: Run = run, devices: Callable[[], dict[str, int]] = devices) -> None:
        self._run, self._find_devices = run, devices
        self._devices: dict[str, int] = {}  # those that carry our qdisc
        self._rates: dict[str, int] = {}  # class -> bits a second

    def make(self, rates: Sequence[int]) -> tuple[str, ...]:
        """One class for each rate (bits a second), on every device."""
        free = (f"{ROOT}:{n:x}" for n in range(_FIRST, _LAST) if f"{ROOT}:{n:x}" not in self._rates)
        made = dict(zip(free, rates, strict=False))
        if not self._devices:
            self._begin()
        self._rates |= made
        self._tc(line for device, mtu in self._devices.items() for line in _class_lines(device, mtu, made))
        self.check(tuple(made))
        return tuple(made)

    def check(self, made: Sequence[str]) -> None:
        """Raises unless the kernel holds these classes, at their rates, on every device."""
        for device in self._devices:
            code, listing, error = self._run(("tc", "-json", "class", "show", "dev", device), "")
            found = (
                {c.handle: c.rate * 8 for c in _classes.decode(listing or "[]") if c.kind == "htb"} if not code else {}
            )
            for name in made:
                if abs(found.get(name, 0) - self._rates[name]) > 8:
                    said = f" ({error.strip()[:200]})" if error else ""
                    raise AgentError(
                        f"read back from {device}, class {name} has {found.get(name, 0)} of "
                        f"{self._rates[name]} bits a second{said}"
                    )

    def remove(self, made: Sequence[str]) -> None:
        """These classes away; with the last one the devices are as they were before us."""
        gone = [self._rates.pop(name) for name in made if name in self._rates]
        if gone and not self._rates:
            self.leave()
        elif gone:
            self._tc(f"class del dev {device} classid {name}" for device in self._devices for name in made)

    def leave(self) -> None:
        for device in self._devices:
            self._run(("tc", "qdisc", "del", "dev", device, "root"), "")  # one that is gone is no error
            _, listing, _ = self._run(("tc", "qdisc", "show", "dev", device), "")
            if f"htb {ROOT}:" in listing:
                raise AgentError(f"{device} still holds our queueing discipline: {listing.strip()[:200]}")
        self._devices, self._rates = {}, {}

    def _begin(self) -> None:
        found = self._find_devices()
        if not found:
            raise AgentError("this pod has no network device that is up, so nothing can be shaped")
        for device in found:
            self._run(("tc", "qdisc", "del", "dev", device, "root"), "")  # what an agent before us may have left
        self._devices = found
        self._tc(f"qdisc add dev {device} root handle {ROOT}: htb" for device in found)

    def _tc(self, lines: Iterator[str]) -> None:
        code, _, error = self._run(("tc", "-batch", "-"), "\n".join(lines) + "\n")
        if code:
            said = " ".join(error.split())[:300]
            raise AgentError(f"the kernel refused to shape packets (it needs sch_htb and sch_tbf): {said}")


def _class_lines(device: str, mtu: int, rates: dict[str, int]) -> Iterator[str]:
    for name, bits_per_s in rates.items():
        packet = mtu + _HEADER_BYTES
        burst = max(2 * packet, round(bits_per_s / 8 * _BURST_S))
        limit = max(_QUEUE_BYTES, round(bits_per_s / 8 * _QUEUE_S))
        yield (
            f"class add dev {device} parent {ROOT}: classid {name} htb rate {bits_per_s}bit ceil {bits_per_s}bit "
            f"burst {burst} cburst {burst} quantum {packet}"
        )
        yield f"qdisc add dev {device} parent {name} tbf rate {4 * bits_per_s}bit burst {burst} limit {limit}"
