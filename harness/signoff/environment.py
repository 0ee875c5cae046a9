"""On what a release was tried: host, versions, images; and what the runs themselves wrote down of it."""

import os
import platform
from collections.abc import Iterable
from importlib.metadata import distributions

import msgspec

from harness import __version__
from harness.recording.events import Began

Pairs = tuple[tuple[str, str], ...]


class Image(msgspec.Struct, frozen=True):
    """``id``: the engine's, a digest of the image's own configuration; ``digests``: as registries know it."""

    reference: str
    id: str
    digests: tuple[str, ...]


class Environment(msgspec.Struct, frozen=True):
    """``environment.json``. ``facts``: of the runs, each value once; ``packages``: name and version."""

    harness: str
    python: str
    host: Pairs
    facts: Pairs
    images: tuple[Image, ...]
    packages: Pairs


def look(began: Iterable[Began], images: Iterable[Image]) -> Environment:
    """This machine, as it is now. ``began``: of each run of the suite."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    host = (
        ("system", platform.platform()),
        ("machine", platform.machine()),
        ("processors", str(os.cpu_count() or 0)),
        ("memory", f"{memory_bytes / (1 << 30):.1f} GiB"),
    )
    facts = tuple(dict.fromkeys(fact for event in began for fact in event.facts))
    found = {(one.metadata["Name"].lower(), one.version) for one in distributions() if one.metadata["Name"]}
    return Environment(
        harness=__version__,
        python=platform.python_version(),
        host=host,
        facts=facts,
        images=tuple(sorted(images, key=lambda image: image.reference)),
        packages=tuple(sorted(found)),
    )


def encode(environment: Environment) -> bytes:
    return msgspec.json.format(msgspec.json.encode(environment), indent=2) + b"\n"


def decode(data: bytes) -> Environment:
    """Raises ``msgspec.MsgspecError``."""
    return msgspec.json.decode(data, type=Environment)
