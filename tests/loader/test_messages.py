"""Every message of the loader, whole: what was seen, where, what to do."""
# ruff: noqa: E501  a message is one line, here as on the terminal

from pathlib import Path

import pytest

from harness.cluster import Cluster, Link
from harness.errors import ScenarioError
from harness.faults import CATALOGUE
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.loader import bind, notes, parse, parse_file
from harness.objectives import OBJECTIVES, Bound, Moment, Promql
from harness.objectives.alerts import AlertRule
from harness.objectives.answers import Success
from harness.scenario import Phases, Scenario
from harness.traffic import CLIENTS
from harness.traffic.ollama import OllamaGenerate

_CLIENTS = ", ".join(sorted(CLIENTS))

GOOD = """\
scenario: mine
about: Something breaks.
cluster: ollama
phases: {warmup: 10s, faults: 30s, recovery: 20s}
traffic:
  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}
faults:
  - {fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}
  - {fault: latency, name: slow-n2, at: 5s, for: 20s, link: gateway -> n2, delay: 200ms}
objectives:
  - {name: answers, of: chat, success: ">= 99.5%"}
  - {name: whole, promql: up, is: ">= 3", at: end of dead-n1, needs: dead-n1}
with: {CHECKS: "off"}
expect: {violated: [answers]}
"""

# What is replaced in the good file, by what, and everything that is said about it ("mine.yaml:" stands before each).
CASES: list[tuple[str, str, list[str]]] = [
    (
        "scenario: mine",
        "scenario: yours",
        ["1: 'scenario' is 'yours', but the file is mine.yaml: give both the same name"],
    ),
    (
        "scenario: mine\n",
        "",
        ["1: a scenario needs 'scenario': its name, which is the name of its file too; such as 'scenario: NAME'"],
    ),
    (
        "scenario: mine",
        "scenario: Mine",
        ["1: 'scenario' is 'Mine': a name starts with a letter and has only a-z, 0-9 and '-', at most 40 characters"],
    ),
    (
        "about: Something breaks.",
        'about: " "',
        ["2: 'about' is empty: say in a sentence what is broken and what users notice"],
    ),
    ("about: Something breaks.", "about:", ["2: 'about' is empty: write a text, such as 'about: TEXT'"]),
    ("about: Something breaks.", "about: [a]", ["2: 'about' is a list: write a text, such as 'about: TEXT'"]),
    (
        "about: Something breaks.",
        "abuot: x",
        [
            "1: a scenario needs 'about': what is broken and what users may notice, for a manager; such as 'about: TEXT'",
            "2: 'abuot' is not a key of a scenario; did you mean 'about'?",
        ],
    ),
    (
        "about: Something breaks.",
        "colour: x\nabout: y",
        [
            "2: 'colour' is not a key of a scenario (there are about, alerts, baseline, cluster, expect, faults, objectives, phases, random, repeat, scenario, seed, steps, stop_when, tags, time_limit, traffic, twin, with)"
        ],
    ),
    (
        "about: Something breaks.",
        'about: "a\\eb"',
        ["2: 'about' has a character that cannot be seen (U+001B): take it out"],
    ),
    (
        "about: Something breaks.",
        'about: "\\ud800"',
        ["2: 'about' has a character that cannot be seen (U+D800): take it out"],
    ),
    ("cluster: ollama", "cluster: {a: b}", ["3: 'cluster' is a map: write a name, such as 'cluster: NAME'"]),
    ("cluster: ollama", "seed: 1.5\ncluster: ollama", ["3: 'seed' is '1.5': write a whole number such as 7"]),
    ("cluster: ollama", "tags: [a, a]\ncluster: ollama", ["3: 'tags' has 'a' twice: keep one"]),
    (
        "cluster: ollama",
        "tags: [[a]]\ncluster: ollama",
        ["3: 'tags' is a list: write a name or a list of them, such as 'tags: NAME'"],
    ),
    (
        "cluster: ollama",
        "tags: {a: b}\ncluster: ollama",
        ["3: 'tags' is a map: write a name or a list of them, such as 'tags: NAME'"],
    ),
    (
        "phases: {warmup: 10s, faults: 30s, recovery: 20s}\n",
        "",
        [
            "1: a scenario needs 'phases': how long each phase lasts; such as 'phases: {warmup: 10s, faults: 30s, recovery: 20s}'"
        ],
    ),
    (
        "phases: {warmup: 10s, faults: 30s, recovery: 20s}",
        "phases:",
        ["4: 'phases' is empty: write a map, such as 'phases: {warmup: 10s, faults: 30s, recovery: 20s}'"],
    ),
    (
        "phases: {warmup: 10s, faults: 30s, recovery: 20s}",
        "phases: 60s",
        ["4: 'phases' is a text: write a map, such as 'phases: {warmup: 10s, faults: 30s, recovery: 20s}'"],
    ),
    ("warmup: 10s", "warmup: 0s", ["4: 'warmup' is 0 s: nothing can be measured in that; write at least 1s"]),
    ("warmup: 10s", "warmup: 48h", ["4: 'warmup' is 48 h: write at most 24h"]),
    ("warmup: 10s", "warmup: 10", ["4: 'warmup' is 10: write a duration with its unit, such as 10s"]),
    ("warmup: 10s, ", "", ["4: 'phases' needs 'warmup': load without faults: the baseline; such as 'warmup: 20s'"]),
    (
        "warmup: 10s",
        "warmup: 10s, cooldown: 5s",
        ["4: 'cooldown' is not a key of 'phases' (there are faults, recovery, warmup)"],
    ),
    (
        "{name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        "[]",
        [
            "6: an item of 'traffic' is a list: write keys and values, such as '- {name: chat, client: ollama-generate, to: gateway, rate: 50/s}'",
            "11: 'of' is 'chat': there is no traffic of that name",
        ],
    ),
    (
        "traffic:\n  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        "traffic: []",
        [
            "5: 'traffic' is empty: name at least one, such as 'traffic: [{name: chat, client: ollama-generate, to: gateway, rate: 50/s}]'",
            "10: 'of' is 'chat': there is no traffic of that name",
        ],
    ),
    (
        "traffic:\n  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        "traffic:",
        [
            "5: 'traffic' is empty: write a list, such as 'traffic: [{name: chat, client: ollama-generate, to: gateway, rate: 50/s}]'",
            "10: 'of' is 'chat': there is no traffic of that name",
        ],
    ),
    (
        "traffic:\n  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        "traffic: {name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        [
            "5: 'traffic' is a map: write a list, such as 'traffic: [{name: chat, client: ollama-generate, to: gateway, rate: 50/s}]'",
            "10: 'of' is 'chat': there is no traffic of that name",
        ],
    ),
    (
        "  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        "  - chat",
        [
            "6: an item of 'traffic' is a text: write keys and values, such as '- {name: chat, client: ollama-generate, to: gateway, rate: 50/s}'",
            "11: 'of' is 'chat': there is no traffic of that name",
        ],
    ),
    (
        "  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        "  -",
        [
            "6: an item of 'traffic' is empty: write keys and values, such as '- {name: chat, client: ollama-generate, to: gateway, rate: 50/s}'",
            "11: 'of' is 'chat': there is no traffic of that name",
        ],
    ),
    (
        "client: ollama-generate",
        "client: olama-generate",
        ["6: 'olama-generate' is not a client; did you mean 'ollama-generate'?"],
    ),
    ("client: ollama-generate", "client: zzz", [f"6: 'zzz' is not a client (there are {_CLIENTS})"]),
    ("client: ollama-generate, ", "", [f"6: an item of 'traffic' needs 'client': one of {_CLIENTS}"]),
    ("client: ollama-generate", "client:", [f"6: 'client' is empty: write one of {_CLIENTS}"]),
    ("client: ollama-generate", "client: [http]", [f"6: 'client' is a list: write one of {_CLIENTS}"]),
    ("to: gateway", "to: gatway", ["6: 'to' names 'gatway': there is no gatway; did you mean 'gateway'?"]),
    ("rate: 50/s", "rate: 50", ["6: 'rate' is '50': write a rate with its unit, such as 50/s"]),
    ("rate: 50/s", "rate: 0/s", ["6: 'rate' is 0/s: write one from 1/m to 20000/s"]),
    (
        "rate: 50/s",
        "rate: 50/s, timeout: 0s, in-flight: 0",
        ["6: 'in-flight' is 0: nothing would be sent", "6: 'timeout' is 0 s: write one from 1us to 10m"],
    ),
    ("rate: 50/s", "rate: 50/s, connection: new", ["6: 'connection' is 'new': write one of keep-alive, fresh"]),
    ("rate: 50/s", "rate: 50/s, connection:", ["6: 'connection' is empty: write one of keep-alive, fresh"]),
    (
        ", rate: 50/s",
        "",
        ["6: 'rate' is missing: write 'rate: 50/s', a 'shape', or 'users'"],
    ),
    (", to: gateway", "", ["6: ollama-generate traffic needs 'to': the node that is asked; such as 'to: n1'"]),
    (
        "  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        "  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}\n  - {name: chat, client: ollama-generate, to: gateway, rate: 50/s}",
        ["7: two pieces of traffic are called 'chat' (the other on line 6): give each its own name"],
    ),
    ("fault: kill", "fault: kil", ["8: 'kil' is not a fault; did you mean 'kill'?"]),
    ("fault: kill, ", "", [f"8: an item of 'faults' needs 'fault': one of {', '.join(sorted(CATALOGUE))}"]),
    (
        "name: dead-n1, at",
        "name: end, at",
        [
            "8: 'name' is 'end', which is a window of every run: give the fault another name",
            "12: 'at' is 'dead-n1': there is no fault of that name (there are end, slow-n2)",
            "12: 'needs' is 'dead-n1': there is no fault of that name (there are end, slow-n2)",
        ],
    ),
    (
        "name: dead-n1, at",
        "name: slow-n2, at",
        [
            "9: two faults are called 'slow-n2' (the other on line 8): give each its own name",
            "12: 'at' is 'dead-n1': there is no fault of that name (there are slow-n2)",
            "12: 'needs' is 'dead-n1': there is no fault of that name (there are slow-n2)",
        ],
    ),
    ("for: 20s, nodes", "for: 20, nodes", ["8: 'for' is 20: write a duration with its unit, such as 20s"]),
    (
        "for: 20s, nodes",
        "for: 26s, nodes",
        ["8: 'dead-n1' would end 31 s into the faults phase, which lasts 30 s: shorten 'for' or lengthen the phase"],
    ),
    ("for: 20s, nodes", "for: 0s, nodes", ["8: 'for' is 0 s: nobody would notice; write at least 100ms"]),
    ("for: 20s, nodes", "for: , nodes", ["8: 'for' is empty: write a duration, such as 'for: 20s'"]),
    ("for: 20s, nodes", "for: '', nodes", ["8: 'for' is '': write a duration such as 250ms, 20s or 5m"]),
    ("for: 20s, nodes", "nodes", ["8: a kill fault needs 'for': how long; such as 'for: 20s'"]),
    (
        "for: 20s, nodes",
        "for: 20s, from: n2, nodes",
        ["8: 'from' is not a key of a kill fault (there are at, fault, for, name, nodes)"],
    ),
    ("nodes: [n1]", "nodes: []", ["8: 'nodes' is empty: name at least one node"]),
    ("nodes: [n1]", "nodes: [n1, n1]", ["8: 'nodes' has 'n1' twice: keep one"]),
    ("nodes: [n1]", "nodes: [n1, n7]", ["8: 'nodes' names 'n7': there is no n7 (there are gateway, n1, n2, n3)"]),
    ("nodes: [n1]", "nodes: [redis]", ["8: 'nodes' names 'redis': there is no redis (there are gateway, n1, n2, n3)"]),
    (
        "nodes: [n1]",
        "nodes: [n 1]",
        ["8: 'nodes' is 'n 1': write a node's name, its role, or how many, such as '2 of ROLE' or '30%'"],
    ),
    (
        "link: gateway -> n2",
        "link: gateway to n2",
        ["9: 'link' is 'gateway to n2': write a link as 'gateway -> n1' or 'gateway -> n1:11434'"],
    ),
    (
        "link: gateway -> n2",
        "link: gatway -> n2",
        ["9: 'link' is 'gatway -> n2': there is no gatway; did you mean 'gateway'?"],
    ),
    (
        "link: gateway -> n2",
        "link: n2 -> n2",
        ["9: 'link' is 'n2 -> n2', from a node to itself: a node's own loopback is never touched"],
    ),
    (
        "link: gateway -> n2",
        "link: gateway -> n2:70000",
        ["9: 'link' is 'gateway -> n2:70000': a port is a number from 1 to 65535"],
    ),
    ("delay: 200ms", "delay: 0ms", ["9: 'delay' is 0 s: write one from 1ms to 60s"]),
    (
        "delay: 200ms",
        "delay: 1500us",
        ["9: 'delay' is 1.5 ms: write whole milliseconds, which is how Toxiproxy counts"],
    ),
    (
        "delay: 200ms",
        "delay: 200ms, jitter: 300ms",
        ["9: 'jitter' is 0.3 s, more than the delay (0.2 s): nothing arrives early; lower it"],
    ),
    (
        "{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}",
        "{fault: partition, name: dead-n1, at: 5s, for: 20s}",
        ["8: 'nodes' or 'links', 'groups' or 'shape': a partition needs exactly one of them"],
    ),
    (
        "{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}",
        "{fault: partition, name: dead-n1, at: 5s, for: 20s, nodes: [n1], from: [everyone, n2]}",
        ["8: 'from' names others beside 'everyone': write the one or the others"],
    ),
    (
        "{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}",
        "{fault: partition, name: dead-n1, at: 5s, for: 20s, nodes: [n1], from: [n1, n2]}",
        ["8: 'from' names 'n1', which is also one of 'nodes': a node cannot be cut off from itself"],
    ),
    (
        "{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}",
        "{fault: partition, name: dead-n1, at: 5s, for: 20s, links: gateway -> n1, from: n2}",
        ["8: 'from' says nothing about 'links', which have both their ends: take it out"],
    ),
    (
        "{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}",
        "{fault: partition, name: dead-n1, at: 5s, for: 20s, nodes: [gateway, n1, n2, n3]}",
        ["8: 'nodes' names every node: nobody is left to cut them off from"],
    ),
    (
        "{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}",
        "{fault: partition, name: dead-n1, at: 5s, for: 20s, nodes: [n3], style: loud}",
        ["8: 'style' is 'loud': write one of drop, reject"],
    ),
    (
        "{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}",
        "{fault: kill, name: dead-n1, at: 5s, for: 20s, nodes: [n1]}\n  - {fault: kill, name: again, at: 24.9s, for: 5s, nodes: [n1]}",
        [
            "9: 'again' and 'dead-n1' (line 8) both act on the process of n1, from 24.9 s to 25 s of the faults phase: move one, or give it another target"
        ],
    ),
    ("success: ", "sucess: ", ["11: 'sucess' is not a key of an objective; did you mean 'success'?"]),
    (
        ', success: ">= 99.5%"',
        "",
        [f"11: an objective needs the figure that it bounds: one of {', '.join(OBJECTIVES)}"],
    ),
    (
        'success: ">= 99.5%"',
        'success: ">= 99.5%", p99: "<= 1s"',
        ["11: an objective asks for 'success' and 'p99': make it 2 objectives"],
    ),
    ('">= 99.5%"', '"99.5%"', ["11: 'success' is '99.5%': write a comparison and a limit, such as '<= 99.5%'"]),
    ('">= 99.5%"', '">= 99.5"', ["11: 'success' is '99.5': write a percentage such as 99.5%"]),
    ("of: chat", "of: chatt", ["11: 'of' is 'chatt': there is no traffic of that name; did you mean 'chat'?"]),
    (
        "of: chat",
        "of: chat, in: dead-n2",
        ["11: 'in' is 'dead-n2': there is no window or fault of that name; did you mean 'dead-n1'?"],
    ),
    (
        "of: chat, ",
        "",
        ["11: a success objective needs 'of': the traffic whose operations are counted; such as 'of: NAME'"],
    ),
    (
        "needs: dead-n1",
        "needs: dead-n2",
        ["12: 'needs' is 'dead-n2': there is no fault of that name; did you mean 'dead-n1'?"],
    ),
    (
        "at: end of dead-n1",
        "at: end of it",
        ["12: 'at' is 'it': there is no fault of that name (there are dead-n1, slow-n2)"],
    ),
    (
        "objectives:\n",
        "objectives: []\nx:\n",
        [
            "10: 'objectives' is empty: name at least one, such as 'objectives: [{name: answers, of: chat, success: \">= 99.5%\"}]'",
            "11: 'x' is not a key of a scenario (there are about, alerts, baseline, cluster, expect, faults, objectives, phases, random, repeat, scenario, seed, steps, stop_when, tags, time_limit, traffic, twin, with)",
            "15: 'violated' is 'answers': there is no objective of that name",
        ],
    ),
    (
        "name: whole",
        "name: answers",
        ["12: two objectives are called 'answers' (the other on line 11): give each its own name"],
    ),
    (
        '{CHECKS: "off"}',
        "{A-B: 1}",
        ["13: 'with' sets 'A-B': a variable has only letters, digits and '_', no digit first"],
    ),
    ('{CHECKS: "off"}', "{A: }", ["13: 'A' is empty: write \"\" if that is meant"]),
    ('{CHECKS: "off"}', "{A: [1]}", ["13: 'A' is a list: a variable is one text"]),
    ('{CHECKS: "off"}', '{A: "a\\nb"}', ["13: 'A' has a character that cannot be seen (U+000A): take it out"]),
    ('{CHECKS: "off"}', "[A]", ["13: 'with' is a list: write a map, such as 'with: {RETRIES: \"0\"}'"]),
    (
        "[answers]",
        "[anwsers]",
        ["14: 'violated' is 'anwsers': there is no objective of that name; did you mean 'answers'?"],
    ),
    ("[answers]", "[]", ["14: 'violated' is empty: name the objectives it must violate, or leave 'expect' out"]),
    (
        "{violated: [answers]}",
        "{held: [answers]}",
        [
            "14: 'expect' needs 'violated': exactly the objectives that must be violated; such as 'violated: NAME'",
            "14: 'held' is not a key of 'expect' (there are violated)",
        ],
    ),
    ("{violated: [answers]}", "yes", ["14: 'expect' is a text: write a map, such as 'expect: {violated: [answers]}'"]),
    (
        "cluster: ollama",
        "cluster: ollama\ncluster: other",
        ["4: 'cluster' stands here twice (first on line 3): keep one"],
    ),
    ("[n1]", "&a [n1]", ["8: '&a' is an anchor: take it out"]),
    ("[n1]", "*a", ["8: '*a' is an alias: write out what it stands for"]),
    (
        "[n1]",
        "!!set {n1}",
        [
            "8: 'nodes' is a map: write a node or a list of them, such as 'nodes: n1'",
            "8: 'tag:yaml.org,2002:set' is a tag: take it out, values are read as written",
        ],
    ),
    (
        "cluster: ollama",
        "<<: {cluster: ollama}",
        [
            "1: a scenario needs 'cluster': the compose file it runs on, compose/NAME.yaml; such as 'cluster: NAME'",
            "3: '<<' is a merge: write out the keys it brings",
        ],
    ),
    ("cluster: ollama", "? [a]\n: b\ncluster: ollama", ["3: a key is not a word: write 'key: value'"]),
    (
        "cluster: ollama",
        "cluster: ollama\n---\na: b",
        ["4: a second document begins here ('---'): one file is one scenario"],
    ),
    ("cluster: ollama", "\tcluster: ollama", ["3: has a tab where YAML wants spaces: indent with spaces"]),
    (
        "nodes: [n1]}",
        "nodes: [n1}",
        ["8: is not YAML here (expected ',' or ']', but got '}'): look at the quotes, brackets and indentation"],
    ),
    ("cluster: ollama", "cluster: o\x00", ["3: has a character that YAML forbids (U+0000): take it out"]),
    (
        "cluster: ollama",
        'cluster: "\\U00110000"',
        [" has an escape such as \\UFFFFFFFF that is no character: take it out"],
    ),
    (
        "[n1]",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        ["8: is nested more than 32 deep: no scenario is"],
    ),
]


_ALERTS = """\
alerts:
  - {alert: NodeDown, expr: up == 0, for: 2s}
objectives:
  - {name: alerted, alert: NodeDown, after: dead-n1, fires: "<= 5s", resolves: "<= 10s"}
"""
_MORE = "objectives:\n"
CASES += [
    (_MORE, _ALERTS.replace("for: 2s", "for: 2"), ["11: 'for' is 2: write a duration with its unit, such as 2s"]),
    (
        _MORE,
        _ALERTS.replace("up == 0", '" "'),
        ["11: 'expr' is empty: write PromQL that has an answer while something is wrong"],
    ),
    (
        _MORE,
        _ALERTS.replace("  - {alert: NodeDown", "  - {alert: NodeDown, expr: up}\n  - {alert: NodeDown"),
        ["12: two alert rules are called 'NodeDown': keep one"],
    ),
    (
        _MORE,
        _ALERTS.replace("name: alerted, alert: NodeDown", "name: alerted, alert: NodeDwn"),
        ["13: 'alert' is 'NodeDwn': there is no rule under 'alerts' of that name; did you mean 'NodeDown'?"],
    ),
    (
        _MORE,
        _ALERTS.replace("alert: NodeDown, expr", "alert: node down, expr"),
        ["11: 'alert' is 'node down': an alert's name has only letters, digits and '_', no digit first"],
    ),
]


def problems(data: bytes, cluster: Cluster) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        bind(parse(data, "mine.yaml"), cluster)
    return [str(problem) for problem in caught.value.problems]


def test_alert_rules_are_read(ollama: Cluster) -> None:
    scenario = bind(parse(GOOD.replace(_MORE, _ALERTS).encode(), "mine.yaml"), ollama)
    assert scenario.alerts == (AlertRule(name="NodeDown", expr="up == 0", for_s=2.0),)


def test_the_good_file_is_good(ollama: Cluster) -> None:
    scenario = bind(parse(GOOD.encode(), "mine.yaml"), ollama)
    assert scenario == Scenario(
        name="mine",
        about="Something breaks.",
        cluster="ollama",
        seed=1,
        phases=Phases(10.0, 30.0, 20.0),
        traffic=(OllamaGenerate(name="chat", to="gateway", rate_per_s=50.0),),
        faults=(
            Kill(name="dead-n1", at_s=5.0, for_s=20.0, nodes=("n1",)),
            Latency(name="slow-n2", at_s=5.0, for_s=20.0, link=Link("gateway", "n2"), delay_s=0.2),
        ),
        objectives=(
            Success(name="answers", traffic="chat", bound=Bound(">=", 0.995, ">= 99.5%")),
            Promql(
                name="whole",
                query="up",
                bound=Bound(">=", 3.0, ">= 3"),
                at=Moment("dead-n1", healed=True),
                needs="dead-n1",
            ),
        ),
        variables=(("CHECKS", "off"),),
        expected=("answers",),
    )


@pytest.mark.parametrize(("old", "new", "said"), CASES)
def test_a_mistake_is_told_with_its_place_and_its_cure(old: str, new: str, said: list[str], ollama: Cluster) -> None:
    assert GOOD.count(old) >= 1
    assert problems(GOOD.replace(old, new, 1).encode(), ollama) == [f"mine.yaml:{text}" for text in said]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "mine.yaml: is empty: begin with 'scenario: NAME'"),
        (b"# nothing\n", "mine.yaml: is empty: begin with 'scenario: NAME'"),
        (b"- a\n", "mine.yaml:1: the file is a list: write keys and values, beginning with 'scenario: NAME'"),
        (b"\nhello\n", "mine.yaml:2: the file is a text: write keys and values, beginning with 'scenario: NAME'"),
        (b"a: b\nc: \xff\n", "mine.yaml:2: has a byte that is not UTF-8 (0xff): save the file as UTF-8"),
        (b"#" * 65_537, "mine.yaml: has more than 64 KiB: a scenario is a page of text"),
    ],
)
def test_a_file_that_is_no_scenario_at_all_is_told_so(data: bytes, said: str, ollama: Cluster) -> None:
    assert problems(data, ollama) == [said]


def test_mistakes_that_need_the_cluster_and_those_that_do_not_are_told_together(ollama: Cluster) -> None:
    text = GOOD.replace("to: gateway", "to: gatway").replace("seed", "sed").replace("about:", "abut:")
    assert problems(text.encode(), ollama) == [
        "mine.yaml:1: a scenario needs 'about': what is broken and what users may notice, for a manager; "
        "such as 'about: TEXT'",
        "mine.yaml:2: 'abut' is not a key of a scenario; did you mean 'about'?",
        "mine.yaml:6: 'to' names 'gatway': there is no gatway; did you mean 'gateway'?",
    ]


def test_a_wrong_file_still_says_which_cluster_it_wants_and_with_what() -> None:
    draft = parse(GOOD.replace("rate: 50/s", "rate: fast").encode(), "mine.yaml")
    assert (draft.scenario, draft.cluster, draft.variables) == (None, "ollama", (("CHECKS", "off"),))
    assert str(draft.problem("cluster", "there is no compose/ollama.yaml")) == (
        "mine.yaml:3: there is no compose/ollama.yaml"
    )


def test_whoever_refers_to_a_fault_with_a_mistake_in_it_made_none(ollama: Cluster) -> None:
    assert problems(GOOD.replace("for: 20s, nodes", "for: 20, nodes").encode(), ollama) == [
        "mine.yaml:8: 'for' is 20: write a duration with its unit, such as 20s"
    ]


def test_a_fault_that_begins_as_another_ends_does_not_contradict_it(ollama: Cluster) -> None:
    again = "\n  - {fault: kill, name: again, at: 25s, for: 5s, nodes: [n1]}"
    scenario = bind(parse(GOOD.replace("nodes: [n1]}", "nodes: [n1]}" + again).encode(), "mine.yaml"), ollama)
    assert "again" in [fault.name for fault in scenario.faults]


def test_every_scalar_is_the_text_that_was_written(ollama: Cluster) -> None:
    text = GOOD.replace('{CHECKS: "off"}', "{A: no, B: 010, C: 1:30, D: 1e3, E: 'null', F: '', G: 2026-11-21}")
    assert parse(text.encode(), "mine.yaml").variables == (
        ("A", "no"), ("B", "010"), ("C", "1:30"), ("D", "1e3"), ("E", "null"), ("F", ""), ("G", "2026-11-21"),
    )  # fmt: skip


def test_a_word_that_fills_a_page_is_not_repeated(ollama: Cluster) -> None:
    assert problems(GOOD.replace("cluster: ollama", "cluster: " + "a" * 300).encode(), ollama) == [
        "mine.yaml:3: 'cluster' is 300 characters long: write a name, such as 'cluster: NAME'"
    ]
    assert problems(GOOD.replace("cluster: ollama", "a" * 300 + ": b\ncluster: ollama").encode(), ollama) == [
        f"mine.yaml:3: '{'a' * 57}...' is not a key of a scenario (there are about, alerts, baseline, cluster, expect, faults, objectives, "
        "phases, random, repeat, scenario, seed, steps, stop_when, tags, time_limit, traffic, twin, with)"
    ]


@pytest.mark.parametrize("name", ["PATH", "HOME", "LD_PRELOAD", "DOCKER_HOST", "COMPOSE_FILE", "BUILDKIT_HOST"])
def test_a_file_cannot_choose_the_program_or_the_engine(name: str, ollama: Cluster) -> None:
    assert problems(GOOD.replace("CHECKS", name).encode(), ollama) == [
        f"mine.yaml:13: 'with' sets '{name}', which belongs to docker and the shell: choose another name"
    ]


def test_a_file_that_cannot_be_read_is_told_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_file(tmp_path / "mine.yaml", "mine.yaml")
    assert str(caught.value) == "mine.yaml: cannot be read (No such file or directory): check its name"


def test_a_file_is_read_no_further_than_the_limit() -> None:
    draft = parse_file(Path("/dev/zero"), "mine.yaml")
    assert list(map(str, draft.problems)) == ["mine.yaml: has more than 64 KiB: a scenario is a page of text"]


def test_a_quantile_of_fewer_operations_than_it_takes_is_worth_a_note(ollama: Cluster) -> None:
    few = GOOD.replace("rate: 50/s", "rate: 4/s").replace(
        "with:",
        """  - {name: tail, of: chat, p95: "<= 1s", in: recovery}
  - {name: slow, of: chat, p95: "<= 1s", in: faults}
  - {name: slower, of: chat, p99: "<= 1s", in: dead-n1}
with:""",
    )
    assert notes(bind(parse(few.encode(), "mine.yaml"), ollama), ollama) == (
        "tail can never be told: p95 takes 100 operations (5 beyond it), and about 80 of chat will fall due in recovery",
        "slower can never be told: p99 takes 500 operations (5 beyond it), and about 80 of chat will fall due in dead-n1",
    )


def test_a_killed_target_behind_a_proxy_is_worth_a_note(ollama: Cluster) -> None:
    text = GOOD.replace("gateway -> n2", "gateway -> n1")
    assert notes(bind(parse(text.encode(), "mine.yaml"), ollama), ollama) == (
        "gateway -> n1:11434 runs through Toxiproxy, which accepts before it dials: while dead-n1 has n1 stopped, a TCP "
        "health check on that link finds it alive (an HTTP check does not)",
        "slow-n2 acts on links to n1 while dead-n1 has it stopped: less traffic than usual will meet slow-n2",
    )
    assert notes(bind(parse(GOOD.encode(), "mine.yaml"), ollama), ollama) == ()
