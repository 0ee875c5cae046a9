"""``steps:``, what an operator does at a time: each is a fault of kind ``command``, written as it is said."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.faults.command import Command
from harness.words import DURATION, NAME, NODE, TEXT, word

# What the kind calls the words of a step, for its complaints.
WORDS: Mapping[str, str] = {"nodes": "on", "command": "run", "back": "undo"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command in nodes, and what takes it back. ``for_s`` None: until the end of the faults phase.

    ``run`` and ``undo``: one text, split as a shell would, or a list of words, each passed on as it is.
    """

    name: str = field(metadata=word("name", NAME, "what reports and logs call it"))
    at_s: float = field(metadata=word("at", DURATION, "when, from the start of the faults phase"))
    nodes: tuple[str, ...] = field(metadata=word("on", NODE, "the nodes in whose containers it runs", many=True))
    run: tuple[str, ...] = field(metadata=word("run", TEXT, "program and arguments", many=True, repeats=True))
    undo: tuple[str, ...] = field(
        default=(), metadata=word("undo", TEXT, "program and arguments that take it back", many=True, repeats=True)
    )
    for_s: float | None = field(
        default=None, metadata=word("for", DURATION, "when it is taken back; else at the end of the faults phase")
    )

    def fault(self, faults_s: float) -> Command:
        """The fault it stands for, in a faults phase of that length."""
        for_s = round(faults_s - self.at_s, 9) if self.for_s is None else self.for_s
        command, back = _line(self.run), _line(self.undo)
        return Command(name=self.name, at_s=self.at_s, for_s=for_s, nodes=self.nodes, command=command, back=back)


def _line(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else shlex.join(words)
