"""Bounds that are one word: what is asked is either so or not, and the word for it is yes."""

from harness.objectives.base import Bound
from harness.words import Reader


def yes(comparison: str, limit: float) -> Reader:
    """The reader of ``yes``, which means that bound on the figure."""

    def read(text: str) -> Bound:
        if text.lower() not in ("yes", "true"):
            raise ValueError(f"is '{text}': write yes, or leave the objective out")
        return Bound(comparison, limit, "yes")

    return Reader("yes", "yes", read, choices=("yes",))
