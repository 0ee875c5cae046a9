"""What was played, told apart: a digest of each part of a scenario file, so that two files can be said to be the same.

Of the text as it is read, not of what it became: comments, the order of keys and the seed make no other experiment.
"""

import json
from hashlib import sha256

from harness.errors import RecordingError
from harness.loader.document import Complaints, List, Map, Text, Tree, read

# What makes two experiments different ones: their figures do not belong on one scale.
DECISIVE = ("phases", "traffic", "faults", "steps", "random", "objectives")
# What may be the very thing that is compared: it is said, and refuses nothing.
SAID = ("cluster", "with")
_CHARACTERS = 16


def parts(text: bytes, where: str) -> tuple[tuple[str, str], ...]:
    """(part, digest) of every part that counts, in a fixed order; a part that is not there has the digest ""."""
    tree = read(text, complaints := Complaints(where))
    if tree is None:
        raise RecordingError(f"{where} is no scenario: {complaints.problems[0].text}.")
    entries = {entry.key: entry.value for entry in tree.entries}
    return tuple((key, _digest(entries[key]) if key in entries else "") for key in (*DECISIVE, *SAID))


def _digest(tree: Tree) -> str:
    return sha256(json.dumps(_plain(tree), ensure_ascii=False).encode()).hexdigest()[:_CHARACTERS]


def _plain(tree: Tree) -> object:
    match tree:
        case Text(text=text):
            return text
        case List(items=items):
            return [_plain(item) for item in items]
        case Map(entries=entries):
            return {entry.key: _plain(entry.value) for entry in sorted(entries, key=lambda entry: entry.key)}
        case _:
            return None
