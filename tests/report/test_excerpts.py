from dataclasses import replace

from harness.recording.events import ClockSeen
from harness.recording.evidence import Evidence
from harness.report import excerpts
from tests.report.recordings import logs, recording


def test_excerpts_are_the_lines_around_a_faults_beginning_and_end_and_the_last() -> None:
    gateway, *_ = excerpts.logs(logs(), recording())
    assert (gateway.name, gateway.lines) == ("gateway", 62)
    assert [(excerpt.title, len(excerpt.text.splitlines())) for excerpt in gateway.excerpts] == [
        ("from 1 s before to 4 s after lost-n1 was in force at 15.0 s", 6),
        ("from 1 s before to 4 s after lost-n1 was healed at 35.0 s", 6),
        ("the last lines (22 more lines in the record)", 40),
    ]
    assert gateway.excerpts[0].text.splitlines() == [
        "   15.000 s  127.0.0.1 be/n2 200 12ms",
        "   15.600 s  Server be/n1 is DOWN, reason: Layer4 timeout, 2 active servers left",
        *(f"   {second}.000 s  127.0.0.1 be/n2 200 12ms" for second in (16, 17, 18, 19)),
    ]


def test_a_long_line_is_cut_and_its_control_characters_are_shown_as_such() -> None:
    (log,) = excerpts.logs({"n1": f"\x1b[31m{'x' * 500}\n"}, recording())
    assert log.excerpts == (excerpts.Excerpt("the last lines", f"�[31m{'x' * 395} …"),)


def test_without_a_look_at_the_wall_clock_the_runs_first_line_says_when_it_was() -> None:
    blind = replace(recording(), events=tuple(e for e in recording().events if not isinstance(e, ClockSeen)))
    assert excerpts.logs(logs(), blind) == excerpts.logs(logs(), recording())


def test_a_record_without_any_time_still_shows_the_last_lines() -> None:
    (log, *_) = excerpts.logs(logs(), Evidence((), {}, ()))
    assert [excerpt.title for excerpt in log.excerpts] == ["the last lines (22 more lines in the record)"]
    assert log.excerpts[0].text.splitlines()[-1] == "2026-11-21T09:31:20.000000000Z 127.0.0.1 be/n2 200 12ms"
