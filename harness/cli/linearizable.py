"""``harness linearizable``: does one order of a history's operations explain every answer."""

from pathlib import Path

import click

from harness.cli import places
from harness.cli.sentences import sentences
from harness.consistency import reading
from harness.consistency.check import CONTESTED_MIN, STEPS_MAX, check
from harness.consistency.sentences import lines
from harness.errors import HELD, INCONCLUSIVE, VIOLATED

_CODES = {"yes": HELD, "no": VIOLATED, "unknown": INCONCLUSIVE}


@click.command()
@click.argument("history", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(min=1), default=STEPS_MAX, show_default=True, help="Then it gives up.")
@click.option(
    "--overlapping",
    type=click.IntRange(min=0),
    default=CONTESTED_MIN,
    show_default=True,
    help="Without so many writes that overlapped another operation, yes is not said.",
)
@sentences
def linearizable(history: Path, steps: int, overlapping: int) -> int:
    """Say whether one order explains every answer in HISTORY (JSON lines; see docs/linearizable.md).

    yes (exit code 0), no (1) with the key and the shortest failing prefix, or unknown (3).
    """
    read = reading.read(history, places.shown(history))
    result = check(read, steps, overlapping)
    for line in lines(result, read):
        click.echo(line)
    return _CODES[result.outcome]
