"""From a name to a scenario on its cluster: every problem of the file and of the cluster at once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from harness.cli import environment, ollama, places
from harness.cluster import Cluster
from harness.drivers import compose
from harness.errors import ClusterError, Problem, ScenarioError
from harness.loader import Draft, bind, parse_file
from harness.scenario import Scenario
from harness.weave.weave import describe

Pairs = tuple[tuple[str, str], ...]
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Bound:
    """``config``: the compose file as its plugin resolves it; ``text`` the scenario file, for the record.

    ``files``: the user's own that it names, and their texts. ``port``: of what runs already and stands for the cluster.
    """

    name: str
    text: bytes
    scenario: Scenario
    cluster: Cluster
    config: str
    compose_file: Path
    files: Pairs = ()
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line sets: it goes before the scenario, the scenario before the environment.

    ``baseline``: a name, or a file.
    """

    seed: int | None = None
    variables: Pairs = ()
    baseline: str | None = None


@dataclass(frozen=True, slots=True)
class Drafted:
    """A scenario by its name in records, its file, and what could be read of it."""

    name: str
    file: Path
    draft: Draft


def draft(name: str) -> Drafted:
    """By name or path; ``broken/NAME`` is the twin that NAME declares, unless there is a file of that name."""
    base = name.removeprefix(places.TWINS)
    if base == name or name in places.scenarios():
        file = places.scenario(name)
        return Drafted(places.name_of(file), file, parse_file(file, places.shown(file)))
    file = places.scenario(base)
    drafted = parse_file(file, places.shown(file))
    if drafted.scenario is not None and drafted.scenario.twin is None:
        example = 'twin: {with: {CHECKS: "off"}, violated: [answers]}'
        raise ScenarioError([drafted.problem("", f"it declares no broken twin; add one, such as '{example}'")])
    return Drafted(f"{places.TWINS}{places.name_of(file)}", file, drafted.as_twin())


def load(name: str, overrides: Overrides) -> Bound:
    """Raises ``ScenarioError`` with all problems; ``ClusterError`` where the compose file itself cannot be read."""
    asked = draft(name)
    file, drafted = asked.file, ollama.modelled(asked.draft)
    if drafted.cluster is None:
        raise ScenarioError(drafted.problems)
    if (port := ollama.visited(drafted.cluster)) is not None:
        return _visiting(replace(asked, draft=drafted), overrides, port)
    own = ollama.needs_files(drafted.cluster)
    found = places.compose_file(ollama.WITH_MODEL if own else drafted.cluster, file.resolve().parent)
    if found is None:
        known = ", ".join(places.clusters()) or "none"
        text = f"'cluster' is '{drafted.cluster}': there is no compose/{drafted.cluster}.yaml (there are {known})"
        raise ScenarioError([*drafted.problems, drafted.problem("cluster", text)])
    around = {**environment.variables(), **(ollama.variables() if own else {})}
    variables = {**around, **dict(drafted.variables), **dict(overrides.variables)}
    twin = drafted.scenario.twin if drafted.scenario else None
    unknown = [
        *unknown_variables(found, drafted, drafted.variables, "with"),
        *unknown_variables(found, drafted, twin.variables if twin else (), "twin"),
        *unknown_variables(found, drafted, overrides.variables, ""),
    ]
    try:
        config = compose.resolve(found, "chaos", variables)
        cluster = describe(drafted.cluster, config)
    except ClusterError as error:
        text = str(error).removeprefix(f"{found}: ")
        problem = drafted.problem("cluster", f"'cluster' is '{drafted.cluster}', and {places.shown(found)}: {text}")
        raise ScenarioError([*drafted.problems, *unknown, problem]) from error
    if unknown:
        raise ScenarioError([*drafted.problems, *unknown])
    scenario, files = _carrying(drafted, environment.limited(bind(drafted, cluster, overrides.seed)), file.parent)
    return Bound(asked.name, file.read_bytes(), scenario, cluster, config, found, files)


def _visiting(asked: Drafted, overrides: Overrides, port: int) -> Bound:
    """On an Ollama that runs already. Raises ``ScenarioError``, also for what can be done to one of ours only."""
    drafted, cluster = asked.draft, ollama.as_it_runs(port)
    refused = [*ollama.refusals(drafted, drafted.scenario, dict(overrides.variables))]
    if drafted.problems or refused:
        raise ScenarioError([*drafted.problems, *refused])
    scenario = environment.limited(bind(drafted, cluster, overrides.seed))
    scenario, files = _carrying(drafted, scenario, asked.file.parent)
    return Bound(asked.name, asked.file.read_bytes(), scenario, cluster, "", asked.file, files, port)


def _carrying(drafted: Draft, scenario: Scenario, folder: Path) -> tuple[Scenario, Pairs]:
    """With the user's own files that its traffic names, and their texts; each beside the scenario, or by its path."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for item, traffic in zip(drafted.traffic, scenario.traffic, strict=True):
        found: list[tuple[str, str]] = []
        for name in traffic.files():
            try:
                texts[name] = (folder / name).read_text()
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not text"
                found.append(("file", f"names '{name}', which cannot be read ({why}): write its path from {folder}"))
        if not found:
            found += traffic.check_files(texts)
        problems += [Problem(drafted.file, item.line_of(key), f"'{item.word_of(key)}' {text}") for key, text in found]
    if problems:
        raise ScenarioError(problems)
    carrying = tuple(traffic.with_files(texts) for traffic in scenario.traffic)
    return replace(scenario, traffic=carrying), tuple(texts.items())


def unknown_variables(compose_file: Path, drafted: Draft, variables: Pairs, key: str) -> Iterator[Problem]:
    """Variables that the compose file does not have: a misspelt one would be a run of something else."""
    text = "\n".join(file.read_text() for file in compose.files(compose_file))
    if re.search(r"(?m)^\s*(extends|include):", text):
        return  # further files, which only the compose plugin knows how to find
    known = sorted(set(_VARIABLE.findall(text)))
    for name, _ in variables:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"it has {', '.join(known) or 'none'}"
            said = f"'{name}' is no variable of {places.shown(compose_file)}; {hint}"
            yield drafted.problem(key, f"'{key}' {said}") if key else Problem("--with", 0, said)
