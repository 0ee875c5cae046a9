"""The options of one client as the wire brings them: pairs of text, read once, each key known or an error."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from harness.errors import WireError
from harness.units import count


class Options:
    """What a client asks for is taken out; ``close`` says what nobody asked for. Raises ``WireError``, one sentence."""

    def __init__(self, client: str, pairs: Iterable[tuple[str, str]]) -> None:
        self._client = client
        self._given: dict[str, str] = {}
        self._known: list[str] = []
        for key, value in pairs:
            if key in self._given:
                raise self.wrong(key, "is given twice: leave one out")
            self._given[key] = value

    def text(self, key: str, default: str) -> str:
        self._known.append(key)
        return self._given.pop(key, default)

    def count(self, key: str, default: int, least: int, most: int) -> int:
        given = self.text(key, str(default))
        try:
            value = count(given)
        except ValueError as error:
            raise self.wrong(key, str(error)) from error
        if not least <= value <= most:
            raise self.wrong(key, f"is {given}: write a number from {least} to {most}")
        return value

    def flag(self, key: str, default: bool) -> bool:
        given = self.text(key, "true" if default else "false")
        if given not in ("true", "false"):
            raise self.wrong(key, f"is '{given}': write true or false")
        return given == "true"

    def pattern(self, key: str) -> re.Pattern[str] | None:
        """A regular expression, or None when none is given."""
        given = self.text(key, "")
        try:
            return re.compile(given) if given else None
        except re.error as error:
            raise self.wrong(key, f"is '{given}', which is not a regular expression: {error}") from error

    def close(self) -> None:
        """Every option was one that the client knows, or ``WireError``."""
        for key in self._given:
            near = get_close_matches(key, self._known, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(self._known)}"
            raise WireError(f"client {self._client}: '{key}' is not one of its options; {hint}")

    def wrong(self, key: str, half: str) -> WireError:
        return WireError(f"client {self._client}: option '{key}' {half}")
