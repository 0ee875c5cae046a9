"""One value in a JSON document, and what it must be: ``$.nodes[0].state == "up"``. Pure.

The paths are the singular ones of RFC 9535 (names and indices), which lead to one value or to none.
"""

import re
from dataclasses import dataclass

import msgspec

_WHOLE = re.compile(r"(\$(?:\.[A-Za-z_][\w-]*|\[\d{1,6}\]|\['[^']*'\])*)(?:\s*==\s*(\S.*))?", re.ASCII | re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']*)'\]", re.ASCII)
_EXAMPLE = '$.nodes[0].state == "up"'


@dataclass(frozen=True, slots=True)
class JsonPath:
    """``wanted``: the JSON text of the value that must be there; "": any value will do."""

    path: str
    steps: tuple[str | int, ...]
    wanted: str

    @classmethod
    def parse(cls, text: str) -> "JsonPath":
        """``ValueError`` with half a sentence."""
        found = _WHOLE.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"is '{text}': write a path, and what must be there, such as '{_EXAMPLE}'")
        try:
            msgspec.json.decode(found[2] or "null")
        except msgspec.DecodeError as error:
            raise ValueError(
                f"is '{text}': after '==' write JSON (a text in double quotes), as in '{_EXAMPLE}'"
            ) from error
        steps = tuple(int(step[1]) if step[1] else step[0] or step[2] for step in _STEP.findall(found[1]))
        return cls(found[1], steps, found[2] or "")

    def problem(self, document: bytes) -> str:
        """What is wrong with a document, in words; "" where the value is there and as it must be."""
        try:
            value = msgspec.json.decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return f"the answer is not JSON: {error}"
        for step in self.steps:
            if not _has(value, step):
                return f"there is no {self.path} in it"
            value = value[step]
        if self.wanted and not _same(value, msgspec.json.decode(self.wanted)):
            return f"{self.path} is {msgspec.json.encode(value)[:60].decode('utf-8', 'replace')}, not {self.wanted}"
        return ""


def _has(value: object, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(value, list) and step < len(value)
    return isinstance(value, dict) and step in value


def _same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)  # in Python true is 1
