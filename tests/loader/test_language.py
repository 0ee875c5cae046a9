"""Targets, mixes, steps and conditions in a file: what they become, and every message about them, whole."""
# ruff: noqa: E501  a message is one line, here as on the terminal

from dataclasses import replace

import pytest

from harness import primitives
from harness.cluster import Cluster, Link
from harness.errors import ScenarioError
from harness.faults.base import volume_problems
from harness.faults.command import Command
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.partition import Partition
from harness.loader import bind, notes, parse
from harness.objectives import Bound
from harness.scenario import Scenario
from harness.schedule import Inject, moves
from harness.stop_when import StopWhen
from harness.targets import Target, pending

GOOD = """\
scenario: mine
about: Something breaks.
cluster: ollama
seed: 3
time_limit: 10m
phases: {warmup: 10s, faults: 60s, recovery: 20s}
traffic:
  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}
stop_when:
  - {of: chat, success: "< 50%", over: 5s}
faults:
  - {fault: kill, name: dead, at: 1s, for: 5s, nodes: [30% of node]}
  - {fault: partition, name: split, at: 10s, for: 5s, nodes: minority of node, from: majority of node}
random:
  count: 4
  at_once: 2
  gap: 5s
  for: 3s..8s
  faults:
    - {fault: kill, nodes: [1 of node]}
    - {fault: latency, name: slow, link: gateway -> n1, delay: 100ms}
objectives:
  - {name: answers, of: chat, success: ">= 50%"}
"""
QUIET = GOOD[: GOOD.index("random:")] + GOOD[GOOD.index("objectives:") :]


def load(text: str, cluster: Cluster, seed: int | None = None) -> Scenario:
    return bind(parse(text.encode(), "mine.yaml"), cluster, seed)


def said(text: str, cluster: Cluster) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        load(text, cluster)
    return [str(problem).removeprefix("mine.yaml:") for problem in caught.value.problems]


@pytest.fixture(scope="session")
def raft(ollama: Cluster) -> Cluster:
    """The same cluster, whose nodes say who leads."""
    nodes = (replace(n, leader="is_leader", metrics="9/m") if n.role == "node" else n for n in ollama.nodes)
    return Cluster("ollama", tuple(nodes))


def test_words_become_names_and_are_remembered(ollama: Cluster) -> None:
    dead, split = load(QUIET, ollama).faults
    assert dead == Kill(
        name="dead", at_s=1.0, for_s=5.0, nodes=("n2",), targets=(Target("nodes", "30% of node", ("n2",)),)
    )
    assert isinstance(split, Partition)
    assert (len(split.nodes), len(split.others)) == (1, 2)
    assert {*split.nodes, *split.others} == {"n1", "n2", "n3"}
    assert [str(t) for t in split.targets] == [
        f"minority of node -> {split.nodes[0]}", f"majority of node -> {', '.join(split.others)}"
    ]  # fmt: skip


def test_the_seed_of_the_command_line_draws_anew_and_is_the_scenarios(ollama: Cluster) -> None:
    drawn = {load(QUIET, ollama, seed).faults[0] for seed in range(20)}
    assert {fault.nodes for fault in drawn if isinstance(fault, Kill)} == {("n1",), ("n2",), ("n3",)}
    assert load(QUIET, ollama, 3) == load(QUIET, ollama)
    assert load(QUIET, ollama, 4).seed == 4


def test_leaving_a_fault_out_draws_no_other_anew(ollama: Cluster) -> None:
    lines = [line for line in QUIET.splitlines(keepends=True) if "name: dead" not in line]
    assert load("".join(lines), ollama).faults == load(QUIET, ollama).faults[1:]


def test_a_leader_keeps_its_word_until_it_is_looked_up(raft: Cluster) -> None:
    text = QUIET.replace("[30% of node]", "leader").replace("minority of node, from: majority of node", "[n1]")
    scenario = load(text, raft)
    dead = scenario.faults[0]
    assert dead.targets == pending(dead) == (Target("nodes", "leader", (), ("n1", "n2", "n3")),)
    first = next(move for move in moves(scenario, raft) if isinstance(move, Inject))
    assert (first.fault, first.primitives) == (dead, ())
    found = bind(parse(text.encode(), "mine.yaml"), raft, found={"dead": {"leader": "n2"}})
    assert found.faults[0] == Kill(
        name="dead",
        at_s=1.0,
        for_s=5.0,
        nodes=("n2",),
        targets=(Target("nodes", "leader", ("n2",), ("n1", "n2", "n3")),),
    )
    assert found == scenario.resolved(raft, {"dead": {"leader": "n2"}})


def test_a_mix_becomes_ordinary_faults(ollama: Cluster) -> None:
    text = GOOD.replace("  - {fault: kill, name: dead, at: 1s, for: 5s, nodes: [30% of node]}\n", "")
    text = text.replace("  - {fault: partition, name: split, at: 10s, for: 5s, nodes: minority of node, from: majority of node}\n", "")  # fmt: skip
    text = text.replace("faults:\nrandom", "faults: []\nrandom")
    scenario = load(text, ollama)
    assert [fault.name for fault in scenario.faults] == ["mix-1-kill", "mix-2-slow", "mix-3-kill", "mix-4-kill"]
    assert scenario.faults[1] == Latency(
        name="mix-2-slow",
        at_s=scenario.faults[1].at_s,
        for_s=scenario.faults[1].for_s,
        link=Link("gateway", "n1"),
        delay_s=0.1,
    )
    assert scenario.faults[0].targets[0].word == "1 of node"
    fewer = load(text.replace("  gap: 5s\n", "  gap: 5s\n  without: [2]\n"), ollama)
    assert fewer.faults == (scenario.faults[0], *scenario.faults[2:])


def test_conditions_and_the_time_limit_are_read(ollama: Cluster) -> None:
    scenario = load(QUIET, ollama)
    assert scenario.stop_when == (StopWhen(traffic="chat", success=Bound("<", 0.5, "< 50%"), over_s=5.0),)
    assert scenario.limit_s == 600.0
    assert load(QUIET.replace("time_limit: 10m\n", ""), ollama).limit_s == 120 + 90 + 60


CASES: list[tuple[str, str, list[str]]] = [
    # targets
    ("30% of node", "redis", ["12: 'nodes' names 'redis': there is no redis (there are gateway, n1, n2, n3)"]),
    ("30% of node", "2 of redis", ["12: 'nodes' is '2 of redis': no node has the role 'redis' (there are gateway, node)"]),
    ("30% of node", "4 of node", ["12: 'nodes' is '4 of node': that is 4 of n1, n2, n3, of which 3 can be taken"]),
    ("30% of node", "130%", ["12: 'nodes' is '130%': a share cannot be more than 100%"]),
    (
        "30% of node",
        "leader",
        ["12: 'nodes' is 'leader': no service of this cluster says 'leader: METRIC' in its x-harness, so nobody can tell who that is"],
    ),
    (
        "from: majority of node",
        "from: 3 of node",
        ["13: 'from' is '3 of node': that is 3 of n1, n2, n3, of which 2 can be taken"],
    ),
    ("to: gateway", "to: 30%", ["8: 'to' names '30%': there is no 30% (there are gateway, n1, n2, n3)"]),
    # overlap
    (
        "nodes: minority of node, from: majority of node}",
        "nodes: [n1], style: drop}\n  - {fault: kill, name: every, at: 4s, for: 5s, nodes: node}",
        ["14: 'every' and 'dead' (line 12) both act on the process of n2, from 4 s to 6 s of the faults phase: move one, or give it another target"],
    ),
    # links
    (
        "link: gateway -> n1",
        "link: gateway -> n1:9999",
        ["21: 'link' is 'gateway -> n1:9999': n1 serves no port 9999 (it has 11434)"],
    ),
    # random
    ("count: 4", "count: 0", ["15: 'count' is 0: write one from 1 to 100"]),
    ("  count: 4\n", "  cuont: 4\n", [
        "15: 'cuont' is not a key of 'random'; did you mean 'count'?",
        "15: 'random' needs 'count': how many faults are drawn; such as 'count: 7'",
    ]),
    (
        "count: 4",
        "count: 40",
        ["15: 'count' is 40: 20 in a row of up to 8 s, 5 s apart, need 255 s, and the faults phase lasts 60 s: write fewer, or lengthen it"],
    ),
    ("for: 3s..8s", "for: 8s..3s", ["18: 'for' is '8s..3s', which ends before it begins: write the shorter one first"]),
    ("for: 3s..8s", "for: 3..8", ["18: 'for' is '3..8': write a duration or a range of them, such as 3s..8s"]),
    ("at_once: 2", "at_once: 5", ["16: 'at_once' is 5: write one from 1 to 4, which is how many there are"]),
    ("{fault: kill, nodes: [1 of node]}", "{fault: kil, nodes: [1 of node]}", ["20: 'kil' is not a fault; did you mean 'kill'?"]),
    ("{fault: kill, nodes: [1 of node]}", "{fault: kill, nodes: [n7]}", ["20: 'nodes' names 'n7': there is no n7 (there are gateway, n1, n2, n3)"]),
    ("{fault: kill, nodes: [1 of node]}", "{fault: kill, nodes: [4 of node]}", ["20: 'nodes' is '4 of node': that is 4 of n1, n2, n3, of which 3 can be taken"]),
    ("{fault: kill, nodes: [1 of node]}", "{fault: kill, at: 5s, nodes: [1 of node]}", ["20: 'at' is drawn in 'random': take it out"]),
    ("{fault: kill, nodes: [1 of node]}", "{fault: kill, name: slow, nodes: [1 of node]}", ["21: two drawn faults are called 'slow' (the other on line 20): give each its own name"]),
    ("{fault: kill, nodes: [1 of node]}", "kill", ["20: an item of 'faults' is a text: write keys and values, such as '- {fault: kill, nodes: [1 of node]}'"]),
    ("{fault: kill, nodes: [1 of node]}", "{fault: kill}", ["20: a drawn kill fault needs 'nodes': who is hit; such as 'nodes: n1'"]),
    ("  gap: 5s", "  gap: 5s\n  without: [9]", ["18: 'without' names 9, and they are counted from 1 to 4"]),
    (
        "at: 10s, for: 5s, nodes: minority of node, from: majority of node}",
        "at: 10s, for: 5s, nodes: [n1]}\n  - {fault: kill, name: mix-1-kill, at: 7s, for: 1s, nodes: [gateway]}",
        ["16: 'random' makes a fault called 'mix-1-kill', as is the one on line 14: give one another name"],
    ),
    # conditions
    ("of: chat, success: \"< 50%\"", "of: chta, success: \"< 50%\"", ["10: 'of' is 'chta': there is no traffic of that name; did you mean 'chat'?"]),
    ("success: \"< 50%\", over", "over", ["10: 'success' or 'wrong': a condition needs exactly one of the two"]),
    ("\"< 50%\", over: 5s", "\"50%\", over: 5s", ["10: 'success' is '50%': write a comparison and a limit, such as '<= 99.5%'"]),
    ("over: 5s", "over: 1h", ["10: 'over' is 3600 s: write one from 1s to 10m"]),
    ("over: 5s", "over: 5s, p99: 1s", ["10: 'p99' is not a key of a condition of 'stop_when' (there are of, over, success, wrong)"]),
    ("time_limit: 10m", "time_limit: 90s", ["5: 'time_limit' is 90 s, and the phases alone last 90 s: leave it time to start and to leave"]),
    ("time_limit: 10m", "time_limit: long", ["5: 'time_limit' is 'long': write a duration such as 250ms, 20s or 5m"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), CASES)
def test_a_mistake_is_told_with_its_place_and_its_cure(old: str, new: str, told: list[str], ollama: Cluster) -> None:
    assert GOOD.count(old) >= 1
    assert said(GOOD.replace(old, new, 1), ollama) == told


def test_a_target_that_no_answer_makes_right_is_refused(raft: Cluster) -> None:
    text = QUIET.replace("minority of node, from: majority of node", "leader, from: leader")
    assert said(text, raft) == [
        "13: 'from' names 'n1', which is also one of 'nodes': a node cannot be cut off from itself"
    ]


def test_faults_on_one_link_compose_and_a_note_says_how(ollama: Cluster) -> None:
    text = QUIET.replace("minority of node, from: majority of node", "[n1], from: [gateway]")
    slow = "  - {fault: latency, name: slow, at: 12s, for: 5s, link: gateway -> n1, delay: 100ms}\n"
    text = text.replace("objectives:", slow + slow.replace("slow,", "slower,") + "objectives:")
    how = "delays add, the stricter rate wins, and a drop beats all"
    assert notes(load(text, ollama), ollama) == (
        f"slow is on gateway -> n1 together with split for a time: {how}",
        f"slower is on gateway -> n1 together with split and 1 more for a time: {how}",
    )


STEPS = QUIET.replace(
    "objectives:",
    """steps:
  - {name: drain, at: 20s, on: 1 of node, run: [admin, --drop, a b, a b], undo: admin --add}
  - {name: look, at: 30s, for: 2s, on: gateway, run: date -u}
objectives:""",
)


def test_steps_are_faults_that_last_until_the_phase_ends_or_as_they_say(ollama: Cluster) -> None:
    drain, look = load(STEPS, ollama).faults[2:]
    assert isinstance(drain, Command)
    assert drain == Command(
        name="drain",
        at_s=20.0,
        for_s=40.0,
        nodes=drain.nodes,
        command="admin --drop 'a b' 'a b'",
        back="admin --add",
        targets=(Target("nodes", "1 of node", drain.nodes),),
    )
    assert drain.nodes in (("n1",), ("n2",), ("n3",))
    assert look == Command(name="look", at_s=30.0, for_s=2.0, nodes=("gateway",), command="date -u")
    assert look.compile(ollama, ()) == (primitives.Command("gateway", ("date", "-u"), ()),)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("on: gateway", "on: gatway", ["16: 'on' names 'gatway': there is no gatway; did you mean 'gateway'?"]),
        ("on: 1 of node", "on: 9 of node", ["15: 'on' is '9 of node': that is 9 of n1, n2, n3, of which 3 can be taken"]),
        ("run: date -u", "run: []", ["16: 'run' is empty: write what is to be run"]),
        ("run: date -u", "run: don't", ["16: 'run' is don't: one of its quotes is never closed"]),
        ("on: gateway, run: date -u", "on: gateway", ["16: a step needs 'run': program and arguments; such as 'run: TEXT'"]),
        (
            "at: 20s",
            "at: 60s",
            ["15: 'at' is 60 s into the faults phase, which lasts 60 s: lower it or lengthen the phase"],
        ),
        (
            "for: 2s",
            "for: 40s",
            ["16: 'look' would end 70 s into the faults phase, which lasts 60 s: shorten 'for' or lengthen the phase"],
        ),
        ("name: look", "name: dead", ["16: two faults are called 'dead' (the other on line 12): give each its own name"]),
        ("run: date -u", "run: date, fault: kill", ["16: 'fault' is not a key of a step (there are at, for, name, on, run, undo)"]),
    ],
)  # fmt: skip
def test_a_step_with_a_mistake_is_told_so(old: str, new: str, told: list[str], ollama: Cluster) -> None:
    assert STEPS.count(old) == 1
    assert said(STEPS.replace(old, new), ollama) == told


def test_a_volume_that_is_not_declared_is_refused(ollama: Cluster) -> None:
    nodes = [replace(node, volumes=("/var/lib/x", "/run") if node.name == "n1" else ()) for node in ollama.nodes]
    cluster = Cluster("ollama", tuple(nodes))
    assert list(volume_problems("path", "/var/lib/x/deep", ["n1", "nobody"], cluster)) == []
    assert list(volume_problems("path", "/var/lib/xy", ["n1", "n2"], cluster)) == [
        (
            "path",
            "is '/var/lib/xy', which is in no volume of n1 (it has /var/lib/x, /run): declare one in the compose file",
        ),
        ("path", "is '/var/lib/xy', which is in no volume of n2 (it has none): declare one in the compose file"),
    ]
