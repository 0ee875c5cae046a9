"""What Prometheus saw of the whole run, and how late it may have seen it."""

from harness.objectives.courses import UNSEEN, Course, course, unseen
from harness.recording.events import ClockSeen, Sampled
from harness.recording.evidence import Window
from tests.objectives.courses import looked, sampled
from tests.recording.builder import Story, at


def seen(*events: Sampled | ClockSeen) -> Course | str:
    return course(Story(more=events).evidence(), "up")


def test_a_change_is_seen_a_scrape_and_a_step_late_at_most_as_they_were_in_this_run() -> None:
    found = seen(sampled("up", (0, 1.0), (15.3, 0.0)), looked(0.4))
    assert isinstance(found, Course)
    assert (found.late_s, found.error_s) == (0.5, 0.0)
    assert list(found.spells()) == [(1.0, at(0), at(15.3)), (0.0, at(15.3), at(60))]


def test_a_wall_clock_that_moved_makes_it_as_much_less_sure() -> None:
    moved = [ClockSeen(at(0), "wall", 7_000_000, 0), ClockSeen(at(60), "wall", 27_000_000, 0)]
    found = seen(sampled("up", (0, 1.0)), looked(), *moved)
    assert isinstance(found, Course) and found.error_s == 0.02


def test_where_there_is_no_course_the_reason_is_told() -> None:
    refused = Sampled(at(61), "up", at(0), 0.1, (), "Prometheus refused the query: bad")
    assert [seen(), seen(refused, looked()), seen(sampled("up", (0, 1.0)))] == [
        "Prometheus was never asked for its course",
        "Prometheus had no course of it: Prometheus refused the query: bad",
        "nothing shows how often Prometheus looked",
    ]


def test_the_longest_time_without_a_look_is_found_with_its_end() -> None:
    hole = Sampled(at(61), UNSEEN, at(0), 0.1, (0.1, 0.2, 1.2, 1.3, 0.1))
    assert unseen(Story(more=(hole,)).evidence()) == (1.3, 0.3)
    assert unseen(Story().evidence()) is None


def test_holes_of_a_course_are_counted_in_its_window() -> None:
    found = seen(sampled("up", (0, 1.0), (20, None), (21, 1.0)), looked())
    assert isinstance(found, Course)
    assert found.known_s(Window(at(10), at(20.5))) == (10.0, 0.5)
