"""``run --repeat``, ``run --save-baseline`` and ``compare``: several runs, and what may be said of them."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import msgspec

from harness.cli import places, results
from harness.cli.baselines import BASELINES
from harness.cli.baselines import file_of as baseline_file
from harness.cli.bound import Overrides, draft
from harness.cli.experiment import Identity, Result
from harness.cli.sentences import sentences
from harness.errors import NO_VERDICT, HarnessError, Problem, RecordingError, ScenarioError
from harness.repeat import RUNS_MAX, Repeat
from harness.report import series as shown
from harness.report import series_markdown
from harness.report.console import console
from harness.series import compare as comparing
from harness.series import conclude, gather, record
from harness.series import sample as samples
from harness.series.record import Ended, Played, Series, seed_of
from harness.series.sequential import decide
from harness.units import share, show_share


@dataclass(frozen=True, slots=True)
class Several:
    """A series that is to be played. ``name``: of the scenario in records; ``seed``: what those of its runs follow."""

    name: str
    seed: int
    repeat: Repeat


REPEAT = click.option(
    "--repeat",
    type=click.IntRange(1, RUNS_MAX),
    default=None,
    metavar="N",
    help="Play it N times, one after the other; default: what its 'repeat:' says, and once if --seed names a run.",
)
SAVE_BASELINE = click.option(
    "--save-baseline", metavar="NAME|FILE", default=None, help=f"Keep the figures: {BASELINES}/NAME.json, or FILE.json."
)

BASELINE = click.option(
    "--baseline", metavar="NAME|FILE", default=None, help="What '<= 1.2 x baseline' is a multiple of; see the next."
)


def wanted(name: str, count: int | None, seed: int | None, *, keep: bool) -> Several | None:
    """The series that the command line or the scenario asks for; None: one run. ``ScenarioError``: it cannot be."""
    asked = draft(name)
    scenario = asked.draft.scenario
    if scenario is None or count == 1:
        return None  # what is wrong with the file, ``run`` says
    declared = scenario.repeat
    if count is None:
        repeat = declared if seed is None else None
    else:
        repeat = Repeat(runs=count) if declared is None else replace(declared, runs=count)
    if repeat is None:
        return None
    if problems := [Problem("--repeat", 0, f"'{key}' {text}") for key, text in repeat.check()]:
        raise ScenarioError(problems)
    if keep:
        raise click.UsageError("--keep leaves a cluster up where the next run needs its place: add --repeat 1")
    return Several(asked.name, asked.draft.seed if seed is None else seed, repeat)


def play(
    several: Several,
    once: Callable[[Overrides], Result],
    overrides: Overrides,
    runs: Path,
    *,
    as_json: bool,
    baseline: str | None,
) -> int:
    """Play the runs one after the other, and say what they come to. What was played stands, however it ends."""
    identity = Identity.new(several.name, runs)
    folder = identity.folder.with_name(f"series-{identity.folder.name}")
    series = Series(
        schema=record.SCHEMA,
        series=f"{several.name}/{folder.name}",
        scenario=several.name,
        seed=several.seed,
        declared=record.Declared.of(several.repeat),
        ended="playing",
        why="",
        played=(),
    )
    for played in _playing(series, several.repeat, once, overrides, as_json=as_json):
        series = played
        record.write(folder, series)
    done = _concluded(series, several.repeat, folder)
    record.write(folder, done)
    results.write(folder, results.SUMMARY, series_markdown.series(done).encode())
    results.announce(folder, lambda text: click.echo(text, err=True))
    if as_json:
        sys.stdout.buffer.write((folder / record.SERIES).read_bytes())
    else:
        shown.render(done, places.shown(folder / record.SERIES), console(sys.stdout))
    if baseline is not None:
        save(baseline, folder)
    return done.concluded.exit_code if done.concluded else NO_VERDICT


def _playing(
    series: Series, repeat: Repeat, once: Callable[[Overrides], Result], overrides: Overrides, *, as_json: bool
) -> Iterator[Series]:
    """The series after each of its runs; the last says how it ended."""
    ended: Ended = "finished"
    for number in range(1, repeat.runs + 1):
        try:
            done = once(replace(overrides, seed=seed_of(series.seed, number)))
        except (HarnessError, KeyboardInterrupt) as error:
            if not series.played:
                raise  # there is nothing that could stand
            ended = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
            yield msgspec.structs.replace(series, ended=ended, why=str(error))
            return
        series = msgspec.structs.replace(series, played=(*series.played, _played(done)))
        click.echo(shown.played(number, repeat.runs, series.played[-1]), err=as_json)
        if done.interrupted:
            ended = "interrupted"
        elif repeat.test and number < repeat.runs and decide(conclude.decisions(series.played), repeat.test):
            ended = "decided"
        if ended != "finished":
            break
        yield series
    yield msgspec.structs.replace(series, ended=ended)


def _played(done: Result) -> Played:
    verdict = done.verdict
    return Played(
        run=verdict.run,
        seed=verdict.seed,
        outcome=verdict.outcome,
        exit_code=verdict.exit_code,
        took_s=round(done.took_s, 3),
        sentence=verdict.sentence,
    )


def _concluded(series: Series, repeat: Repeat, folder: Path) -> Series:
    return msgspec.structs.replace(
        series,
        concluded=conclude.conclude(repeat, series.played, series.ended, series.why),
        figures=conclude.figures(gather.gather(folder), repeat.confidence),
    )


def save(word: str, folder: Path) -> None:
    """The figures of a run or a series as a baseline."""
    sample = gather.gather(folder)
    file = baseline_file(word)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(samples.encode(sample))
    except OSError as error:
        raise RecordingError(f"{file} cannot be written: {error.strerror}.") from error
    click.echo(f"saved   {places.shown(file)} ({_runs(sample)}); compare with: harness compare {word} RUNS", err=True)


def _sample(word: str, runs: Path) -> samples.Sample:
    """A run, a folder of runs, a series or a baseline, by its path or its name."""
    for path in (Path(word), runs / word, baseline_file(word)):
        if gather.there(path):
            return gather.gather(path)
    raise RecordingError(
        f"{word}: there is no run, folder of runs, series or baseline there, nor under {runs} or {BASELINES}."
    )


def _share(_: click.Context, __: click.Parameter, value: str) -> float:
    try:
        found = share(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if not 0 < found < 1:
        raise click.BadParameter(f"is {show_share(found)}: write more than 0% and less than 100%")
    return found


@click.command("compare")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--threshold", default="20%", show_default=True, callback=_share, help="What is still the same.")
@click.option("--confidence", default="95%", show_default=True, callback=_share, help="Of all answers together.")
@click.option("--anyway", is_flag=True, help="Also if the two are not of the same scenario.")
@click.option("--json", "as_json", is_flag=True, help="The comparison as JSON on standard output.")
@click.option("--markdown", is_flag=True, help="The same, for the summary of a CI job.")
@click.option("--runs", type=click.Path(path_type=Path), default=None, help="Folder of the records [runs].")
@sentences
def command(
    before: str,
    after: str,
    threshold: float,
    confidence: float,
    anyway: bool,
    as_json: bool,
    markdown: bool,
    runs: Path | None,
) -> int:
    """What became better, stayed the same or became worse from A to B: runs, folders of runs, series or baselines.

    Only the objectives' figures count, and only the run is a unit. Exit codes: 0 nothing became worse, 1 something
    did, 3 something cannot be told.
    """
    first, second = (_sample(word, runs or places.runs()) for word in (before, after))
    if (why := comparing.refusal(first, second)) and not anyway:
        raise click.UsageError(f"{why}; add --anyway if that is meant")
    names = tuple(_named(word, sample) for word, sample in ((before, first), (after, second)))
    compared = comparing.compare(first, second, threshold, confidence, (names[0], names[1]))
    if why:
        compared = msgspec.structs.replace(compared, differences=(why, *compared.differences))
    if as_json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(compared), indent=2) + b"\n")
    elif markdown:
        click.echo(series_markdown.comparison(compared), nl=False)
    else:
        shown.render_comparison(compared, console(sys.stdout))
    return compared.exit_code


def _named(word: str, sample: samples.Sample) -> str:
    return f"{word} ({_runs(sample)})"


def _runs(sample: samples.Sample) -> str:
    count = len(sample.runs)
    return f"{count} run{'' if count == 1 else 's'} of {sample.scenario}"
