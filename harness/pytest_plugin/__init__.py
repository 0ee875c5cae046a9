"""Chaos in pytest: a real cluster as a fixture, and the words of a scenario file as Python.

Every kind of fault and every objective is here under the name of its class: ``Partition("n1", from_="everyone")``,
``Success(">= 99%", of="chat")``. Its arguments are the words of its kind, as a scenario file has them.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.pytest_plugin.words import Kind


def __getattr__(name: str) -> "Kind":
    # Late: pytest imports this package wherever it is installed, also where no test asks for it.
    from harness.pytest_plugin.words import kinds as known

    kinds = known()
    if name in kinds:
        return kinds[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; there are {', '.join(sorted(kinds))}")
