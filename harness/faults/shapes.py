"""Who is kept apart from whom, for the shapes of a broken network. Pure: names in, pairs out."""

from collections.abc import Sequence
from itertools import combinations, product
from typing import Literal

from harness.words import NODE, Reader

Shape = Literal["halves", "bridge", "ring"]
Groups = tuple[tuple[str, ...], ...]
SHAPES: dict[str, int] = {"halves": 2, "bridge": 3, "ring": 4}  # with at least so many, or nobody would be kept apart


def read_groups(text: str) -> Groups:
    """``gateway n1 | n2 n3`` -> (("gateway", "n1"), ("n2", "n3"))."""
    groups = tuple(tuple(part.split()) for part in text.split("|"))
    if len(groups) < 2 or not all(groups):
        raise ValueError(f"is '{text}': write names of nodes, groups with '|' between them: 'gateway n1 | n2 n3'")
    for name in (name for group in groups for name in group):
        NODE.read(name)
    return groups


_NAMES = r"\s*[\w.-]+(?:\s+[\w.-]+)*\s*"
GROUPS = Reader("groups", "gateway n1 | n2 n3", read_groups, pattern=rf"{_NAMES}(?:\|{_NAMES})+")


def pairs_of_groups(groups: Groups) -> tuple[tuple[str, str], ...]:
    """Everyone of a group with everyone of another, each pair once."""
    return tuple(pair for one, other in combinations(groups, 2) for pair in product(one, other))


def pairs_of_shape(shape: str, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The pairs that a shape keeps apart; none where there are too few names."""
    match shape:
        case "ring":
            last = len(names) - 1
            return tuple((names[i], names[j]) for i, j in combinations(range(len(names)), 2) if 1 < j - i < last)
        case _:
            return pairs_of_groups(halves(shape, names))


def halves(shape: str, names: Sequence[str]) -> Groups:
    """The first half of the names and the rest; of a bridge without the one in the middle, which sees both."""
    middle = len(names) // 2
    rest = middle + 1 if shape == "bridge" else middle
    return tuple(names[:middle]), tuple(names[rest:])
