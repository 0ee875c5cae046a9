"""A file is written whole or not at all: whoever reads it later never finds a half of it."""

from pathlib import Path

from harness.errors import RecordingError


def write_whole(file: Path, data: bytes) -> None:
    """Its folder is made where there is none. Raises ``RecordingError``."""
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(data)
        part.replace(file)
    except OSError as error:
        raise RecordingError(f"{file} cannot be written: {error.strerror}.") from error
