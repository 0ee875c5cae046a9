from dataclasses import replace

import pytest

from harness.objectives import Finding
from harness.objectives.log_lines import last_words
from harness.recording.events import Trouble
from tests.objectives.test_logs import LOOK, stamped
from tests.objectives.test_words import written
from tests.recording.builder import Story, at

PANIC = "".join(
    (
        stamped(18.9, "panic: long ago"),
        stamped(19.9, "listening"),
        stamped(19.95, "panic: divide by zero"),
        stamped(19.96, "goroutine 7 [running]:"),
        stamped(19.97, "main.go:401"),
    )
)
NODE = "".join(
    stamped(19.95, line)
    for line in (
        "      throw er; // Unhandled 'error' event",
        "Error: connect ECONNREFUSED 10.0.0.5:6379",
        "    at TCPConnectWrap.afterConnect (node:net:1608:16)",
        "Emitted 'error' event on RedisClient instance at:",
        "Node.js v20.19.2",
    )
)
PYTHON = "".join(
    stamped(19.95, line)
    for line in (
        "KeyError: 'x'",
        "During handling of the above exception, another exception occurred:",
        "Traceback (most recent call last):",
        "app.errors.StoreError: no store",
        "closing",
    )
)
DIED = Trouble(at(20), "node-died", "n2 ended by itself with exit code 2; its log is logs/n2.node.log.", "n2")
STORY = Story(more=(LOOK, DIED), logs={"n2.node.log": PANIC})


def crashes(story: Story, bound: str = "== 0", **words: str) -> Finding:
    return written("crashes", name="it", crashes=bound, **words).measure(story.evidence())


def test_a_node_that_ended_by_itself_is_told_with_its_last_words() -> None:
    assert crashes(STORY) == Finding(
        objective="it",
        outcome="violated",
        measured=1.0,
        error=None,
        bound="== 0",
        unit="crashed",
        reason="n2 ended by itself with exit code 2; its log is logs/n2.node.log",
        source="the engine's word of every node that ended in all",
        details=(("n2", "at 20.000 s: panic: divide by zero"),),
    )


def test_none_that_ended_is_held() -> None:
    found = crashes(Story())
    assert (found.outcome, found.measured, found.reason) == ("held", 0.0, "no node ended by itself")


def test_each_counts_and_an_author_may_bear_some() -> None:
    again = replace(STORY, more=(*STORY.more, *(Trouble(at(s), "node-died", "n3 ended too.", "n3") for s in (40, 41))))
    assert [crashes(again, bound).outcome for bound in ("<= 3", "<= 2")] == ["held", "violated"]
    assert crashes(again).reason.endswith("; its log is logs/n2.node.log; 2 more ended so")
    assert crashes(again).details[1:] == (("n3", "at 40.000 s, 41.000 s"),), "of n3 there is no log"


def test_another_trouble_or_another_window_is_no_crash() -> None:
    lost = Story(more=(LOOK, Trouble(at(20), "agent-lost", "The agent of n2 is gone.")))
    assert [crashes(lost).measured, crashes(STORY, in_="recovery").measured] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (PANIC, "panic: divide by zero"),
        (NODE, "Error: connect ECONNREFUSED 10.0.0.5:6379"),
        (PYTHON, "app.errors.StoreError: no store"),
        (stamped(19.9, "one") + stamped(19.95, "bye"), "bye"),
        (stamped(18, "long ago"), ""),
        (stamped(19.9, "  "), ""),
        ("", ""),
    ],
)
def test_last_words_are_the_last_cause_of_the_last_second_or_its_last_line(log: str, words: str) -> None:
    story = replace(STORY, logs={"n2.node.log": log})
    assert last_words("n2", at(20), story.evidence()) == words
    assert last_words("n9", at(20), story.evidence()) == ""
