"""``harness list``: what there is of each kind, and every run that has a record, the newest first."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from harness.cli import places
from harness.errors import RecordingError
from harness.judge.verdict import Verdict, decode
from harness.loader import parse_file
from harness.recording import events
from harness.recording.folder import JOURNAL, VERDICT
from harness.report import catalogue, figures, listing, reference
from harness.report.listing import Entry
from harness.runner import alive
from harness.units import show_s

_SENTENCE = re.compile(r"(?<=[.!?])\s")


def _scenarios(_: Path) -> Iterator[Entry]:
    for name, file in places.scenarios().items():
        found = parse_file(file, places.shown(file)).scenario
        about = found.about if found else f"cannot be read; 'harness check {name}' says why"
        yield Entry((name, places.shown(file), _SENTENCE.split(about)[0]))


def _suites(_: Path) -> Iterator[Entry]:
    for name, file in places.suites().items():
        yield Entry((name, places.shown(file)))


def _clusters(_: Path) -> Iterator[Entry]:
    for name in places.clusters():
        file = places.compose_file(name, Path.cwd())
        yield Entry((name, places.shown(file) if file else ""))


def runs(folder: Path) -> Iterator[Entry]:
    """Every record below ``folder`` by its path there, with verdict, when it began, and how long it took."""
    records = {journal.parent for journal in folder.rglob(JOURNAL)}
    # A record's own name is the instant at which it began.
    for record in sorted(records, key=lambda path: (path.name, path), reverse=True):
        yield Entry((record.relative_to(folder).as_posix(), *_run(record)))


def _run(record: Path) -> tuple[str, ...]:
    try:
        began, took_s = _span(record)
        verdict = _verdict(record)
    except RecordingError as error:
        return "damaged", str(error)
    if verdict is None:
        return "still running" if alive.is_alive(record) else "not judged", began
    return figures.headword(verdict).lower(), began, show_s(took_s)


def _verdict(record: Path) -> Verdict | None:
    try:
        return decode((record / VERDICT).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{VERDICT} cannot be read ({error}): remove it, and judge the run again") from error


def _span(record: Path) -> tuple[str, float]:
    """When it began, UTC, and how long its journal goes on."""
    try:
        data = (record / JOURNAL).read_bytes()
    except OSError as error:
        raise RecordingError(f"{JOURNAL} cannot be read ({error.strerror})") from error
    lines = data[: data.rfind(b"\n") + 1].splitlines()
    if not lines:
        raise RecordingError(f"{JOURNAL} has no whole line")
    first, last = events.decode(lines[0], f"{JOURNAL}:1"), events.decode(lines[-1], f"{JOURNAL}:{len(lines)}")
    if not isinstance(first, events.Began):
        raise RecordingError(f"{JOURNAL}:1 does not say how the run began")
    return first.wall.removesuffix("+00:00").replace("T", " "), (last.at_ns - first.at_ns) / 1e9


_Source = Callable[[Path], Iterator[Entry]]
# What can be listed: where its entries come from, and one example for all of them.
LISTS: dict[str, tuple[_Source, str]] = {
    "faults": (lambda _: listing.faults(), "harness list faults partition   (the whole page of one)"),
    "objectives": (
        lambda _: listing.objectives(),
        "under 'objectives:' in a scenario file, as scenarios/partition.yaml",
    ),
    "clients": (lambda _: listing.clients(), "under 'traffic:' in a scenario file, as scenarios/partition.yaml"),
    "scenarios": (_scenarios, "harness run partition"),
    "suites": (_suites, "harness suite smoke"),
    "clusters": (_clusters, "'cluster: ollama' in a scenario file"),
    "runs": (runs, "harness judge latest"),
}


def _scenario_page() -> str:
    found = {name: parse_file(file, places.shown(file)).scenario for name, file in places.scenarios().items()}
    return reference.scenarios({name: scenario for name, scenario in found.items() if scenario is not None})


def _cluster_page() -> str:
    files = ((name, places.compose_file(name, Path.cwd())) for name in places.clusters())
    return reference.clusters(reference.ComposeText(name, file.read_text()) for name, file in files if file)


# What has a page of its own in docs/, as Markdown.
PAGES: dict[str, Callable[[], str]] = {
    "faults": catalogue.markdown,
    "objectives": reference.objectives,
    "clients": reference.clients,
    "scenarios": _scenario_page,
    "clusters": _cluster_page,
}


def text(what: str, folder: Path) -> str:
    """``folder``: where the records are."""
    source, example = LISTS[what]
    return listing.text(source(folder), example)
