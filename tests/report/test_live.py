import io
from collections.abc import Sequence

from rich.console import Console

from harness.recording.status import FaultStatus, Status, TrafficStatus
from harness.report.live import Live, PlainLive, TerminalLive, live, picture

PHASES = (("warmup", 10.0), ("faults", 30.0), ("recovery", 20.0))
CHAT = TrafficStatus("chat", 50.0, 49.7, 0.031, 7, (("timed-out", 5), ("server-error", 2)), 0)
LOST = FaultStatus("lost-n1", "n1 cut off from everyone (drop)", 12.4, "412 packets dropped", True)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "nobody reads")


def status(elapsed_s: float, faults: Sequence[FaultStatus] = ()) -> Status:
    return Status(elapsed_s, PHASES, (CHAT,), tuple(faults))


def play(view: Live) -> None:
    view.title("partition", "ollama", 3, 7, "partition/2026-k3f")
    view.say("engine  docker 20.10.24")
    for half_s in range(121):
        at_s = half_s / 2
        view.status(status(at_s, [LOST] if 15 <= at_s < 35 else []))
    view.close()
    view.close()


def drawn(now: Status, columns: int) -> list[str]:
    console = Console(file=io.StringIO(), width=columns, color_system=None)
    with console.capture() as captured:
        console.print(picture(now, columns))
    return [line.rstrip() for line in captured.get().splitlines()]


def test_without_a_terminal_there_is_a_line_every_5_s_and_at_every_change() -> None:
    stream = io.StringIO()
    play(live(stream))
    chat = "chat: 50/s sent · 49.7/s ok · p99 31 ms · failed 7 (timed-out 5, server-error 2) · wrong 0"
    lost = "lost-n1: in force 12.4 s · 412 packets dropped · others unharmed"
    assert stream.getvalue().splitlines() == [
        "partition · ollama · 3 nodes · seed 7 · run partition/2026-k3f",
        "engine  docker 20.10.24",
        f"   0.0 s  warm-up, 60 s left | {chat}",
        f"   5.0 s  warm-up, 55 s left | {chat}",
        f"  10.0 s  faults, 50 s left | {chat}",
        "  15.0 s  lost-n1 is in force (n1 cut off from everyone (drop))",
        f"  15.0 s  faults, 45 s left | {lost} | {chat}",
        *(f"  {at_s}.0 s  faults, {60 - at_s} s left | {lost} | {chat}" for at_s in (20, 25, 30)),
        "  35.0 s  lost-n1 is no longer in force",
        f"  35.0 s  faults, 25 s left | {chat}",
        *(f"  {at_s}.0 s  recovery, {60 - at_s} s left | {chat}" for at_s in (40, 45, 50, 55)),
        f"  60.0 s  waiting for the last answers, 0 s left | {chat}",
    ]


def test_plain_is_plain_on_a_terminal_too() -> None:
    assert isinstance(live(Terminal()), TerminalLive)
    assert isinstance(live(Terminal(), plain=True), PlainLive)


def test_the_picture_shows_phases_time_left_faults_and_traffic() -> None:
    assert drawn(status(27.4, [LOST]), 120) == [
        "",
        f"warm-up {'█' * 13}  faults {'█' * 23}{'░' * 17}  recovery {'░' * 26}  33 s left",
        "lost-n1  n1 cut off from everyone (drop) · in force 12.4 s · 412 packets dropped · others unharmed",
        "chat     50/s sent · 49.7/s ok · p99 31 ms · failed 7 (timed-out 5, server-error 2) · wrong 0",
    ]


def test_the_picture_has_room_at_80_columns() -> None:
    assert drawn(status(61.0), 80) == [
        "",
        "warm-up ███  faults ███████████  recovery ███████  waiting for the last answers",
        "faults  none in force",
        "chat    50/s sent · 49.7/s ok · p99 31 ms · failed 7 (timed-out 5, server-error",
        "        2) · wrong 0",
    ]


def test_a_link_that_changed_though_no_fault_names_it_is_shouted() -> None:
    harmed = FaultStatus("slow", "200 ms on gateway -> n1", 1.0, "0 bytes", False)
    assert drawn(status(16.0, [harmed]), 120)[2].endswith("OTHER LINKS CHANGED TOO")


def test_a_terminal_keeps_its_cursor_and_its_last_picture() -> None:
    stream = Terminal()
    play(TerminalLive(Console(file=stream, force_terminal=True, width=120, color_system=None)))
    shown = stream.getvalue()
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
    assert "waiting for the last answers" in shown


def test_onlookers_who_left_do_not_end_a_run() -> None:
    play(PlainLive(Gone()))
    play(live(Gone()))
    gone = Gone()
    gone.isatty = lambda: True  # type: ignore[method-assign]  # a terminal that was closed
    play(live(gone))


def test_what_is_said_cannot_move_the_cursor() -> None:
    stream = io.StringIO()
    PlainLive(stream).say("ready\x1b[2J\nagain")
    assert stream.getvalue() == "ready�[2J again\n"
