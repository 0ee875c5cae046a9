"""What is said of a checked history: the answer in a sentence, and where it is no, the operations that cannot be."""

from collections.abc import Iterator

from harness.consistency.check import Prefix, Result
from harness.consistency.history import Call, History

SHOWN_MAX = 16  # operations of a failing prefix


def sentence(result: Result) -> str:
    """Starts with yes, no or unknown."""
    if result.outcome == "no":
        return f"no: {_refuted(result)}."
    counted = f"{_count(result.operations, 'operation')} on {_count(result.objects, 'object')}"
    if result.undecided:
        names = _named(result.undecided)
        tried = f"the search gave up after {_count(result.steps, 'step')}"
        return f"unknown: {tried} with {names} undecided; check a shorter history, or allow more with --steps."
    overlapped = f"{_count(result.contested, 'write')} overlapped another operation on the same object"
    if result.outcome == "yes":
        return f"yes: one order explains all {counted}; {overlapped}."
    lacking = overlapped
    if result.contested >= result.contested_min:
        lacking = f"{_count(result.observed, 'answer')} {'says' if result.observed == 1 else 'say'} what an object held"
    return (
        f"unknown: one order explains all {counted}, but only {lacking}, and with fewer than {result.contested_min} a "
        "system that errs in one of ten may well show no error; use more clients on fewer keys, or run for longer."
    )


def lines(result: Result, history: History) -> Iterator[str]:
    """The sentence, and under a no the end of the failing prefix: one operation a line, in the order they began."""
    yield sentence(result)
    if result.prefix is None:
        return
    shown = _relevant(result.prefix)
    left_out = len(result.prefix.calls) - len(shown)
    if left_out:
        yield f"  ({_count(left_out, 'operation')} of the prefix not shown)"
    rows = [_row(call, result.prefix.last, timed=history.timed) for call in shown]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for call, row in zip(shown, rows, strict=True):
        cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False))
        mark = "   <- with this no order is left" if call is result.prefix.last else ""
        yield f"  {cells}  {row[3]}{mark}"


def describe(call: Call, marked: Call) -> str:
    """What was done and what came back: ``cas 1 to 2: failed``; of a large set how it differs from the marked one."""
    if call.f == "read":
        return f"read: {call.value if call.members is None else _set(call.members, marked.members)}"
    if call.f == "cas":
        came = {True: "swapped", False: "failed", None: "no answer"}[call.answer]
        return f"cas {call.old} to {call.value}: {came}"
    if call.f == "contains":
        return f"contains {call.value}: {'yes' if call.answer else 'no'}"
    return f"{call.f} {call.value}: {'no answer' if call.open else 'ok'}"


def _refuted(result: Result) -> str:
    name, others = result.refuted[0], len(result.refuted) - 1
    also = f" (nor on {_count(others, 'other object')})" if others else ""
    prefix = result.prefix
    if prefix is None:
        return f"no order explains the answers on {name}{also}"
    how = "shortest failing prefix" if prefix.shortest else "shortest failing prefix that was found"
    upto = f", up to line {prefix.last.ended}" if prefix.last.ended else ""
    return f"no order explains the answers on {name}{also}; {how}: {_count(len(prefix.calls), 'operation')}{upto}"


def _relevant(prefix: Prefix) -> tuple[Call, ...]:
    """The last ones, and before them those that brought about or overwrote the value that the last answer is about."""
    calls, last = prefix.calls, prefix.last
    if len(calls) <= SHOWN_MAX:
        return calls
    about = {last.value, last.old} - {""}
    sources = [call for call in calls if call.changes and about & {call.value, call.old}][-SHOWN_MAX // 2 :]
    kept = {id(call) for call in (*sources, *calls[len(sources) - SHOWN_MAX :], last)}
    return tuple(call for call in calls if id(call) in kept)


def _row(call: Call, marked: Call, *, timed: bool) -> tuple[str, str, str, str]:
    where = f"line {call.line}" if call.line else ""
    when = f"from {call.invoked:.6f} s" if timed else ""
    if timed and not call.open:
        when = f"{call.invoked:.6f} to {call.returned:.6f} s"
    elif not timed and not call.open:
        where = f"lines {call.line}-{call.ended}"
    return where, when, f"process {call.process}", describe(call, marked)


def _set(members: frozenset[str], marked: frozenset[str] | None) -> str:
    if len(members) <= SHOWN_MAX or marked is None or members == marked:
        return f"{{{_elements(members)}}}"
    text = f"{len(members):,} elements"
    for which, others in (("not in the marked read", members - marked), ("only in it", marked - members)):
        text += f"; {which}: {_elements(others)}" if others else ""
    return text


def _elements(members: frozenset[str]) -> str:
    ordered = sorted(members)
    more = f", and {len(ordered) - SHOWN_MAX:,} more" if len(ordered) > SHOWN_MAX else ""
    return ", ".join(ordered[:SHOWN_MAX]) + more


def _named(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {_count(len(names) - 1, 'other object')}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
