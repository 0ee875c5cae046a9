"""The classes of faults and objectives as functions of their words."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from harness.loader.written import TABLES, Part, Said, say


@dataclass(frozen=True, slots=True)
class Kind:
    """``Partition("n1", from_="everyone")``: what is said without its key comes first (see ``loader.written``)."""

    part: Part
    kind: str

    def __call__(self, *first: object, **words: object) -> Said:
        return say(self.part, self.kind, first, words)


@cache
def kinds() -> Mapping[str, Kind]:
    """By the name of the class."""
    parts: tuple[Part, ...] = ("objectives", "faults")
    return {one.__name__: Kind(part, kind) for part in parts for kind, one in TABLES[part].items()}
