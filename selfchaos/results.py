"""What was found, a line of JSON for each point, and the table that is made of them."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import median

import msgspec

from harness.units import show_s
from selfchaos import progress


class Result(msgspec.Struct, frozen=True):
    """One point. Times are in seconds, counted from the harm.

    ``note``: why the harm could not be done, which is no leak. ``in_force``: how many elements and toxics were there at
    the harm; ``healed_s`` when the last of them was gone; ``removed_s`` when no container, network or volume was left
    (``both``: counted from the command ``harness heal``). ``leaks``: what was still there when nothing should be.
    ``husks``: how often nothing was left but an empty network that the engine, miscounting, did not let go of.
    """

    seed: int
    number: int
    harm: str
    kind: str
    phase: str
    share: float
    note: str
    in_force: int
    healed_s: float | None
    removed_s: float | None
    leaks: tuple[str, ...]
    husks: int = 0


def append(file: Path, result: Result) -> None:
    progress.append(file, result)


def read(file: Path) -> list[Result]:
    return progress.read(file, Result)


def table(results: Sequence[Result], about: dict[str, str]) -> str:
    """Markdown: kinds of harm, then kinds of fault, then everything."""
    lines = ["| harm | points | leaks | faults healed after | everything gone after |", "|---|---|---|---|---|"]
    lines += [_row(words, [r for r in results if r.harm == harm]) for harm, words in about.items()]
    lines += ["", "| fault in the run | points | leaks | faults healed after | everything gone after |"]
    lines += ["|---|---|---|---|---|"]
    lines += [_row(kind, [r for r in results if r.kind == kind]) for kind in dict.fromkeys(r.kind for r in results)]
    return "\n".join([*(line for line in lines if line is not None), "", *_leaks(results), ""])


def _row(words: str, results: Sequence[Result]) -> str:
    done = [r for r in results if not r.note]
    leaks = sum(bool(r.leaks) for r in results)
    healed = _spread(r.healed_s for r in done)
    return f"| {words} | {len(done)} | {leaks} | {healed} | {_spread(r.removed_s for r in done)} |"


def _spread(values_s: Iterable[float | None]) -> str:
    known = sorted(value for value in values_s if value is not None)
    return f"{show_s(median(known))}, at most {show_s(known[-1])} ({len(known)})" if known else "-"


def _leaks(results: Sequence[Result]) -> Iterator[str]:
    leaked = [r for r in results if r.leaks]
    yield f"{len(leaked)} of {len(results)} points left something behind."
    if husks := sum(r.husks for r in results):
        yield f"After {husks} the engine kept an empty network that it believed to be in use (moby issue 19261)."
    for r in leaked:
        yield f"* {r.number} ({r.harm} in {r.phase}, {r.kind}): {'; '.join(r.leaks)}"
    for note in dict.fromkeys(r.note for r in results if r.note):
        yield f"* not done at {sum(r.note == note for r in results)} points: {note}"
