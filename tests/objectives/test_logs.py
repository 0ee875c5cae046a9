from datetime import UTC, datetime, timedelta

import pytest

from harness.objectives import Finding
from harness.recording.events import ClockSeen
from tests.objectives.test_words import written
from tests.recording.builder import ORIGIN_NS, Story, at

WALL_NS = 1_795_253_412_000_000_000 - ORIGIN_NS  # the wall clock minus ours
LOOK = ClockSeen(at(-1), "wall", WALL_NS, 0)


def stamped(seconds: float, text: str) -> str:
    since = timedelta(microseconds=(at(seconds) + WALL_NS) // 1000)
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + since:%Y-%m-%dT%H:%M:%S.%f}000Z {text}\n"


GATEWAY = "".join(
    (
        stamped(-2, "Server be/n1 is DOWN, it starts"),
        stamped(3, "all is well"),
        stamped(15.9, "Server be/n1 is DOWN, reason: Layer4 timeout"),
        stamped(36.2, "Server be/n1 is UP"),
        stamped(61, "Server be/n1 is DOWN, we go"),
    )
)
SAID = Story(more=(LOOK,), logs={f"{node}.node.log": "" for node in ("n1", "n2", "n3")} | {"gateway.node.log": GATEWAY})


def measured(key: str, story: Story, bound: str, **words: str) -> Finding:
    return written(key, name="it", **{key: bound}, **words).measure(story.evidence())


def test_claimed_is_the_first_line_in_which_the_system_itself_says_so() -> None:
    assert measured("claimed", SAID, "<= 1s", after="lost-n1", line="n1 is DOWN", on="gateway") == Finding(
        objective="it",
        outcome="held",
        measured=0.899,
        error=0.011,
        bound="<= 1s",
        unit="s",
        reason="the system said so 899 ms ± 11 ms after lost-n1",
        source="the first line with 'n1 is DOWN' in the log of gateway after lost-n1",
        details=(("seen", "'Server be/n1 is DOWN, reason: Layer4 timeout'"),),
    )
    again = measured("claimed", SAID, "<= 1s", after="end of lost-n1", line="n1 is UP", on="gateway")
    assert (again.outcome, again.measured) == ("violated", 1.199)


def test_what_the_system_never_said_breaks_a_bound_that_was_looked_at_for_long_enough() -> None:
    found = measured("claimed", SAID, "<= 1s", after="lost-n1", line="n2 is DOWN", on="gateway")
    assert (found.outcome, found.measured, found.reason) == (
        "violated",
        None,
        "gateway said nothing of the kind within 45.0 s after lost-n1, when the recording ends",
    )


def test_what_was_said_for_the_last_time_before_the_end_of_the_fault_breaks_no_bound() -> None:
    early = SAID.but(logs={"gateway.node.log": stamped(34, "Server be/n1 is UP")})
    found = measured("claimed", early, "<= 1s", after="end of lost-n1", line="n1 is UP", on="gateway")
    assert (found.outcome, found.reason) == (
        "inconclusive",
        "gateway said so for the last time 1.00 s before end of lost-n1",
    )


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        (SAID.but(logs={}), "the record has no log of gateway"),
        (
            SAID.but(more=()),
            "the clock on the wall was never compared with ours, so lines of a log cannot be placed in time",
        ),
        (
            SAID.but(more=(LOOK, ClockSeen(at(0), "n2", 9_000_000_000, 1))),
            "the engine is on another machine, whose wall clock nobody compared with ours",
        ),
        (
            SAID.but(logs={"gateway.node.log": stamped(20, "x" * 999_990) * 2}),
            "the log of gateway was cut, and what it said at lost-n1 is lost",
        ),
        (SAID.but(fired=(), healed=()), "lost-n1 never came into force, so there is no instant to count from"),
    ],
)
def test_what_a_log_cannot_tell_is_said(story: Story, reason: str) -> None:
    found = measured("claimed", story, "<= 1s", after="lost-n1", line="DOWN", on="gateway")
    assert (found.outcome, found.measured, found.reason) == ("inconclusive", None, reason)


def test_a_wall_clock_that_moved_is_in_the_error() -> None:
    moved = SAID.but(more=(LOOK, ClockSeen(at(60), "wall", WALL_NS + 200_000_000, 0)))
    found = measured("claimed", moved, "<= 1s", after="lost-n1", line="DOWN", on="gateway")
    assert (found.outcome, found.error) == ("inconclusive", 0.211)


def test_lines_are_counted_from_the_warm_up_to_the_end_or_in_a_window() -> None:
    found = measured("log", SAID, "== 0", line="is DOWN")
    assert found == Finding(
        objective="it",
        outcome="violated",
        measured=1.0,
        error=None,
        bound="== 0",
        unit="lines",
        reason="1 line with 'is DOWN' in all",
        source="lines with 'is DOWN' in the logs of every node in all",
        details=(("first", "gateway at 15.900 s: Server be/n1 is DOWN, reason: Layer4 timeout"),),
    )
    assert measured("log", SAID, ">= 1", line="is UP", on="gateway", in_="recovery").outcome == "violated"
    assert measured("log", SAID, ">= 1", line="is UP", on="gateway", in_="faults").outcome == "held"
    assert measured("log", SAID, "== 0", line="panic").outcome == "held"


def test_a_line_near_an_end_of_the_window_decides_nothing() -> None:
    edge = SAID.but(logs={"gateway.node.log": stamped(9.995, "panic")})
    found = [measured("log", edge, "== 0", line="panic", on="gateway", in_=window) for window in ("warmup", "faults")]
    assert [(one.outcome, one.measured) for one in found] == [("inconclusive", 1.0), ("inconclusive", 0.0)]
    assert found[0].reason == "1 line with 'panic' in warmup: too near to its ends to tell"


def test_of_a_log_that_was_cut_nobody_knows_what_it_never_said() -> None:
    cut = SAID.but(logs={"n1.node.log": stamped(20, "x" * 999_990) * 2 + stamped(21, "panic")})
    found = {bound: measured("log", cut, bound, line="panic", on="n1").outcome for bound in ("== 0", ">= 1", "<= 3")}
    assert found == {"== 0": "violated", ">= 1": "held", "<= 3": "inconclusive"}


def test_every_node_s_log_must_be_there_unless_it_is_said_whose() -> None:
    only = SAID.but(logs={"gateway.node.log": GATEWAY})
    assert measured("log", only, "== 0", line="panic").reason == "the record has no log of n1"
    assert measured("log", only, "== 0", line="panic", on="gateway").outcome == "held"


def test_what_is_no_regular_expression_is_refused_where_it_is_written() -> None:
    with pytest.raises(ValueError, match=r"is '\(', which is no regular expression \(missing \), unterminated"):
        written("log", name="it", log="== 0", line="(")


def test_a_long_line_is_shown_shortened_and_a_line_without_a_stamp_is_not_counted() -> None:
    long = SAID.but(logs={"n1.node.log": "panic at once\n" + stamped(12, "panic " + "y" * 500)})
    found = measured("log", long, "== 0", line="panic", on="n1")
    assert (found.measured, len(found.details[0][1])) == (1.0, len("n1 at 12.000 s: ") + 162)
