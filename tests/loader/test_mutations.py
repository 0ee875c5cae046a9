"""Ten thousand broken files, from one seed: no crash, no hang, nothing but problems that can be read."""

import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.cluster import Cluster
from harness.errors import ScenarioError
from harness.loader import bind, parse
from harness.loader.document import LIMIT_BYTES

SEED, FILES = 20261121, 10_000
SHIPPED = Path(__file__).parents[2] / "scenarios"
SMALL = b"""\
scenario: mine
about: Something breaks.
cluster: ollama
phases: {warmup: 10s, faults: 30s, recovery: 20s}
traffic: [{name: chat, client: http, to: gateway, rate: 50/s}]
faults:
  - {fault: partition, name: lost, at: 5s, for: 20s, nodes: [n1]}
  - {fault: latency, name: slow, at: 5s, for: 20s, link: gateway -> n2, delay: 200ms}
  - {fault: kill, name: dead, at: 27s, for: 2s, nodes: [30% of node]}
random: {count: 2, at_once: 2, gap: 1s, for: 3s..8s, faults: [{fault: kill, nodes: 1 of node}]}
stop_when: [{of: chat, success: "< 50%", over: 5s}]
time_limit: 5m
repeat: {runs: 10, confidence: 95%}
objectives:
  - {name: answers, of: chat, success: ">= 99.5%"}
with: {CHECKS: "off"}
expect: {violated: [answers]}
"""
TOKENS = (
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"- ",
    b"? ",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!python/object:os.system ",
    b"!!binary ",
    b"|\n",
    b">-\n",
    b"'",
    b'"',
    b"#",
    b"\t",
    b"\n",
    b"\r",
    b"---\n",
    b"...\n",
    b"%YAML 1.1\n",
    b"%TAG ! tag:x,2000:\n",
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    "\u202e".encode(),
    "\u2028".encode(),
    "\U0001f4a5".encode(),
    "\u0663s".encode(),
    b'"\\ud800"',
    b'"\\U00110000"',
    b'"\\UFFFFFFFF"',
    b'"\\x',
    b"null",
    b"~",
    b"yes",
    b"1e999",
    b"-1s",
    b"0s",
    b"NaN%",
    b"9" * 400,
    b"9" * 5000 + b"s",
    b"999999999999h",
    b"999999999999.999999999h",
    b"n1 -> n1",
    b"client -> n1",
    b"gateway -> n1:99999",
    b"everyone",
    b"leader",
    b"2 of node",
    b"999 of node",
    b"0.0%",
    b"minority of node",
    b"8s..3s",
    b"0",
    b"client",
    b"end",
    b"all",
    b"100.000000001%",
    b">= ",
    b"a" * 3000,
)
BOMBS = (
    b"[" * 60_000,
    b"{" * 60_000,
    b"- " * 30_000,
    b"? " * 30_000,
    b"a: " * 20_000,
    b"a:\n" + b"".join(b" " * n + b"a:\n" for n in range(1, 350)),
    b"a: &a [b]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c]\n" % (n + 1, n + 1, n, n, n) for n in range(97, 120)),
    b"&a [*a]",
    b"\n" * LIMIT_BYTES,
    b"#" * LIMIT_BYTES,
    b'"' * LIMIT_BYTES,
    b"faults: [" + b"{fault: kill}," * 4_500 + b"]",
    b"faults: [" + b"," * 60_000 + b"]",
    b"".join(b"k%d: 1\n" % n for n in range(6_000)),
    b"a: 1\n" * 13_000,
    b"\xf0\x9f\x92\xa5" * 16_000,
    b"x" * (LIMIT_BYTES + 1),
)


def _flip(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]


def _insert(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + dice.choice(TOKENS) + data[at:]


def _cut(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + data[at + dice.randrange(30) :]


def _lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    if dice.random() < 0.4:
        del lines[one]
    elif dice.random() < 0.6:
        lines.insert(one, lines[other])
    else:
        lines[one], lines[other] = lines[other], lines[one]
    return b"".join(lines) or b"\n"


def _words(data: bytes, dice: random.Random) -> bytes:
    words = data.split(b" ")
    one, other = dice.randrange(len(words)), dice.randrange(len(words))
    words[one] = words[other] if dice.random() < 0.6 else dice.choice(TOKENS)
    return b" ".join(words) or b" "


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip, _insert, _cut, _lines, _words)


def _look(data: bytes, cluster: Cluster) -> bool:
    """True if the file was good; else every problem is one short printable line about a line there is."""
    try:
        bind(parse(data, "mine.yaml"), cluster)
    except ScenarioError as error:
        assert error.problems
        for problem in error.problems:
            text = str(problem)
            assert text.isprintable(), text
            assert len(text) < 600, text
            assert 0 <= problem.line <= len(data) + 1
        return False
    return True


@pytest.fixture
def untraced() -> Iterator[None]:
    """Measuring coverage would take three times as long as the 10,000 files, and the other tests cover the lines."""
    tracer = sys.gettrace()
    sys.settrace(None)
    yield
    sys.settrace(tracer)


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("untraced")
def test_ten_thousand_broken_files_end_in_problems_and_nothing_else(ollama: Cluster) -> None:
    dice = random.Random(SEED)
    shipped = [path.read_bytes() for path in sorted(SHIPPED.rglob("*.yaml"))]
    good = 0
    for number in range(FILES):
        data = dice.choice(shipped) if number % 25 == 0 else SMALL
        for _ in range(dice.choice((1, 1, 2, 3, 8))):
            data = dice.choice(MUTATIONS)(data, dice)
        good += _look(data, ollama)
    assert 0 < good < FILES / 2  # it meets both ways out


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: repr(bomb[:12]))
def test_a_bomb_is_refused_within_seconds(bomb: bytes, ollama: Cluster) -> None:
    for data in (bomb, SMALL + bomb, SMALL.replace(b"[n1]", bomb)):
        start_s = time.process_time()
        assert not _look(data, ollama) or bomb[:1] in b"#\n"
        assert time.process_time() - start_s < 10
