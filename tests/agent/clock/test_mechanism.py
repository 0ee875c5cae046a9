"""Skewed clocks, as the agent makes them: armed, fired, proven, healed, forgotten, on real processes."""

from collections.abc import Iterator

import pytest

from harness.agent.clock import vdso
from harness.agent.clock.mechanism import Clocks
from harness.errors import AgentError
from harness.primitives import Clock, Flip, Signal
from tests.agent.clock.programs import Program, clock_of, eventually, own, running

JUMP = Clock("n1", 30.0)


class Node:
    """Some programs, and the mechanism beside them."""

    def __init__(self, *programs: Program) -> None:
        self.programs = list(programs)
        self.clocks = Clocks(lambda: [program.pid for program in self.programs])

    @property
    def first(self) -> Program:
        return self.programs[0]


@pytest.fixture
def node() -> Iterator[Node]:
    own()
    with running() as one, running() as other:
        found = Node(one, other)
        yield found
        found.clocks.leave()


def test_an_armed_clock_is_true_a_fired_one_is_skewed_and_a_healed_one_is_true_again(node: Node) -> None:
    node.clocks.arm("wrong", [JUMP], 60.0)
    before = node.clocks.readings("wrong")
    assert node.clocks.elements() == 0
    node.clocks.fire("wrong")
    node.clocks.confirm_fired("wrong")
    during = node.clocks.readings("wrong")
    assert node.clocks.elements() == 1
    assert [program.realtime() for program in node.programs] == pytest.approx([30.0, 30.0], abs=0.02)
    node.clocks.heal("wrong")
    assert node.clocks.left("wrong") == []
    after = node.clocks.readings("wrong")
    assert [program.realtime() for program in node.programs] == pytest.approx([0.0, 0.0], abs=0.02)
    assert before == pytest.approx({"offset_s": 0.0, "processes": 0, "processes_all": 2}, abs=0.02)
    assert during == pytest.approx({"offset_s": 30.0, "processes": 2, "processes_all": 2}, abs=0.02)
    assert after == pytest.approx({"offset_s": 0.0, "processes": 0, "processes_all": 2}, abs=0.02)


def test_a_forgotten_fault_leaves_the_kernels_own_clocks(node: Node) -> None:
    node.clocks.arm("wrong", [JUMP], 60.0)
    node.clocks.fire("wrong")
    node.clocks.forget("wrong")
    clock = clock_of(node.first.pid)
    own_vdso, patch = own()
    assert clock.image()[: patch.stub_at] == own_vdso.image[: patch.stub_at]
    assert abs(node.first.realtime()) < 0.02
    assert node.clocks.readings("wrong") == {}


def test_the_lease_ends_a_skew_that_nobody_heals(node: Node) -> None:
    node.clocks.arm("wrong", [JUMP], 0.3)
    node.clocks.fire("wrong")
    assert node.first.realtime() == pytest.approx(30.0, abs=0.02)
    assert eventually(lambda: abs(node.first.realtime()) < 0.02)
    readings = node.clocks.readings("wrong")
    assert (readings["processes"], readings["processes_all"]) == (0, 2)


def test_a_clock_that_drifts_gains_while_it_lasts_and_begins_anew_each_time_it_fires(node: Node) -> None:
    node.clocks.arm("fast", [Clock("n1", 0.0, 1.0)], 60.0)
    for _ in range(2):
        node.clocks.fire("fast")
        assert node.first.realtime() < 0.15
        assert eventually(lambda: node.first.realtime() > 0.2)
        node.clocks.heal("fast")


def test_a_fork_has_its_parents_clock_and_an_exec_is_found(node: Node) -> None:
    node.clocks.arm("wrong", [JUMP], 60.0)
    node.clocks.fire("wrong")
    assert node.first.ask("fork")["realtime"] == pytest.approx(30.0, abs=0.02)
    node.first.tell("exec")
    node.first.await_ready()
    assert eventually(lambda: node.first.realtime() > 29.0)
    node.clocks.confirm_fired("wrong")


def test_a_process_that_joins_is_found_and_one_that_ends_is_forgotten(node: Node) -> None:
    node.clocks.arm("wrong", [JUMP], 60.0)
    node.clocks.fire("wrong")
    with running() as late:
        node.programs.append(late)
        assert eventually(lambda: late.realtime() > 29.0)
        node.programs.remove(late)
    assert eventually(lambda: node.clocks.readings("wrong")["processes"] == 2)
    node.clocks.confirm_fired("wrong")


def test_the_witness_reads_what_is_in_the_nodes_memory_and_not_what_was_asked(node: Node) -> None:
    node.clocks.arm("wrong", [JUMP], 60.0)
    node.clocks.fire("wrong")
    clock = clock_of(node.first.pid)
    clock.unhook()  # somebody else put the kernel's own code back
    readings = node.clocks.readings("wrong")
    assert readings == pytest.approx({"offset_s": 0.0, "processes": 1, "processes_all": 2}, abs=0.02)
    with pytest.raises(AgentError, match=rf"^wrong: process {node.first.pid} does not read the skewed clock$"):
        node.clocks.confirm_fired("wrong")


def test_a_node_has_one_clock(node: Node) -> None:
    with pytest.raises(AgentError, match=r"^both: a node has one clock, and this fault wants 2 for it$"):
        node.clocks.arm("both", [JUMP, JUMP], 60.0)
    node.clocks.arm("one", [JUMP], 60.0)
    node.clocks.arm("two", [Clock("n1", -5.0)], 60.0)
    node.clocks.fire("one")
    with pytest.raises(AgentError, match=r"^two: the node's clock is skewed by one already; heal that first$"):
        node.clocks.fire("two")
    node.clocks.heal("two")  # was never in force: the other one stays
    assert node.first.realtime() == pytest.approx(30.0, abs=0.02)
    node.clocks.forget("one")
    node.clocks.fire("two")
    assert node.first.realtime() == pytest.approx(-5.0, abs=0.02)


def test_only_clocks_are_its_business_and_only_armed_ones(node: Node) -> None:
    assert node.clocks.takes(JUMP)
    assert not node.clocks.takes(Signal("n1", "worker", "STOP"))
    assert not node.clocks.takes(Flip("n1", "/data/x"))
    with pytest.raises(AgentError, match=r"^wrong was never armed here$"):
        node.clocks.fire("wrong")
    node.clocks.heal("wrong")
    assert node.clocks.left("wrong") == ()
    assert node.clocks.met("wrong").packets == 0


def test_a_node_without_processes_is_refused() -> None:
    clocks = Clocks(list)
    with pytest.raises(AgentError, match=r"^no process of the node is to be seen from here"):
        clocks.arm("wrong", [JUMP], 60.0)
    assert clocks.readings("wrong") == {}


def test_a_kernel_that_is_not_known_is_refused(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> vdso.Vdso:
        raise AgentError("this kernel gives its processes no vDSO")

    monkeypatch.setattr(vdso, "own", unknown)
    with pytest.raises(AgentError, match="no vDSO"):
        node.clocks.arm("wrong", [JUMP], 60.0)
    assert node.clocks.elements() == 0
