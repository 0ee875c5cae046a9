"""What the engine does to nodes, as faults: in primitives, what is refused, and what a record must show of it."""

from typing import Any

import pytest

from harness import primitives as p
from harness.faults.base import Fault, Sighting
from harness.faults.command import Command
from harness.faults.crash import Crash
from harness.faults.ending import Ending
from harness.faults.freeze import Freeze
from harness.faults.hardware_failure import HardwareFailure
from harness.faults.kill import Kill
from harness.faults.malformed_config import MalformedConfig
from harness.faults.partition import Partition
from harness.faults.processes import Processes
from harness.faults.restart import Restart
from harness.faults.rolling import Rolling
from harness.faults.stop import Stop
from harness.recording.events import AnyEvent, ContainerChanged, Counted, Ran, Read
from harness.recording.evidence import InForce, Window
from harness.wire import Counters, PortCount
from tests.recording.builder import CLUSTER, Story, at

WHEN: dict[str, Any] = {"name": "f", "at_s": 5.0, "for_s": 20.0}
ONE: dict[str, Any] = {**WHEN, "nodes": ("n1",)}
TWO: dict[str, Any] = {**WHEN, "nodes": ("n1", "n2")}
IN_FORCE = InForce(Window(at(15), at(35)), 0.0, 0.0, healed=True, end_error_s=0.1)


def changed(seconds: float, action: str, node: str = "n1", code: int | None = None) -> ContainerChanged:
    return ContainerChanged(at(seconds), node, action, code)


def counted(packets: int, seconds: float, node: str = "n1") -> Counted:
    return Counted(at(seconds), node, Counters(at(seconds), 0, (), (), (PortCount(11434, packets, packets),)))


MET = (counted(100, 16), counted(130, 30))


def sighting(fault: Fault, *more: AnyEvent, spell: InForce = IN_FORCE) -> Sighting:
    return fault.sighting(Story(more=more).evidence(), CLUSTER, spell)


@pytest.mark.parametrize(
    ("fault", "made_of"),
    [
        (Kill(**TWO), (p.Kill("n1"), p.Kill("n2"))),
        (Crash(**TWO), (p.Crash("n1"), p.Crash("n2"))),
        (Stop(**ONE, grace_s=3.0), (p.Stop("n1", 3.0),)),
        (Restart(**ONE, grace_s=3.0), (p.Restart("n1", 3.0),)),
        (Freeze(**TWO), (p.Freeze("n1"), p.Freeze("n2"))),
        (Processes(**ONE, limit=9), (p.Bound("n1", processes=9),)),
        (MalformedConfig(**ONE, path="/etc/a", text="?"), (p.Replace("n1", "/etc/a", "?"),)),
        (Rolling(**TWO, act="stop", down_s=2.0), (p.Roll("n1", ("n2",), "stop", 2.0, 10.0),)),
        (Command(**ONE, command="sh -c 'a b'", back="c"), (p.Command("n1", ("sh", "-c", "a b"), ("c",)),)),
    ],
)
def test_a_fault_is_one_order_to_the_engine_for_each_node(fault: Fault, made_of: tuple[p.AnyPrimitive, ...]) -> None:
    assert list(fault.check(CLUSTER)) == []
    assert fault.compile(CLUSTER, ()) == made_of
    if isinstance(fault, Ending):
        assert fault.stops(CLUSTER) == {primitive.node for primitive in made_of} | set(fault.nodes)
    assert fault.describe().startswith("n1")


def test_a_lost_host_is_silent_for_everybody_and_the_load_and_then_loses_all_it_had() -> None:
    fault = HardwareFailure(**ONE)
    made_of = fault.compile(CLUSTER, ())
    cut_off = Partition(**ONE, others=("gateway", "n2", "n3", "client"))
    assert made_of == (*cut_off.compile(CLUSTER, ()), p.Discard("n1"))
    assert fault.touches(CLUSTER) >= {("client", "n1"), ("n1", "client"), ("gateway", "n1")}
    assert list(fault.check(CLUSTER)) == []
    assert fault.stops(CLUSTER) == {"n1"}


@pytest.mark.parametrize(
    ("fault", "problems"),
    [
        (Freeze(**{**WHEN, "nodes": ()}), [("nodes", "is empty: name at least one node")]),
        (
            Stop(**ONE, grace_s=20.0),
            [("grace", "is 20 s, not less than the 20 s that the fault lasts: it may never be in force")],
        ),
        (Restart(**ONE, grace_s=0.5), [("grace", "is 0.5 s: write whole seconds from 0s to 300s")]),
        (Processes(**ONE, limit=0), [("limit", "is 0: write one from 1 to 4000000")]),
        (
            MalformedConfig(**ONE, path="etc/a", text=""),
            [("path", "is 'etc/a': write a file's whole path, such as /etc/app/app.conf")],
        ),
        (
            MalformedConfig(**ONE, path="/proc/1/mem", text=""),
            [("path", "is '/proc/1/mem', which is the kernel's and no file: name one of the node's own")],
        ),
        (
            Rolling(**TWO, down_s=1.0),
            [("down", "says nothing about a restart, which starts at once: take it out, or write 'act: stop'")],
        ),
        (
            Rolling(**TWO, act="kill"),
            [("down", "is missing: write how long each stays down, such as 'down: 2s', for 'act: kill'")],
        ),
        (
            Rolling(**TWO, act="kill", down_s=10.0),
            [("down", "is 10 s, which is 20 s for all: give 'for' more than that")],
        ),
        (Command(**ONE, command=" "), [("command", "is empty: write what is to be run")]),
        (Command(**ONE, command="sh -c 'a"), [("command", "is sh -c 'a: one of its quotes is never closed")]),
        (Crash(**{**WHEN, "nodes": ("n11",)}), [("nodes", "names 'n11': there is no n11; did you mean 'n1'?")]),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_starts(fault: Fault, problems: list[tuple[str, str]]) -> None:
    assert list(fault.check(CLUSTER)) == problems


def test_a_frozen_node_is_seen_by_the_engines_words_and_met_by_what_came_for_it() -> None:
    still = sighting(Freeze(**ONE), changed(15, "pause"), changed(35, "unpause"), *MET)
    assert still == Sighting(True, True, "1 of 1 stood still; 30 packets came for them meanwhile; 1 went on")
    early = sighting(Freeze(**ONE), changed(15, "pause"), changed(20, "unpause"), *MET)
    assert (early.seen, early.witness.rpartition("; ")[2]) == (False, "n1 came back before it was told to")
    assert not sighting(Freeze(**TWO), changed(15, "pause"), *MET).seen


def test_a_crash_tells_how_long_its_restart_policy_took() -> None:
    spell = InForce(Window(at(15), at(16.5)), 0.3, 0.0, healed=True)
    crashed = sighting(
        Crash(**ONE), changed(15, "die"), changed(16.5, "start"), counted(9, 14.5), counted(12, 17), spell=spell
    )
    words = "1 of 1 crashed; 3 packets came around that time; 1 started again: n1 after 1.50 s"
    assert crashed == Sighting(True, True, words)
    down = sighting(Crash(**ONE), changed(15, "die"), *MET)
    assert down.witness == "1 of 1 crashed; 30 packets came for a dead port; 0 started again: nobody"


def test_a_roll_is_seen_when_everybody_had_a_turn_and_nobody_together() -> None:
    fault = Rolling(**TWO)
    turns = [changed(15, "die"), changed(16, "start"), changed(18, "die", "n2"), changed(19, "start", "n2")]
    words = "2 of 2 had their turn; 30 packets came for them; 2 came back"
    assert sighting(fault, *turns, *MET) == Sighting(True, True, words)
    assert not sighting(fault, *turns[:2], *MET).seen
    together = sighting(fault, turns[0], changed(15.5, "die", "n2"), turns[1], turns[3], *MET)
    assert (together.seen, together.witness) == (False, f"{words}; two were down at one time")


def read(name: str, value: float, when: str = "during", node: str = "n1") -> Read:
    return Read(at(20), node, "f", when, name, value, at(20))  # type: ignore[arg-type]  # a Literal, given as its word


def test_a_limit_of_processes_is_seen_in_the_kernels_own_counters() -> None:
    fault = Processes(**ONE, limit=9)
    reads = (read("processes_limit", 9), read("processes", 9), read("processes_limit", 0, "after"))
    words = "the kernel held 1 of 1 to 9; they had up to 9; gone: yes"
    assert sighting(fault, *reads) == Sighting(True, True, words)
    assert sighting(fault, reads[0], read("processes", 3)).exercised is False
    assert sighting(fault, reads[0], read("processes_limit", 9, "after")).witness.endswith("gone: still there")
    assert sighting(fault, read("processes_limit", 0), reads[1]).seen is False


def test_a_broken_file_is_seen_when_the_node_was_started_with_it() -> None:
    fault = MalformedConfig(**ONE, path="/etc/a", text="?")
    ends = (changed(14.8, "die", code=0), changed(15, "start"), changed(15.2, "die", code=1), changed(35.5, "start"))
    words = "1 of 1 started with it; 30 packets came for them; they ended 1 times meanwhile (exit codes [1])"
    assert sighting(fault, *ends, *MET) == Sighting(True, True, words)
    assert not sighting(fault, *MET).seen


def test_a_command_is_seen_when_it_ended_well_everywhere() -> None:
    fault = Command(**ONE, command="drain now", back="undrain")
    ran = Ran(at(15), "n1", "f", ("drain", "now"), 0, 0.1, "")
    undone = Ran(at(35), "n1", "f", ("undrain",), 0, 0.1, "")
    words = "1 of 1 ran (exit codes: n1 drain 0, n1 undrain 0); 30 packets came for the cluster"
    assert sighting(fault, ran, undone, *MET) == Sighting(True, True, words)
    assert not sighting(fault, Ran(at(15), "n1", "f", ("drain", "now"), 3, 0.1, ""), *MET).seen
