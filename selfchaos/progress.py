"""Results as JSON lines, one written as soon as it is known, so that whoever is interrupted goes on where it was."""

import os
from pathlib import Path
from typing import TypeVar

import msgspec

_T = TypeVar("_T", bound=msgspec.Struct)


def append(file: Path, result: msgspec.Struct) -> None:
    """A last line that was cut off goes: what it told of is played again."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as out:
        out.seek(0)
        out.truncate(out.read().rfind(b"\n") + 1)
        out.write(msgspec.json.encode(result) + b"\n")
        out.flush()
        os.fsync(out.fileno())


def read(file: Path, kind: type[_T]) -> list[_T]:
    """All whole lines; none if there is no such file."""
    data = file.read_bytes() if file.is_file() else b""
    return [msgspec.json.decode(line, type=kind) for line in data[: data.rfind(b"\n") + 1].splitlines()]
