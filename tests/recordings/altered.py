"""What cannot be had quickly from a real run: a real recording with one thing altered, which is said here alone.

``CASES`` names every recording that is judged on every run: those of real runs as they are, and each alteration.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path

from msgspec.structs import replace

from harness.objectives import Outcome as Word
from harness.operations import Operation, Outcome, pack
from harness.recording import events
from harness.recording.events import AnyEvent, Probed, Trouble, TroubleKind
from harness.recording.evidence import WALL, Evidence, Window
from harness.recording.folder import JOURNAL, OPERATIONS, PROBES, SCENARIO, read
from tests.recordings import archive

Alter = Callable[[Path], None]
TRAFFIC, FAULT = "chat", "lost-n1"
_S, _MS = 1_000_000_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Case:
    """``of``: the archive. ``outcome``: what it must come to, said here so that no rewriting changes it unnoticed."""

    name: str
    of: str
    outcome: Word
    alter: Alter = lambda folder: None

    def unpack(self, into: Path) -> None:
        archive.unpack(self.of, into)
        self.alter(into)


def evidence(change: Callable[[Evidence], Evidence]) -> Alter:
    """The recording as it is read, changed, and written again."""

    def alter(folder: Path) -> None:
        found = change(read(folder))
        (folder / JOURNAL).write_bytes(b"".join(map(events.encode, found.events)))
        (folder / PROBES).write_bytes(b"".join(map(events.encode, found.probes)))
        for name, operations in found.operations.items():
            (folder / OPERATIONS / f"{name}.bin").write_bytes(pack(operations))

    return alter


def journal(change: Callable[[AnyEvent], AnyEvent | None]) -> Alter:
    """Each event as ``change`` has it; None: it goes."""
    return evidence(lambda e: changed(e, events=tuple(new for event in e.events if (new := change(event)) is not None)))


def operations(change: Callable[[int, Operation, Evidence], Operation | None]) -> Alter:
    """Each operation, by its number, as ``change`` has it; None: it goes."""

    def alter(found: Evidence) -> Evidence:
        kept = (change(number, op, found) for number, op in enumerate(found.operations[TRAFFIC]))
        return changed(found, operations={TRAFFIC: tuple(op for op in kept if op is not None)})

    return evidence(alter)


def without(*kinds: type) -> Alter:
    return journal(lambda event: None if isinstance(event, kinds) else event)


def trouble(kind: TroubleKind, text: str, *, before_the_fault: bool = False) -> Alter:
    """One line more in the journal: in the middle of the fault, or before it."""

    def alter(found: Evidence) -> Evidence:
        window = found.window("warmup" if before_the_fault else FAULT) or Window(0, 0)
        said = Trouble(window.start_ns + window.length_s.__trunc__() * _S // 2, kind, text)
        return changed(found, events=tuple(sorted((*found.events, said), key=lambda event: event.at_ns)))

    return evidence(alter)


def text(*pairs: tuple[str, str]) -> Alter:
    """Another wording of the scenario, on the same run."""

    def alter(folder: Path) -> None:
        file = folder / SCENARIO
        words = file.read_text()
        for old, new in pairs:
            assert words.count(old) == 1, f"{old!r} stands {words.count(old)} times in {file.name}"
            words = words.replace(old, new)
        file.write_text(words)

    return alter


def all_of(*alterations: Alter) -> Alter:
    def alter(folder: Path) -> None:
        for one in alterations:
            one(folder)

    return alter


def _cut(folder: Path) -> None:
    """As after a power failure: every file ends somewhere, in the middle of a line, in the middle of a record."""
    for file in (folder / JOURNAL, folder / PROBES, folder / OPERATIONS / f"{TRAFFIC}.bin"):
        data = file.read_bytes()
        file.write_bytes(data[: len(data) * 3 // 5 + 1])


def _all_well(_: int, op: Operation, found: Evidence) -> Operation:
    """Every answer right, 5 ms after its question was sent."""
    return op._replace(outcome=Outcome.OK, done_ns=op.sent_ns + 5 * _MS, sent_ns=op.sent_ns, due_ns=op.sent_ns)


def _failing(every: int, window: str) -> Alter:
    def fail(number: int, op: Operation, found: Evidence) -> Operation:
        hit = found.phases[window].holds(op.due_ns) and number % every == 0
        return op._replace(outcome=Outcome.REFUSED, node="") if hit else op

    return operations(fail)


def _capped(number: int, op: Operation, found: Evidence) -> Operation:
    return op._replace(outcome=Outcome.CAPPED, node="", size_bytes=0) if number % 50 == 0 else op


def _client_died(number: int, op: Operation, found: Evidence) -> Operation | None:
    window = found.window(FAULT) or Window(0, 0)
    return op if op.done_ns < (window.start_ns + window.end_ns) // 2 else None


def _clock(node: str, *, moved_ns: int = 0, error_ns: int = 0) -> Alter:
    """The last look at a clock is another; ``error_ns``: every look is as unsure."""

    def alter(found: Evidence) -> Evidence:
        last = found.clocks()[node][-1]

        def look(event: AnyEvent) -> AnyEvent:
            if not isinstance(event, events.ClockSeen) or event.node != node:
                return event
            moved = event.offset_ns + (moved_ns if event is last else 0)
            return replace(event, offset_ns=moved, error_ns=max(error_ns, event.error_ns))

        return changed(found, events=tuple(map(look, found.events)))

    return evidence(alter)


def _holes(event: AnyEvent) -> AnyEvent:
    return replace(event, seen=event.expected // 2) if isinstance(event, events.Scraped) else event


def _unasked(event: AnyEvent) -> AnyEvent:
    return replace(event, value=None, error="timed out") if isinstance(event, events.Asked) else event


def _not_met(event: AnyEvent) -> AnyEvent:
    return replace(event, packets=0, bytes=0) if isinstance(event, events.FaultHealed) else event


def _not_healed(event: AnyEvent) -> AnyEvent | None:
    return None if isinstance(event, events.FaultHealed) and event.node == "n1" else event


def _half_injected(event: AnyEvent) -> AnyEvent | None:
    if isinstance(event, events.FaultFired) and event.node == "n2":
        return events.FaultFailed(event.at_ns, event.fault, "n2", "inject", "nftables: Operation not permitted")
    return None if isinstance(event, events.FaultHealed) and event.node == "n2" else event


def _ended(event: AnyEvent) -> AnyEvent:
    return replace(event, how="stopped") if isinstance(event, events.Ended) else event


def _ended_early(event: AnyEvent) -> AnyEvent:
    if not isinstance(event, events.FaultHealed):
        return event
    return replace(event, why="lease", before_ns=event.before_ns - 3 * _S, after_ns=event.after_ns - 3 * _S)


def _sent_more(event: AnyEvent) -> AnyEvent:
    return replace(event, sent=event.sent + 9) if isinstance(event, events.LoadEnded) else event


def _others_slower(found: Evidence) -> Evidence:
    window = found.window(FAULT) or Window(0, 0)

    def slower(probe: Probed) -> Probed:
        hit = (probe.node, probe.peer) == ("n2", "n3") and window.holds(probe.sent_ns) and probe.rtt_s is not None
        return replace(probe, rtt_s=(probe.rtt_s or 0.0) + 0.3) if hit else probe

    return changed(found, probes=tuple(map(slower, found.probes)))


def _baseline(figures: Iterable[tuple[str, float]]) -> Alter:
    def alter(found: Evidence) -> Evidence:
        first, *rest = found.events
        given = events.Baseline(first.at_ns, "good", 5, tuple(figures))
        return changed(found, events=(first, given, *rest))

    return evidence(alter)


_RESTORED, _RELATIVE = 'restored: "<= 3s"', 'restored: "<= 1.2 x baseline"'
_LAST = "  - {name: whole-again, promql: 'min_over_time(haproxy_backend_active_servers[3s])', is: \">= 3\", at: end}\n"
_DETECTED = text((_LAST, f'{_LAST}  - {{name: noticed, of: chat, after: lost-n1, detected: "<= 2s"}}\n'))
# A gateway that leaves a node in which nothing hides is right; the scenario takes it for harm.
_LEFT_IN = text(
    ("  - {name: excluded, needs: lost-n1, promql: 'max_over_time(haproxy_backend_active_servers[3s])', ", "# {"),
)
_AS_EXPECTED = '  - {name: truth, of: chat, wrong: "== 0", in: all}\n'

CASES = (
    # Real runs, as they are.
    Case("held", "partition", "held"),
    Case("held-process-and-stream", "kill", "held"),
    Case("held-without-faults", "control", "held"),
    Case("too-close-to-tell", "strained", "inconclusive"),
    Case("violated", "blind", "violated"),
    # No fault, but a machine so busy that the nodes could not keep up: users did lose answers, and that is said.
    Case("violated-without-faults", "overloaded", "violated"),
    Case("killed", "killed", "inconclusive"),
    Case("interrupted", "interrupted", "inconclusive"),
    Case("not-seen", "unseen", "inconclusive", _LEFT_IN),
    # The same runs, judged by other words.
    Case(
        "violated-as-expected",
        "blind",
        "violated",
        text((_AS_EXPECTED, f"{_AS_EXPECTED}expect: {{violated: [answers, recovery]}}\n")),
    ),
    Case("held-not-as-expected", "partition", "held", text((_LAST, f"{_LAST}expect: {{violated: [answers]}}\n"))),
    Case("users", "partition", "held", text(("rate: 25/s", "users: 25"))),
    # The measurement is spoiled.
    Case("cut-off", "partition", "inconclusive", _cut),
    Case("stopped", "partition", "inconclusive", journal(_ended)),
    Case("baseline-unhealthy", "partition", "inconclusive", _failing(20, "warmup")),
    Case(
        "generator-late",
        "partition",
        "inconclusive",
        operations(lambda _, op, __: op._replace(sent_ns=op.sent_ns + 300 * _MS, done_ns=op.done_ns + 300 * _MS)),
    ),
    Case("generator-slow", "partition", "inconclusive", operations(lambda n, op, _: op if n % 4 else None)),
    Case("capped", "partition", "inconclusive", operations(_capped)),
    Case("load-lost", "partition", "inconclusive", journal(_sent_more)),
    Case(
        "client-died",
        "partition",
        "inconclusive",
        all_of(
            operations(_client_died),
            without(events.LoadEnded),
            trouble("client-lost", "The load generator was lost: its container died."),
        ),
    ),
    Case("clock-stepped", "partition", "inconclusive", _clock("n1", moved_ns=50 * _MS)),
    Case("clock-unsure", "partition", "inconclusive", _clock("n2", error_ns=20 * _MS)),
    Case("clocks-unknown", "partition", "inconclusive", without(events.ClockSeen)),
    Case("wall-stepped", "partition", "inconclusive", _clock(WALL, moved_ns=2 * _S)),
    Case("prometheus-frozen", "partition", "inconclusive", journal(_unasked)),
    Case("prometheus-holes", "partition", "inconclusive", journal(_holes)),
    Case("prometheus-unwatched", "partition", "inconclusive", without(events.Scraped)),
    Case("prometheus-lost", "partition", "inconclusive", trouble("prometheus-lost", "Prometheus was started again.")),
    Case("agent-lost", "partition", "inconclusive", trouble("agent-lost", "The agent of n2 is gone.")),
    Case("proxy-lost", "partition", "inconclusive", trouble("proxy-lost", "Toxiproxy of n2 is gone.")),
    Case(
        "node-died-before",
        "partition",
        "inconclusive",
        trouble("node-died", "n3 died (exit code 1), which nobody had planned.", before_the_fault=True),
    ),
    # The fault is in doubt.
    Case("not-exercised", "partition", "inconclusive", journal(_not_met)),
    Case("not-healed", "partition", "inconclusive", journal(_not_healed)),
    Case("not-healed-in-a-broken-run", "blind", "inconclusive", journal(_not_healed)),
    Case("half-injected", "partition", "inconclusive", journal(_half_injected)),
    Case("ended-early", "partition", "inconclusive", journal(_ended_early)),
    Case("never-in-force", "partition", "inconclusive", without(events.FaultFired, events.FaultHealed)),
    Case("others-harmed", "partition", "inconclusive", evidence(_others_slower)),
    # Bounds that need more than the run itself.
    Case("no-baseline", "blind", "violated", text((_RESTORED, _RELATIVE))),
    Case(
        "baseline-met",
        "partition",
        "held",
        all_of(text((_RESTORED, _RELATIVE)), _baseline([("recovery", 2.0), ("answers", 0.99)])),
    ),
    Case("baseline-missed", "blind", "violated", all_of(text((_RESTORED, _RELATIVE)), _baseline([("recovery", 2.0)]))),
    Case("nobody-noticed", "partition", "violated", all_of(operations(_all_well), _DETECTED)),
    Case(
        "nobody-noticed-what-was-not-seen",
        "unseen",
        "inconclusive",
        all_of(operations(_all_well), _DETECTED, _LEFT_IN),
    ),
)
