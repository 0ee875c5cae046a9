"""What is seen while a run runs, on the stream for progress: a terminal gets a picture, a log file plain lines."""

from contextlib import suppress
from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live as RichLive
from rich.table import Table
from rich.text import Text

from harness.recording.status import FaultStatus, Status, TrafficStatus
from harness.report import figures
from harness.report.console import console
from harness.units import show_s

LINE_EVERY_S = 5.0
_BAR_COLUMNS_MIN = 3


class Live(Protocol):
    """What a runner tells its onlookers. One thread calls it; a stream that is gone (terminal closed, pipe
    broken) raises nothing, for progress is not worth a run.
    """

    def title(self, scenario: str, cluster: str, nodes: int, seed: int, run: str) -> None:
        """Once, first: what runs."""

    def say(self, text: str) -> None:
        """One line of progress: engine, images, ready."""

    def status(self, status: Status) -> None:
        """About twice a second from warm-up to end."""

    def close(self) -> None:
        """Give the terminal back; may be called twice."""


def live(stream: TextIO, plain: bool = False) -> Live:
    """The view for ``stream`` (standard error: standard output is for the result). ``plain``: as if no terminal."""
    out = console(stream, plain=plain)
    return TerminalLive(out) if out.is_terminal and not out.is_dumb_terminal else PlainLive(stream)


def _one_line(text: str) -> str:
    """Clean and on one line, with its columns as the runner aligned them."""
    return " ".join(figures.clean(text).splitlines())


def _title(scenario: str, cluster: str, nodes: int, seed: int) -> str:
    return f"{scenario} · {cluster} · {nodes} nodes · seed {seed}"


def _position(status: Status) -> str:
    """The name of the phase that runs now; ``the last answers`` after the last one."""
    end_s = 0.0
    for name, length_s in status.phases:
        end_s += length_s
        if status.elapsed_s < end_s:
            return figures.phase(name)
    return "waiting for the last answers"


def _left_s(status: Status) -> float:
    return max(0.0, sum(length_s for _, length_s in status.phases) - status.elapsed_s)


def _fault(fault: FaultStatus) -> str:
    unharmed = {True: "others unharmed", False: "OTHER LINKS CHANGED TOO", None: ""}[fault.unharmed]
    return " · ".join(filter(None, (f"in force {fault.since_s:.1f} s", figures.line(fault.met), unharmed)))


def _traffic(traffic: TrafficStatus) -> str:
    p99 = "" if traffic.p99_s is None else f" · p99 {show_s(traffic.p99_s)}"
    sent, ok = figures.rate(traffic.sent_per_s), figures.rate(traffic.ok_per_s)
    failed = f"failed {traffic.failed:,}{figures.failures(traffic.failures)}"
    return f"{sent} sent · {ok} ok{p99} · {failed} · wrong {traffic.wrong:,}"


class PlainLive:
    """Lines: what is said, and how it stands every 5 s and whenever a phase or a fault begins or ends."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._said_s = float("-inf")
        self._phase = ""
        self._faults: tuple[str, ...] = ()

    def title(self, scenario: str, cluster: str, nodes: int, seed: int, run: str) -> None:
        self.say(f"{_title(scenario, cluster, nodes, seed)} · run {run}")

    def say(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(f"{_one_line(text)}\n")
            self._stream.flush()

    def status(self, status: Status) -> None:
        phase, faults = _position(status), tuple(fault.name for fault in status.faults)
        changed = phase != self._phase or faults != self._faults
        if not changed and status.elapsed_s - self._said_s < LINE_EVERY_S:
            return
        news = [f"{fault.name} is in force ({fault.what})" for fault in status.faults if fault.name not in self._faults]
        news += [f"{name} is no longer in force" for name in self._faults if name not in faults]
        self._said_s, self._phase, self._faults = status.elapsed_s, phase, faults
        for text in news:
            self.say(f"{status.elapsed_s:6.1f} s  {text}")
        parts = [f"{phase}, {_left_s(status):.0f} s left"]
        parts += [f"{fault.name}: {_fault(fault)}" for fault in status.faults]
        parts += [f"{traffic.name}: {_traffic(traffic)}" for traffic in status.traffic]
        self.say(f"{status.elapsed_s:6.1f} s  {' | '.join(parts)}")

    def close(self) -> None:
        """Nothing is held."""


class TerminalLive:
    """Lines that stay, and below them a picture of this moment: phases, faults in force, traffic."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._picture: RichLive | None = None

    def title(self, scenario: str, cluster: str, nodes: int, seed: int, run: str) -> None:
        left, right = _title(scenario, cluster, nodes, seed), f"run {run}"
        gap = self._console.width - len(left) - len(right)
        between = " " * gap if gap >= 2 else "\n"
        self._print(Text.assemble((left, "bold"), between, (right, "dim")))

    def say(self, text: str) -> None:
        self._print(Text(_one_line(text)))

    def status(self, status: Status) -> None:
        with suppress(OSError):
            if self._picture is None:
                self._picture = RichLive(
                    console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
                )
                self._picture.start()
                # A run may be SIGKILLed; a terminal without a cursor would be what it leaves behind.
                self._console.show_cursor(True)
            self._picture.update(picture(status, self._console.width), refresh=True)

    def close(self) -> None:
        if self._picture is not None:
            with suppress(OSError):
                self._picture.stop()
            self._picture = None

    def _print(self, text: Text) -> None:
        with suppress(OSError):
            self._console.print(text)


def picture(status: Status, columns: int) -> Group:
    """This moment, ``columns`` wide: the phases as bars, then a row for each fault in force and each traffic."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(no_wrap=True)
    rows.add_column()
    for fault in status.faults:
        style = "bold red" if fault.unharmed is False else "yellow"
        rows.add_row(Text(fault.name, style), Text(f"{figures.line(fault.what)} · {_fault(fault)}"))
    if not status.faults:
        rows.add_row(Text("faults", "dim"), Text("none in force", "dim"))
    for traffic in status.traffic:
        style = "bold red" if traffic.wrong else "bold"
        rows.add_row(Text(traffic.name, style), Text(_traffic(traffic)))
    return Group(Text(), _bars(status, columns), rows)


def _bars(status: Status, columns: int) -> Text:
    left_s = _left_s(status)
    left = f"{left_s:.0f} s left" if left_s else _position(status)
    names = [figures.phase(name) for name, _ in status.phases]
    room = columns - sum(len(name) + 3 for name in names) - max(len(left), 10)
    total_s = sum(length_s for _, length_s in status.phases) or 1.0
    text, start_s = Text(no_wrap=True, overflow="crop"), 0.0
    for name, (_, length_s) in zip(names, status.phases, strict=True):
        width = max(_BAR_COLUMNS_MIN, int(room * length_s / total_s))
        share = (status.elapsed_s - start_s) / length_s if length_s else 1.0
        done = min(width, max(0, round(width * share)))
        text.append(f"{name} ", "bold" if 0 <= share < 1 else "dim")
        text.append("█" * done, "green").append("░" * (width - done), "dim").append("  ")
        start_s += length_s
    return text.append(left)
