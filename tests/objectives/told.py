"""What three members said of themselves, told by what differs from a good run."""

from dataclasses import replace

from harness.members import Hashed, Status, Told, line
from harness.objectives import Finding
from tests.objectives.test_words import written
from tests.recording.builder import Story, at

NODES = ("n1", "n2", "n3")
GOOD = Story()


def statuses(every_s: float = 1.0, until_s: float = 60.0) -> list[Status]:
    """Each member is asked once a second: n1 leads in term 2, and from 20 s on n2 does in term 3."""
    found = []
    for number in range(round(until_s / every_s)):
        at_s = number * every_s
        lead, term = ("a1", 2) if at_s < 20 else ("a2", 3)
        found += [Status(node, at(at_s), member=f"a{node[1]}", lead=lead, term=term) for node in NODES]
    return found


def hashes(from_s: int = 0, until_s: int = 60, nodes: tuple[str, ...] = NODES) -> list[Hashed]:
    """Each second the store has ten revisions more, and all have the same hash."""
    return [
        Hashed(node, at(second), revision=10 * second + 10, compacted=5, hash=1000 + second)
        for second in range(from_s, until_s)
        for node in nodes
    ]


def asked(key: str, told: list[Told] | bytes | None, story: Story = GOOD, **words: str) -> Finding:
    lines = b"".join(map(line, told)) if isinstance(told, list) else told
    evidence = replace(story.evidence(), histories={} if lines is None else {"status": lines})
    return written(key, name="it", of="status", **{key: "yes"}, **words).measure(evidence)
