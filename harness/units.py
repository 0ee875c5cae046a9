"""The only reader and writer of typed words: ``20s``, ``50/s``, ``2MB``, ``99.5%``.

A bare number is never accepted: ``for: 30`` says neither seconds nor minutes, and a guess would be a wrong experiment.
Every reader raises ``ValueError`` with half a sentence that says what to write instead; the loader puts file and line
before it.
"""

import re
from decimal import Decimal

_DURATION_S = {"us": Decimal("1e-6"), "ms": Decimal("1e-3"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
_SIZE_BYTES = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_NUMBER = r"(\d{1,12}(?:\.\d{1,9})?)"
DURATION = re.compile(rf"{_NUMBER}(us|ms|s|m|h)", re.ASCII)
SIZE = re.compile(rf"{_NUMBER}(B|kB|KB|MB|GB|KiB|MiB|GiB)", re.ASCII)
RATE = re.compile(rf"{_NUMBER}/(s|m)", re.ASCII)
SHARE = re.compile(rf"{_NUMBER} ?%", re.ASCII)
COUNT = re.compile(r"\d{1,12}", re.ASCII)
_PLAIN = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


def duration_s(text: str) -> float:
    """``250ms`` -> 0.25. Units: us, ms, s, m, h; no sign."""
    if found := DURATION.fullmatch(text):
        return float(Decimal(found[1]) * _DURATION_S[found[2]])
    if _PLAIN.fullmatch(text):
        raise ValueError(f"is {text}: write a duration with its unit, such as {text.lstrip('-')}s")
    raise ValueError(f"is '{text}': write a duration such as 250ms, 20s or 5m")


def rate_per_s(text: str) -> float:
    """``50/s`` -> 50.0; ``30/m`` -> 0.5."""
    if found := RATE.fullmatch(text):
        return float(Decimal(found[1]) / (60 if found[2] == "m" else 1))
    raise ValueError(f"is '{text}': write a rate with its unit, such as 50/s")


def share(text: str) -> float:
    """``99.5%`` -> 0.995; from 0 % to 100 %."""
    found = SHARE.fullmatch(text)
    if not found:
        raise ValueError(f"is '{text}': write a percentage such as 99.5%")
    value = Decimal(found[1]) / 100
    if value > 1:
        raise ValueError(f"is '{text}': a share cannot be more than 100%")
    return float(value)


def size_bytes(text: str) -> int:
    """``2MB`` -> 2000000; ``2MiB`` -> 2097152."""
    if found := SIZE.fullmatch(text):
        value = Decimal(found[1]) * _SIZE_BYTES[found[2]]
        if value != int(value):
            raise ValueError(f"is '{text}': write a whole number of bytes")
        return int(value)
    raise ValueError(f"is '{text}': write a size with its unit, such as 2MB or 64KiB")


def count(text: str) -> int:
    """``7`` -> 7: a number of things, without sign or unit."""
    if COUNT.fullmatch(text):
        return int(text)
    raise ValueError(f"is '{text}': write a whole number such as 7")


def show_s(seconds: float) -> str:
    """A duration for a person: ``17 ms``, ``1.84 s``, ``4 min 05 s``."""
    if abs(seconds) >= 120:
        minutes, rest = divmod(round(abs(seconds)), 60)
        return f"{'-' if seconds < 0 else ''}{minutes} min {rest:02d} s"
    if abs(seconds) >= 1:
        return f"{seconds:.2f} s" if abs(seconds) < 10 else f"{seconds:.1f} s"
    if abs(seconds) >= 0.01:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds * 1000:.1f} ms"


def show_planned_s(seconds: float) -> str:
    """A duration as it was written down, not measured: ``20 s``, ``0.25 s``; no digit that was not asked for."""
    return f"{round(seconds, 6):.6f}".rstrip("0").rstrip(".") + " s"


def show_bytes(size: float) -> str:
    """An amount of bytes for a person, in powers of 1000 as engines and files count: ``512 B``, ``24.1 MB``."""
    for unit, times in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(size) >= times:
            return f"{size / times:.3g} {unit}"
    return f"{size:.3g} B"


def show_share(value: float) -> str:
    """``0.9977`` -> ``99.77 %``; never rounds a miss up to 100 %."""
    text = f"{value * 100:.2f}".rstrip("0").rstrip(".")
    if text == "100" and value < 1:
        return "99.99 %"
    return f"{text} %"
