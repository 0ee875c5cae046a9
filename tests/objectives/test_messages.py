"""What became of messages: acknowledged ones that never came, and those that came after a later one."""

from collections.abc import Iterable
from dataclasses import replace

from harness.deliveries import Acknowledged, Came, Line, Readers, Sent, encode
from harness.objectives import Finding
from tests.objectives.test_words import written
from tests.recording.builder import Story, at

READERS = ("n1", "n2")


def message(number: int, sent_s: float, *, subject: str = "bus.s1", acknowledged: bool = True) -> list[Line]:
    sent: list[Line] = [Sent(number, subject, "n1", at(sent_s))]
    return [*sent, *([Acknowledged(number, at(sent_s + 0.01))] if acknowledged else [])]


def came(number: int, at_s: float, *readers: str) -> list[Line]:
    return [Came(number, reader, at(at_s)) for reader in readers or READERS]


def found(key: str, lines: Iterable[Line] | None, window: str = "all", bound: str = "== 0") -> Finding:
    history = None if lines is None else b"".join(map(encode, (Readers(READERS), *lines)))
    evidence = replace(Story().evidence(), histories={} if history is None else {"chat": history})
    return written(key, name="it", of="chat", in_=window, **{key: bound}).measure(evidence)


def outcome(key: str, *lines: Line, window: str = "all") -> tuple[str, float | None]:
    finding = found(key, lines, window)
    return finding.outcome, finding.measured


def test_what_came_to_every_reader_is_delivered_however_late_and_however_often() -> None:
    lines = [*message(1, 1), *message(2, 2), *came(1, 3), *came(2, 50), *came(2, 51, "n1")]
    assert found("undelivered", lines) == Finding(
        objective="it",
        outcome="held",
        measured=0.0,
        error=None,
        bound="== 0",
        unit="undelivered",
        reason="0 of 2 acknowledged messages never came to some reader",
        source="the history of chat: messages sent in all",
    )


def test_an_acknowledged_message_that_one_reader_lacks_is_undelivered() -> None:
    finding = found("undelivered", [*message(1, 1), *message(2, 2), *came(1, 3, "n1"), *came(2, 50)])
    assert (finding.outcome, finding.measured) == ("violated", 1.0)
    assert finding.details == (("never came to n2", "1"),)


def test_nothing_is_promised_of_a_message_that_nobody_acknowledged() -> None:
    lines = [*message(1, 1, acknowledged=False), *message(2, 2), *came(2, 3)]
    assert outcome("undelivered", *lines) == ("held", 0.0)
    finding = found("undelivered", message(1, 1, acknowledged=False))
    assert finding.outcome == "inconclusive"
    assert finding.reason == "no message of chat that was sent in it was acknowledged"


def test_one_that_was_acknowledged_in_the_last_second_may_have_been_on_its_way() -> None:
    fresh = [*message(1, 1), *came(1, 2), *message(2, 3)]
    assert outcome("undelivered", *fresh) == ("inconclusive", 1.0)
    assert outcome("undelivered", *fresh, *came(1, 5)) == ("violated", 1.0)


def test_a_window_is_that_of_the_sending() -> None:
    lines = [*message(1, 20), *message(2, 45), *came(2, 46), *came(1, 59, "n1")]
    assert outcome("undelivered", *lines, window="lost-n1") == ("violated", 1.0)
    assert outcome("undelivered", *lines, window="recovery") == ("held", 0.0)


def test_a_message_after_one_that_was_sent_when_it_was_acknowledged_is_in_another_order() -> None:
    lines = [*message(1, 1), *message(2, 2), *came(2, 3), *came(1, 4, "n1"), *came(1, 5, "n2")]
    finding = found("reordered", lines)
    assert (finding.outcome, finding.measured) == ("violated", 2.0)
    assert finding.reason == "2 of 4 times a message came after a later one of its subject"
    assert finding.details == (("too late at n1", "1"), ("too late at n2", "1"))


def test_of_two_that_were_on_their_way_at_once_either_may_come_first() -> None:
    lines = [*message(1, 1), *message(2, 1.005), *came(2, 3), *came(1, 4)]
    assert outcome("reordered", *lines) == ("held", 0.0)


def test_another_subject_and_once_more_are_not_another_order() -> None:
    other = [*message(1, 1), *message(2, 2, subject="bus.s2"), *came(2, 3), *came(1, 4)]
    again = [*message(1, 1), *message(2, 2), *came(1, 3), *came(2, 4), *came(1, 5)]
    assert [outcome("reordered", *lines) for lines in (other, again)] == [("held", 0.0)] * 2


def test_an_unacknowledged_one_may_come_at_any_time_but_is_later_than_what_was_acknowledged_before() -> None:
    early = [*message(1, 1, acknowledged=False), *message(2, 2), *came(2, 3), *came(1, 4)]
    late = [*message(1, 1), *message(2, 2, acknowledged=False), *came(2, 3), *came(1, 4)]
    assert [outcome("reordered", *lines) for lines in (early, late)] == [("held", 0.0), ("violated", 2.0)]


def test_where_nothing_came_there_is_no_order() -> None:
    assert outcome("reordered", *message(1, 1)) == ("inconclusive", None)


def test_without_such_a_history_nobody_can_tell() -> None:
    assert found("undelivered", None).reason == "chat kept no history: its client must be 'nats'"
    evidence = replace(Story().evidence(), histories={"chat": b'{"process":0}\n'})
    finding = written("reordered", name="it", of="chat", reordered="== 0").measure(evidence)
    assert finding.outcome == "inconclusive"
    assert finding.reason == "history/chat.jsonl: line 1 is not about a message: Object missing required field `is`"
