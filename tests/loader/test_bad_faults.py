"""What no fault can be, whatever its kind: one sentence with file and line, before anything starts."""
# ruff: noqa: E501  a message is one line, here as on the terminal

import re

import pytest

from harness.cluster import Cluster, Node
from harness.errors import ScenarioError
from harness.faults import CATALOGUE
from harness.faults.inside import PATH
from harness.loader import bind, parse
from harness.words import word_of, words_of
from selfchaos.kinds import KINDS

TINY = Cluster(
    "tiny",
    tuple(
        Node(f"n{i}", "node", "node", f"n{i}", index=i, ports=(8000,), volumes=("/data",) if i < 3 else ())
        for i in (1, 2, 3)
    ),
)
TEXT = """\
scenario: mine
about: Something breaks.
cluster: tiny
phases: {{warmup: 10s, faults: 30s, recovery: 20s}}
traffic:
  - {{name: visits, client: http, to: n1, rate: 20/s}}
faults:
  - {{fault: {kind}, name: broken, at: 5s, for: {length}, {words}}}
objectives:
  - {{name: answers, of: visits, success: ">= 1%"}}
"""
# What is put in the place of what in a line that is good, and what is said of it, of every kind that has such a word.
WRONG = [
    (r"nodes: \[[^]]*\]", "nodes: [n9]", "'nodes' names 'n9': there is no n9 (there are n1, n2, n3)"),
    (r"nodes: \[[^]]*\]", "nodes: [1 of db]", "'nodes' is '1 of db': no node has the role 'db' (there are node)"),
    (
        r"nodes: \[[^]]*\]",
        "nodes: leader",
        "'nodes' is 'leader': no service of this cluster says 'leader: METRIC' in its x-harness, so nobody can tell who that is",
    ),
    (r"link: [^,]*", "link: client -> n9", "'link' is 'client -> n9': there is no n9 (there are n1, n2, n3)"),
    (r"link: [^,]*", "link: n9 -> n1", "'link' is 'n9 -> n1': there is no n9 (there are n1, n2, n3)"),
    (r"link: [^,]*", "link: n2 -> n1:81", "'link' is 'n2 -> n1:81': n1 serves no port 81 (it has 8000)"),
    (r"share: [^,]*", "share: 140%", "'share' is '140%': a share cannot be more than 100%"),
    (r"share: [^,]*", "share: -5%", "'share' is '-5%': write a percentage such as 99.5%"),
    (r"(delay|pause|on|off|grace): [^,]*", r"\1: -1s", "'{key}' is '-1s': write a duration such as 250ms, 20s or 5m"),
    (r"rate: .*bit/s", "rate: -1Mbit/s", "'rate' is '-1Mbit/s': write a bit rate with its unit, such as 10Mbit/s or 500kB/s"),
    (r"offset: .*", "offset: 30000h", "'offset' is 108,000,000 s: write one from -8760h to 8760h (a year)"),
    (
        r"offset: .*",
        f"offset: {'9' * 30}h",
        f"'offset' is '{'9' * 30}h': write how far ahead the clock is, such as 30s, or how far behind, such as -250ms",
    ),
    (r"offset: .*", "drift: 5s/s", "'drift' is 5 s a second: write one from -1s/s (the clock stands still) to 1s/s"),
    (
        r"nodes: \[[^]]*\], path: /data\b",
        "nodes: [n3], path: /data",
        "'path' is '{path}', which is in no volume of n3 (it has none): declare one in the compose file",
    ),
    (
        r"path: /data\b",
        "path: /log",
        "'path' is '{path}', which is in no volume of {node} (it has /data): declare one in the compose file",
    ),
    (r"path: /data\b", "path: /data/../etc", "'path' is '{path}': write where it is in the node, from the root on, such as /data/log"),
]  # fmt: skip
CASES = [(k, *case) for k, words in KINDS.items() for case in WRONG if re.search(case[0], words)]


def said(kind: str, words: str, length: str = "20s") -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        bind(parse(TEXT.format(kind=kind, words=words, length=length).encode(), "mine.yaml"), TINY)
    return [str(problem) for problem in caught.value.problems]


def value_of(key: str, words: str) -> str:
    found = re.search(rf"\b{key}: \[?([^],]*)", words)
    return found[1] if found else ""


@pytest.mark.parametrize("kind", CATALOGUE)
def test_a_line_that_is_good_says_nothing_and_one_that_outlasts_its_phase_does(kind: str) -> None:
    assert bind(parse(TEXT.format(kind=kind, words=KINDS[kind], length="20s").encode(), "mine.yaml"), TINY).faults
    too_long = "'broken' would end 45 s into the faults phase, which lasts 30 s: shorten 'for' or lengthen the phase"
    assert said(kind, KINDS[kind], "40s") == [f"mine.yaml:8: {too_long}"]


@pytest.mark.parametrize(("kind", "good", "bad", "problem"), CASES, ids=[f"{c[0]}, {c[2][:40]}" for c in CASES])
def test_what_no_fault_can_be_is_said_in_one_sentence(kind: str, good: str, bad: str, problem: str) -> None:
    words = re.sub(good, bad, KINDS[kind], count=1)
    key = words[: words.index(": -1s")].split(" ")[-1] if ": -1s" in words else ""
    whole = problem.format(key=key, path=value_of("path", words), node=value_of("nodes", words))
    assert said(kind, words) == [f"mine.yaml:8: {whole}"]


def test_every_word_that_can_be_wrong_was_tried_and_every_disk() -> None:
    tried = {(kind, bad) for kind, _, bad, _ in CASES}
    assert {bad for _, bad in tried} == {bad for _, bad, _ in WRONG}
    words = {kind: map(word_of, words_of(fault).values()) for kind, fault in CATALOGUE.items()}
    disks = {kind for kind, found in words.items() if any(word and word.reader is PATH for word in found)}
    assert disks and {(kind, "path: /log") for kind in disks} <= tried
