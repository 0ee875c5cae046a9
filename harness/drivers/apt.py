"""Debian's package manager: where the machine's own sources point, and installing without asking anybody."""

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.drivers.command import Finished, run

_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
_OPTIONS = ("-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=1", "-o", "Acquire::Languages=none")
_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Source:
    """One place packages come from; `signed_by` is a keyring's path, or empty for apt's own trusted keys."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""


def parse_deb822(text: str) -> tuple[Source, ...]:
    """The binary sources of a `.sources` file (sources.list(5), deb822 style)."""
    found: list[Source] = []
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        field = {
            key.lower(): " ".join(value.split())
            for key, value in re.findall(r"(?m)^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)", stanza)
        }
        if "deb" not in field.get("types", "").split() or field.get("enabled", "yes").lower() in {"no", "false"}:
            continue
        keyring = field.get("signed-by", "")
        for uri in field.get("uris", "").split():
            found.append(
                Source(
                    uri,
                    tuple(field.get("suites", "").split()),
                    tuple(field.get("components", "").split()),
                    # A key may stand in the file itself instead of a path: apt's own keys serve then.
                    keyring if keyring.startswith("/") else "",
                )
            )
    return tuple(found)


def parse_one_line(text: str) -> tuple[Source, ...]:
    """The binary sources of a `.list` file (sources.list(5), one-line style)."""
    found: list[Source] = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[(?P<options>[^]]*)]\s*)?(?P<uri>\S+)\s+(?P<rest>[^#]*)", line)
        if match is None or not match["rest"].split():
            continue
        suite, *components = match["rest"].split()
        keyring = re.search(r"signed-by=(/\S+)", match["options"] or "", re.IGNORECASE)
        found.append(Source(match["uri"], (suite,), tuple(components), keyring[1] if keyring else ""))
    return tuple(found)


def sources(folder: Path = Path("/etc/apt")) -> tuple[Source, ...]:
    """The machine's own sources, in the order apt reads them."""
    found: list[Source] = []
    for path in (folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))):
        if path.suffix in {".list", ".sources"} and path.is_file():
            parse = parse_deb822 if path.suffix == ".sources" else parse_one_line
            found.extend(parse(path.read_text(errors="replace")))
    return tuple(found)


def archive_of(found: Iterable[Source], codename: str) -> Source | None:
    """The source that serves the release `codename` itself: the mirror other releases can be had from too."""
    return next((s for s in found if codename in s.suites and "main" in s.components), None)


def get(*arguments: str, options: Sequence[str] = (), cwd: Path | None = None) -> Finished:
    """`apt-get` with our options, once more when it takes too long."""
    argv = ("apt-get", *_OPTIONS, *options, *arguments)
    done = run(argv, timeout_s=_TIMEOUT_S, env=_QUIET, cwd=cwd)
    return run(argv, timeout_s=_TIMEOUT_S, env=_QUIET, cwd=cwd) if done.code == 124 else done


def install(packages: Sequence[str]) -> Finished:
    """Install `packages` without recommended ones; package lists are fetched only if what we have does not do."""
    done = get("install", "--no-install-recommends", *packages)
    if done.ok:
        return done
    updated = get("update")
    return get("install", "--no-install-recommends", *packages) if updated.ok else updated


def install_from(archive: Source, suite: str, packages: Sequence[str]) -> Finished:
    """Install `packages`, and nothing they ask for, from another release of `archive`; the machine's own sources stay.

    For packages that need no more than the C library, and are not in the machine's own release.
    """
    with tempfile.TemporaryDirectory(prefix="chaos-harness-apt-") as name:
        folder = Path(name)
        (folder / "lists" / "partial").mkdir(parents=True)
        (folder / "cache" / "archives" / "partial").mkdir(parents=True)
        (folder / "packages").mkdir()
        keys = f"[signed-by={archive.signed_by}] " if archive.signed_by else ""
        (folder / "sources.list").write_text(f"deb {keys}{archive.uri} {suite} main\n")
        settings = {
            "Dir::Etc::sourcelist": folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "Dir::State::lists": folder / "lists",
            "Dir::Cache": folder / "cache",
            "APT::Sandbox::User": "root",
        }
        options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        for step in (("update",), ("download", *packages)):
            done = get(*step, options=options, cwd=folder / "packages")
            if not done.ok:
                return done
        files = sorted(str(path) for path in (folder / "packages").glob("*.deb"))
        return run(("dpkg", "-i", *files), timeout_s=_TIMEOUT_S, env=_QUIET)
