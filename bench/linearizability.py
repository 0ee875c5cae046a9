"""How long histories take to check. ``python -m bench.linearizability [--operations 10000] [--write FOLDER]``.

The histories are of objects that are linearizable by construction: each operation takes effect at one instant between
its begin and its end. ``--write`` leaves them as files; with ``--porcupine BINARY`` (``go build`` in
bench/images/peers/porcupine) Porcupine is timed on the same ones, for at most 20 s each; it has no model of sets here.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heapify, heapreplace
from math import inf
from pathlib import Path
from random import Random
from statistics import median

from bench import peers
from bench.rows import Measured
from harness.consistency.check import Result, check
from harness.consistency.history import OF_SETS, Call, Function, History
from harness.units import show_s

_MEAN_S = 0.010
_PEER_LIMIT, _PEER_S = "20s", 60.0
_OPERATIONS, _SEED = 10_000, 1
_ROWS = {"linear-distinct": "distinct-10x10", "linear-hot": "distinct-hot-20", "linear-cas": "cas-10x10"}


@dataclass(frozen=True, slots=True)
class Workload:
    """``mix``: weights of the functions. ``values``: how many there are to draw from; 0: every written one is new.

    ``lost``: the share of operations that time out; half of those take effect all the same.
    """

    operations: int
    clients: int
    keys: int
    mix: Mapping[Function, float] = field(default_factory=lambda: {"read": 0.5, "write": 0.5})
    values: int = 0
    lost: float = 0.0


@dataclass(slots=True)
class _Drawn:
    """One operation before it is known what it saw. ``at``: the instant at which it takes effect."""

    at: float
    order: int
    process: int
    f: Function
    key: int
    invoked: float
    returned: float
    lost: bool


def simulated(workload: Workload, seed: int) -> History:
    """A linearizable history."""
    random = Random(seed)
    drawn = sorted(_drawn(workload, random), key=lambda one: one.at)
    registers: dict[int, str] = {}
    sets: dict[int, set[str]] = {}
    calls = []
    for number, one in enumerate(drawn):
        fresh = str(number if not workload.values else random.randrange(workload.values))
        if one.f in ("read", "write", "cas") and not workload.mix.keys() & OF_SETS:
            call = _on_register(one, registers, fresh, random)
        else:
            call = _on_set(one, sets.setdefault(one.key, set()), fresh)
        if call is not None:
            calls.append((one.order, call))
    return History(tuple(call for _, call in sorted(calls, key=lambda pair: (pair[1].invoked, pair[0]))))


def _drawn(workload: Workload, random: Random) -> Iterator[_Drawn]:
    """Clients that each wait for an answer, think a little and go on; a lost one goes on after a while."""
    functions, weights = [*workload.mix], [*workload.mix.values()]
    free = [(random.random() * _MEAN_S, client) for client in range(workload.clients)]
    heapify(free)
    process = [*range(workload.clients)]
    for order in range(workload.operations):
        invoked, client = free[0]
        took = random.expovariate(1 / _MEAN_S) + 1e-6
        lost = random.random() < workload.lost
        (f,) = random.choices(functions, weights)
        at = invoked + took * random.random()
        key = random.randrange(workload.keys)
        yield _Drawn(at, order, process[client], f, key, invoked, invoked + took, lost)
        process[client] += workload.clients if lost else 0
        pause = 5 * _MEAN_S if lost else random.expovariate(5 / _MEAN_S)
        heapreplace(free, (invoked + took + pause, client))


def _on_register(one: _Drawn, registers: dict[int, str], fresh: str, random: Random) -> Call | None:
    held = registers.get(one.key, "null")
    happens = not one.lost or random.random() < 0.5
    call = Call(one.process, one.f, str(one.key), fresh, one.invoked, inf if one.lost else one.returned)
    if one.f == "read":
        return None if one.lost else call._replace(value=held)
    if one.f == "write":
        if happens:
            registers[one.key] = fresh
        return call
    old = held if random.random() < 0.6 else str(random.randrange(5))
    if happens and old == held:
        registers[one.key] = fresh
    return call._replace(old=old, answer=None if one.lost else old == held)


def _on_set(one: _Drawn, held: set[str], fresh: str) -> Call | None:
    call = Call(one.process, one.f, str(one.key), fresh, one.invoked, inf if one.lost else one.returned)
    if one.f == "add" and not (one.lost and one.order % 2):
        held.add(fresh)
    elif one.f == "remove" and not (one.lost and one.order % 2):
        held.discard(fresh)
    elif one.f == "read":
        return None if one.lost else call._replace(value=str(sorted(held)), members=frozenset(held))
    elif one.f == "contains":
        return None if one.lost else call._replace(answer=fresh in held)
    return call


def lines(history: History) -> Iterator[str]:
    """The history as a file has it."""
    events: list[tuple[float, int, dict[str, object]]] = []
    for call in history.calls:
        head = {"process": call.process, "f": call.f, "key": call.key}
        asked: object = None if call.f == "read" else json.loads(call.value)
        if call.f == "cas":
            asked = [json.loads(call.old), asked]
        events.append((call.invoked, 0, {**head, "type": "invoke", "value": asked}))
        if call.open:
            events.append((call.invoked + 5 * _MEAN_S, 1, {**head, "type": "info", "value": asked}))
            continue
        said: object = asked
        if call.members is not None:
            said = [json.loads(member) for member in sorted(call.members)]
        elif call.f == "read":
            said = json.loads(call.value)
        elif call.f == "contains":
            said = call.answer
        failed = call.f == "cas" and call.answer is False
        events.append((call.returned, 1, {**head, "type": "fail" if failed else "ok", "value": said}))
    for at, _, event in sorted(events, key=lambda event: event[:2]):
        yield json.dumps({**event, "time_s": at})


_REGISTER: Mapping[Function, float] = {"read": 0.5, "write": 0.5}
_CAS: Mapping[Function, float] = {"read": 0.5, "write": 0.3, "cas": 0.2}
_SET: Mapping[Function, float] = {"add": 0.7, "read": 0.3}
_ELEMENTS: Mapping[Function, float] = {"add": 0.3, "remove": 0.2, "contains": 0.5}


def workloads(operations: int) -> dict[str, Workload]:
    return {
        "distinct-10x10": Workload(operations, 10, 10, _REGISTER),
        "distinct-hot-20": Workload(operations, 20, 1, _REGISTER),
        "cas-10x10": Workload(operations, 10, 10, _CAS, values=5),
        "cas-distinct-10x10": Workload(operations, 10, 10, _CAS),
        "cas-hot-10": Workload(operations, 10, 1, _CAS, values=5),
        "cas-hot-20": Workload(operations, 20, 1, _CAS, values=5),
        "cas-lost-10x10": Workload(operations, 10, 10, _CAS, values=5, lost=0.02),
        "distinct-lost-10x10": Workload(operations, 10, 10, _REGISTER, lost=0.02),
        "set-10": Workload(operations // 10, 10, 1, _SET, lost=0.02),
        "elements-10x10": Workload(operations, 10, 10, _ELEMENTS, values=100, lost=0.02),
    }


def timed(history: History, rounds: int) -> tuple[list[float], Result]:
    """Seconds of each round, and what was found."""
    took_s = []
    result = check(history)
    for _ in range(rounds):
        began = time.perf_counter()
        result = check(history)
        took_s.append(time.perf_counter() - began)
    return took_s, result


def peer(binary: Path, file: Path, rounds: int) -> tuple[list[float], str]:
    """Porcupine's seconds of each round, and what it found; Unknown: it was stopped."""
    said = subprocess.run([binary, file, str(rounds), _PEER_LIMIT], capture_output=True, text=True, check=True)
    rows = [line.split() for line in said.stdout.splitlines()]
    return [float(took) for took, _ in rows], rows[-1][1]


def against(rounds: int) -> dict[str, Measured]:
    """Ours and Porcupine's, in turn, both from memory; it is stopped after 20 s, and then asked no more."""
    found = {}
    for key, name in _ROWS.items():
        history = simulated(workloads(_OPERATIONS)[name], _SEED)
        text = "\n".join(lines(history)) + "\n"
        ours: list[float] = []
        theirs: list[float] = []
        answers: set[str] = set()
        while len(theirs) < rounds and "Unknown" not in answers:
            (took_s,), result = timed(history, 1)
            ours.append(took_s)
            said = peers.once(("porcupine", "/dev/stdin", "1", _PEER_LIMIT), text, _PEER_S)
            took, answer = said.split()
            theirs.append(float(took))
            answers.add(answer)
        note = f"{_OPERATIONS:,} operations; ours says {result.outcome}, Porcupine {', '.join(sorted(answers))}"
        found[key] = Measured(tuple(ours), tuple(theirs), note)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.linearizability", description="How long histories take.")
    parser.add_argument("--operations", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="a folder to leave the histories in")
    parser.add_argument("--porcupine", type=Path, help="the peer's binary")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.write or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name, workload in workloads(options.operations).items():
            history = simulated(workload, options.seed)
            file = folder / f"{name}.jsonl"
            file.write_text("\n".join(lines(history)) + "\n")
            took_s, result = timed(history, options.rounds)
            _say(f"{name:20} {result.outcome:8} {_spread(took_s)}, {result.steps:,} steps")
            if options.porcupine and not workload.mix.keys() & OF_SETS:
                theirs_s, found = peer(options.porcupine.resolve(), file, options.rounds)
                ratio = median(theirs_s) / median(took_s)
                _say(f"{'  porcupine':20} {found:8} {_spread(theirs_s)}: {ratio:,.3g} x ours")
    return 0


def _spread(took_s: list[float]) -> str:
    return f"median {show_s(median(took_s)):>8} ({show_s(min(took_s))} to {show_s(max(took_s))}, {len(took_s)} rounds)"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
