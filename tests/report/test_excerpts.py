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
        "   15.000 s  10.0.0.9 be/n2 200 12ms",
        "   15.600 s  Server be/n1 is DOWN, reason: Layer4 timeout, 2 active servers left",
        *(f"   {second}.000 s  10.0.0.9 be/n2 200 12ms" for second in (16, 17, 18, 19)),
    ]


def test_a_long_line_is_cut_and_its_control_characters_are_shown_as_such() -> None:
    (log,) = excerpts.logs({"n1": f"\x1b[31m{'x' * 500}\n"}, recording())
    assert log.excerpts == (excerpts.Excerpt("the last lines", f"�[31m{'x' * 395} …"),)
