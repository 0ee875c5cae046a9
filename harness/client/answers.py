"""The tiny model's known answer, and whether a text is it. Pure.

The model counts. A prompt that ends in digit d is answered `` n1-0300 n1-0301 ...`` from d * 100 on, any other prompt
from 0 on; every token carries the tag of the node that made it. So a cut, repeated, swapped, crossed or forged answer
differs from the one right text. One limit: the tag of a single-token answer has nothing to be compared with.
"""

import re

COUNTERS = 1000  # after 0999 the model begins again at 0000
_NODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?", re.ASCII)


def start_of(prompt: str) -> int:
    """The counter of the first token of the answer to ``prompt``."""
    return int(prompt[-1]) * 100 if prompt[-1:] in tuple("0123456789") else 0


def text_of(node: str, start: int, tokens: int) -> str:
    """The one right answer of ``node``: ``tokens`` tokens from ``start`` on."""
    return "".join(f" {node}-{(start + i) % COUNTERS:04d}" for i in range(tokens))


def node_of(text: str, start: int, tokens: int) -> str | None:
    """Which node gave this answer; None when no node could have given it."""
    first = text[1:].partition(" ")[0]
    node = first.removesuffix(f"-{start:04d}")
    if node == first or not _NODE.fullmatch(node) or text != text_of(node, start, tokens):
        return None
    return node
