"""Where scenarios, compose files, dockerfiles and records are: the user's own first, then what we ship."""

import os
from difflib import get_close_matches
from pathlib import Path

import harness
from harness.errors import Problem, ScenarioError

# ``broken/NAME`` is the broken twin of NAME: a file of that name, or what NAME's own file says under ``twin:``.
TWINS = "broken/"
PACKAGE = Path(harness.__file__).parent


def _shipped(kind: str) -> Path:
    """``scenarios``, ``compose`` or ``dockerfiles``: inside the wheel, or beside the package in a checkout."""
    inside = PACKAGE / "shipped" / kind
    return inside if inside.is_dir() else PACKAGE.parent / kind


def dockerfiles() -> Path:
    return _shipped("dockerfiles")


def runs() -> Path:
    """The folder of all records: OLLAMA_TEST_ARTIFACTS_DIR, else ``runs`` here."""
    return Path(os.environ.get("OLLAMA_TEST_ARTIFACTS_DIR") or "runs")


def scenarios() -> dict[str, Path]:
    """name (``broken/kill``) -> file; the user's own in front of ours of the same name."""
    found: dict[str, Path] = {}
    for folder in (_shipped("scenarios"), Path("scenarios")):
        for file in sorted(folder.rglob("*.yaml")):
            found[file.relative_to(folder).with_suffix("").as_posix()] = file
    return {name: file for name, file in sorted(found.items()) if not name.startswith("suites/")}


def suites() -> dict[str, Path]:
    """name (``nightly``) -> file; the user's own in front of ours of the same name."""
    folders = (_shipped("scenarios"), Path("scenarios"))
    return {file.stem: file for folder in folders for file in sorted((folder / "suites").glob("*.yaml"))}


def scenario(name: str) -> Path:
    """The file of a scenario given by name or by path."""
    if name.endswith((".yaml", ".yml")):
        return Path(name)
    known = scenarios()
    if name in known:
        return known[name]
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"'harness list scenarios' shows all {len(known)}"
    raise ScenarioError([Problem(name, 0, f"there is no scenario of that name; {hint}")])


def name_of(file: Path) -> str:
    """What a scenario's file is called in records: its path below a ``scenarios`` folder, else its stem."""
    parts = file.with_suffix("").parts
    if "scenarios" in parts:
        last = len(parts) - 1 - parts[::-1].index("scenarios")
        return "/".join(parts[last + 1 :])
    return file.stem


def compose_file(cluster: str, beside: Path) -> Path | None:
    """The compose file of a cluster: a path, or a name in ``compose/`` here, beside the scenario, or shipped."""
    if cluster.endswith((".yaml", ".yml")):
        candidates = [beside / cluster, Path(cluster)]
    else:
        folders = [Path("compose"), beside / "compose", beside.parent / "compose", _shipped("compose")]
        candidates = [folder / f"{cluster}.yaml" for folder in folders]
    return next((path.resolve() for path in candidates if path.is_file()), None)


def clusters() -> tuple[str, ...]:
    folders = (_shipped("compose"), Path("compose"))
    found = {file.stem for folder in folders for file in folder.glob("*.yaml")}
    return tuple(sorted(name for name in found if not name.endswith(".harness")))


def shown(path: Path) -> str:
    """A path as a person would type it here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
