"""Whatever was done when the harness died, between any two moves: healing leaves every node as it was."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from harness import primitives as p
from harness.clock import monotonic_ns
from harness.engine import Limits, RunningCluster
from harness.recording import events
from harness.recording.folder import JOURNAL, Recorder
from harness.runner import heal as healing
from harness.runner.heal import heal
from tests.recording.builder import CLUSTER
from tests.runner.nodes import OLD, Container, Nodes

NAMES = ("n1", "n2", "n3")
FILE, UNDO = "/etc/node.conf", ("undrain",)
Moves = Iterator[None]


class Machine(RuleBasedStateMachine):
    """A harness that moves in small steps, each written down as the real one does, and dies between any two."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-harness-test-"))
        self.number = 0
        self.begin()

    def begin(self) -> None:
        self.record = self.folder / f"run-{self.number}"
        self.recorder = Recorder(self.record)
        self.nodes = Nodes({name: Container() for name in NAMES})
        self.moving: dict[str, Moves] = {}  # node -> what is done to it, a step at a time
        known = {"schema": 1, "run": "r", "project": "c", "scenario": "s", "seed": 7, "wall": "w"}
        self.note(events.Began(at_ns=1, without_faults=False, cluster=CLUSTER, facts=(), **known))  # type: ignore[arg-type]  # as named

    def note(self, event: events.Event) -> None:
        self.recorder.event(event)

    # --- moves --------------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.moving) < len(NAMES))
    @rule(data=st.data(), which=st.integers(0, 9))
    def plan(self, data: st.DataObject, which: int) -> None:
        node = data.draw(st.sampled_from([name for name in NAMES if name not in self.moving]))
        self.number += 1
        self.moving[node] = self.fault(f"f{self.number}", self.primitive(node, which))
        next(self.moving[node])

    @precondition(lambda self: self.moving)
    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from(sorted(self.moving)))
        if next(self.moving[node], "over") == "over":
            del self.moving[node]

    @rule(cut=st.integers(0, 40))
    def die_and_heal(self, cut: int) -> None:
        """``cut``: bytes of a line that was being written."""
        self.die(cut)
        self.number += 1
        self.begin()

    def die(self, cut: int) -> None:
        self.recorder.close()
        with (self.record / JOURNAL).open("ab") as file:
            file.write(b'{"is":"FaultHealed","at_ns":123456789,"fault":"x'[:cut])
        running = cast(RunningCluster, self.nodes)
        assert heal(running, self.record, remove=False) == ()
        assert self.nodes.now == {name: Container() for name in NAMES}
        assert heal(running, self.record, remove=False) == ()  # once more changes nothing
        assert self.nodes.now == {name: Container() for name in NAMES}

    def teardown(self) -> None:
        try:
            self.die(0)
        finally:
            shutil.rmtree(self.folder)

    # --- what a fault is, step by step --------------------------------------------------------------------------------

    def primitive(self, node: str, which: int) -> p.EnginePrimitive | p.Hog:
        return (
            p.Kill(node),
            p.Crash(node),
            p.Stop(node, 1.0),
            p.Restart(node, 1.0),
            p.Freeze(node),
            p.Bound(node, memory_bytes=8_000_000),
            p.Discard(node),
            p.Replace(node, FILE, "new"),
            p.Command(node, ("drain",), UNDO),
            p.Hog(node, "cpu"),
        )[which]

    def fault(self, name: str, primitive: p.EnginePrimitive | p.Hog) -> Moves:
        node = primitive.node
        now_ns = monotonic_ns()
        self.note(events.Intent(now_ns, name, (primitive,), now_ns, now_ns + 1))
        for step in self.steps(name, primitive):
            yield
            step()
        yield
        self.note(events.FaultHealed(now_ns, name, node, now_ns, now_ns, "schedule"))

    def steps(self, fault: str, primitive: p.EnginePrimitive | p.Hog) -> tuple[Callable[[], object], ...]:
        """Injection, and its undoing by the schedule, one call each."""
        nodes, node = self.nodes, primitive.node
        steps: dict[type, tuple[Callable[[], object], ...]] = {
            p.Freeze: (lambda: nodes.freeze(node), lambda: nodes.thaw(node)),
            p.Bound: (
                lambda: self.save(node, fault, "memory_bytes", OLD.memory_bytes),
                lambda: self.save(node, fault, "memory_swap_bytes", OLD.memory_swap_bytes),
                lambda: nodes.bound(node, Limits(memory_bytes=8_000_000, memory_swap_bytes=8_000_000)),
                lambda: nodes.bound(node, OLD),
            ),
            p.Discard: (lambda: nodes.discard(node), lambda: nodes.renew(node)),
            p.Replace: (
                lambda: (self.record / f"saved-{fault}").write_bytes(nodes.read_file(node, FILE)),
                lambda: self.save(node, fault, f"file {FILE}", f"saved-{fault}"),
                lambda: nodes.write_file(node, FILE, b"new"),
                lambda: nodes.kill(node),
                lambda: nodes.start(node),
                lambda: nodes.write_file(node, FILE, b"old"),
                (self.record / f"saved-{fault}").unlink,
            ),
            p.Command: (lambda: nodes.run(node, fault, ("drain",), 1.0), lambda: nodes.run(node, fault, UNDO, 1.0)),
            p.Hog: (lambda: nodes.open_beside(node, fault), lambda: nodes.close_beside(node, fault)),
        }
        return steps.get(type(primitive), (lambda: nodes.kill(node), lambda: nodes.start(node)))

    def save(self, node: str, fault: str, what: str, value: object) -> None:
        self.note(events.Saved(monotonic_ns(), node, fault, what, str(value)))


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that does not listen at once never will."""
    monkeypatch.setattr(healing, "_LISTENS_S", 0.0)


def test_after_any_moves_a_crash_and_a_heal_every_node_is_as_it_was() -> None:
    run_state_machine_as_test(Machine, settings=settings(max_examples=80, stateful_step_count=25, deadline=None))
