"""docs/objectives.md, clients.md, scenarios.md and clusters.md: read from classes and files, never by hand. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.objectives import OBJECTIVES, Objective
from harness.report import catalogue, listing
from harness.report.catalogue import Row
from harness.report.listing import Entry
from harness.scenario import Scenario
from harness.traffic import CLIENTS, Traffic

_CODE = re.compile(r"``(.+?)``", re.DOTALL)
_WRITTEN = "<!-- Written by `make docs` from {source}: change those, not this file. -->"
_OBJECTIVES = """\
# Objectives

What can be asked of a run, under `objectives:` in a scenario: one bound on one measured figure in one window. Each
comes to *held*, *violated* or *inconclusive*, with its figure, the error of that figure, and where it came from. A
bound is held or violated only if the whole interval *figure ± error* says so.

A bound may also be a multiple of the same figure elsewhere: `<= 1.2 x warmup` (another window of the same run) or
`<= 1.2 x baseline` (what was saved with `--save-baseline`)."""
_CLIENTS = """\
# Clients

Who puts the load on, under `traffic:` in a scenario. Every operation is recorded whole: due, sent, done, outcome,
bytes, and the node that answered where the answer says so. Operations fall due by `rate:` or a `shape:` (an open loop,
in which a stall hides nothing), or are asked by `users:` who wait for their answers (a closed loop)."""
_SCENARIOS = """\
# Scenarios

Every scenario that is shipped: `make chaos SCENARIO=name`. Why the bounds are what they are stands in the files."""
_CLUSTERS = """\
# Clusters

Every compose file that is shipped: `cluster: name` in a scenario. A variable is set by `with: {NAME: value}`."""
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(?::?-([^}]*))?\}")


def objectives() -> str:
    """docs/objectives.md, whole."""
    return _classes(_OBJECTIVES, "the classes in harness/objectives", OBJECTIVES, listing.objectives(), Objective)


def clients() -> str:
    """docs/clients.md, whole."""
    return _classes(_CLIENTS, "the classes in harness/traffic", CLIENTS, listing.clients(), Traffic)


def _classes(intro: str, source: str, kinds: Mapping[str, type], entries: Iterable[Entry], common: type) -> str:
    """One chapter for each class; the words that all have stand once, in front."""
    shared = tuple(catalogue.rows_of(common))
    examples = {entry.cells[0]: entry.example for entry in entries}
    about = {name: getattr(kind, "about", "") for name, kind in kinds.items()}
    lines = [_WRITTEN.format(source=source), intro, "", "| name | what it is |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {said} |" for name, said in about.items()]
    lines += ["", "All of them have these words:", "", *catalogue.table(shared)]
    keys = {row.key for row in shared}
    for name, kind in kinds.items():
        own = tuple(row for row in catalogue.rows_of(kind) if row.key not in keys)
        lines += [f"## {name}", "", f"{about[name][0].upper()}{about[name][1:]}.", ""]
        lines += ["```yaml", examples[name], "```", "", *_told(kind), *_own(own)]
    return "\n".join(lines).rstrip() + "\n"


def _told(kind: type) -> Iterator[str]:
    """What the class says of itself; a dataclass without a word of its own says only its fields."""
    said = vars(kind).get("__doc__") or ""
    if said and not said.startswith(f"{kind.__name__}("):
        paragraphs = (" ".join(part.split()) for part in said.split("\n\n"))
        for paragraph in paragraphs:
            yield from (_CODE.sub(r"`\1`", paragraph), "")


def _own(rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        yield from catalogue.table(rows)


# --- what is read from files ------------------------------------------------------------------------------------------


def scenarios(known: Mapping[str, Scenario]) -> str:
    """docs/scenarios.md, whole; by name, as ``harness run`` takes it."""
    lines = [_WRITTEN.format(source="the files in scenarios/"), _SCENARIOS, ""]
    lines += ["| scenario | cluster | what happens | what is asked |", "|---|---|---|---|"]
    for name, one in known.items():
        about = " ".join(one.about.split()).replace("|", "\\|")
        asked = ", ".join(f"`{objective.name}`" for objective in one.objectives)
        expected = f" (must be violated: {', '.join(f'`{name}`' for name in one.expected)})" if one.expected else ""
        lines.append(f"| [`{name}`](../scenarios/{name}.yaml) | `{one.cluster}` | {about} | {asked}{expected} |")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class ComposeText:
    """A shipped compose file: its name without the suffix, and its text."""

    name: str
    text: str

    @property
    def about(self) -> str:
        """The comment at its top."""
        lines = self.text.splitlines()
        top = lines[: next((i for i, line in enumerate(lines) if not line.startswith("#")), len(lines))]
        return " ".join(line.lstrip("# ") for line in top).strip()

    @property
    def variables(self) -> dict[str, str]:
        """What ``with:`` can set -> what holds without it; "": it must be given, or is empty."""
        found: dict[str, str] = {}
        for name, default in _VARIABLE.findall(self.text):
            found.setdefault(name, default)
        return found


def clusters(files: Iterable[ComposeText]) -> str:
    """docs/clusters.md, whole."""
    lines = [_WRITTEN.format(source="the files in compose/"), _CLUSTERS, ""]
    for file in files:
        lines += [f"## {file.name}", "", f"{file.about} ([the file](../compose/{file.name}.yaml))", ""]
        if file.variables:
            lines += ["| variable | without it |", "|---|---|"]
            lines += [f"| `{key}` | {f'`{value}`' if value else 'empty'} |" for key, value in file.variables.items()]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"
