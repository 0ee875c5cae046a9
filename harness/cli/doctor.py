"""``harness doctor``: what is there, what works, and what follows for which fault."""

import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from harness.cli import places
from harness.drivers.doctor import Examination, Trial, examine
from harness.drivers.images import Images
from harness.drivers.provision import Say
from harness.errors import HELD, NO_VERDICT
from harness.report.console import console
from harness.report.terminal import COLUMNS_MAX, Row, table
from harness.runner import alive
from harness.weave.pods import Labels


def doctor(say: Say) -> int:
    """Print what was found; 0 if all works that today's faults need, else 4. ``say``: progress, a line at a time."""
    names = [file.parent.name for file in places.dockerfiles().glob("*/Dockerfile")]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is removed
    with tempfile.TemporaryDirectory(prefix="chaos-harness-doctor-") as name:
        # Held like a run's: `heal` leaves the throw-away sidecar alone while we live, and removes it if we die.
        lock = alive.hold(Path(name))
        try:
            labels = Labels(f"chaos-doctor-{secrets.token_hex(3)}", name)
            found = examine(Images(places.dockerfiles(), places.PACKAGE, say), names, labels, say)
        finally:
            alive.release(lock)
    out = console(sys.stdout)
    for line in render(found, min(out.width, COLUMNS_MAX)):
        out.print(line, soft_wrap=True)
    return HELD if found.well else NO_VERDICT


def render(found: Examination, columns: int) -> Iterator[Text]:
    """Lines for a person; pure."""
    width = max((len(name) for name, _ in found.facts), default=0)
    for name, value in found.facts:
        yield Text.assemble((f"{name:<{width}}  ", "dim"), value)
    if found.trials:
        yield Text()
        header = ("mechanism", "what was seen", "what follows", "outcome")
        yield from table(header, [_row(trial) for trial in found.trials], columns, shrinks=1)
    yield Text()
    yield _conclusion(found)


def _row(trial: Trial) -> Row:
    colour = "green" if trial.outcome == "ok" else "red" if not trial.well else "yellow"
    note = "" if trial.outcome == "ok" else trial.mechanism.remedy
    return Row((trial.mechanism.title, trial.seen, trial.follows, trial.outcome), colour, note)


def _conclusion(found: Examination) -> Text:
    if found.problem:
        return Text(found.problem, "bold red")
    bad = [trial for trial in found.trials if not trial.well]
    if not bad:
        return Text("Everything that today's faults need works here.", "bold green")
    todo = "; ".join(f"{trial.mechanism.title}: {trial.mechanism.remedy}" for trial in bad)
    return Text(f"Some of today's faults cannot be injected here. {todo}.", "bold red")
