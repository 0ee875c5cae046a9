"""When an objective looks: the windows and moments its words name, and what is wrong with a name that nothing has."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from harness.words import Reader

WINDOWS = ("all", "warmup", "faults", "recovery")
_END_OF = "end of "


@dataclass(frozen=True, slots=True)
class Moment:
    """``lost-n1``: the instant it came into force; ``end of lost-n1``: the instant it was gone; ``end``: of the run.

    ``fault`` None: the end of the run. ``healed``: the fault's end, not its beginning.
    """

    fault: str | None
    healed: bool

    def __str__(self) -> str:
        if self.fault is None:
            return "end"
        return f"{_END_OF}{self.fault}" if self.healed else self.fault


def _moment(text: str) -> Moment:
    words = " ".join(text.split())
    if words == "end":
        return Moment(None, True)
    name = words.removeprefix(_END_OF)
    if not name or " " in name:
        raise ValueError(f"is '{text}': write a fault's name, or 'end of' and a fault's name")
    return Moment(name, name != words)


MOMENT = Reader("moment", "end of lost-n1", _moment)


def unknown(key: str, name: str | None, known: Collection[str], noun: str) -> Iterator[tuple[str, str]]:
    """One complaint if ``name`` is none of ``known``; None names nothing and is right."""
    if name is None or name in known:
        return
    close = get_close_matches(name, known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else f" (there are {', '.join(known)})" if known else ""
    yield key, f"is '{name}': there is no {noun} of that name{hint}"
