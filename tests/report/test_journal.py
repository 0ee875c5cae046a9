from dataclasses import replace

from harness.recording.events import AnyEvent, Ran, Trouble
from harness.report.journal import LINES_MAX, journal
from tests.report.recordings import at, recording


def lines(*more: AnyEvent) -> list[str]:
    told = recording()
    return journal(replace(told, events=(*told.events, *more))).splitlines()


def test_every_event_is_a_line_on_the_runs_own_axis_and_readings_are_not() -> None:
    found = lines()
    assert found[1:3] == [
        "   -1.000 s  Ready took_s=4.1",
        "    0.000 s  PhaseBegan phase=warmup planned_ns=5000000000000",
    ]
    assert found[0].startswith("   -9.000 s  Began schema=1 run=partition/2026-11-21T09-30-12-k3f project=ch-k3f")
    assert found[-1] == "   67.000 s  Ended how=finished"
    assert not [line for line in found if "ClockSeen" in line]


def test_a_long_event_and_a_long_journal_are_cut_and_say_so() -> None:
    ran = Ran(at(70), "n1", "touch", ("true",), 0, 0.1, "x" * 9999)
    assert len(lines(ran)[-1]) < 330 and lines(ran)[-1].endswith(" …")
    whole = len(lines())
    found = lines(*(Trouble(at(80 + n), "other", f"trouble {n}") for n in range(1000)))
    assert len(found) == LINES_MAX + 1
    assert found[LINES_MAX // 2].strip() == f"…  {whole + 1000 - LINES_MAX} more lines in the record"
    assert found[-1].endswith("text=trouble 999")


def test_an_event_stays_on_its_line_whatever_it_carries() -> None:
    (last,) = lines(Trouble(at(80), "other", "one\n   81.000 s  Ended how=finished\x1b[2J"))[len(lines()) :]
    assert last == "   80.000 s  Trouble kind=other text=one 81.000 s Ended how=finished�[2J"
