"""``steps:``, what an operator does at a time: each is a fault of kind ``command``, written as it is said."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.faults import CATALOGUE, Fault
from harness.words import DURATION, NAME, NODE, TEXT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command in a node, and what takes it back. ``for_s`` None: until the end of the faults phase."""

    name: str = field(metadata=word("name", NAME, "what reports and logs call it"))
    at_s: float = field(metadata=word("at", DURATION, "when, from the start of the faults phase"))
    node: str = field(metadata=word("on", NODE, "the node in whose container it runs"))
    command: tuple[str, ...] = field(metadata=word("run", TEXT, "program and arguments", many=True, repeats=True))
    undo: tuple[str, ...] = field(
        default=(), metadata=word("undo", TEXT, "program and arguments that take it back", many=True, repeats=True)
    )
    for_s: float | None = field(
        default=None, metadata=word("for", DURATION, "when it is taken back; else at the end of the faults phase")
    )

    def check(self) -> Iterator[tuple[str, str]]:
        """What is wrong with it: (key, half a sentence)."""
        for key, words in (("run", self.command), ("undo", self.undo)):
            if words and not words[0].strip():
                yield key, "begins with an empty word: name a program"
            elif len(words) == 1 and " " in words[0]:
                yield key, f"is '{words[0]}': no shell reads it; write [{', '.join(words[0].split())}]"
        if not self.command:
            yield "run", "is empty: name a program, such as 'run: [PROGRAM, ARGUMENT]'"

    def fault(self, faults_s: float) -> Fault:
        """The fault it stands for, in a faults phase of that length."""
        for_s = round(faults_s - self.at_s, 9) if self.for_s is None else self.for_s
        values: dict[str, Any] = {"node": self.node, "command": self.command, "undo": self.undo}
        return CATALOGUE["command"](name=self.name, at_s=self.at_s, for_s=for_s, **values)
