"""Which files of a node's container may be replaced."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from harness.errors import EngineError

FILE_BYTES_MAX = 8 << 20


def refuse(node: str, path: str, stat: Mapping[str, Any], mounts: Sequence[Mapping[str, Any]]) -> None:
    """Raises ``EngineError`` for what is no plain file, and for what is not the container's own but this machine's."""
    if stat.get("linkTarget"):
        raise EngineError(f"{node}: {path} is a link to {stat['linkTarget']}; name that file.")
    if stat.get("mode", 0) & 0x80000000:  # Go's bit for a directory
        raise EngineError(f"{node}: {path} is a directory; name one file in it.")
    if stat.get("size", 0) > FILE_BYTES_MAX:
        raise EngineError(
            f"{node}: {path} has {stat.get('size', 0):,} bytes; up to {FILE_BYTES_MAX:,} can be replaced."
        )
    for mount in mounts:
        if mount["Type"] == "bind" and PurePosixPath(path).is_relative_to(mount["Destination"]):
            raise EngineError(
                f"{node}: {path} is mounted from this machine ({mount['Source']}), where no fault ever writes; "
                "copy it into the node's image, or keep it in a volume."
            )
