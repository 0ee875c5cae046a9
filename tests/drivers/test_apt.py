"""Mirrors are read from the machine's own sources, in both of apt's styles."""

from pathlib import Path

from harness.drivers.apt import Source, archive_of, parse_deb822, parse_one_line, sources
from harness.drivers.base_image import mirror_lines

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

DEB822 = f"""\
Types: deb deb-src
# http://old.example/archive
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: {KEYRING}

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
URIs: http://mirror.example/sources
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://mirror.example/off
Suites: bookworm
Components: main
"""

ONE_LINE = f"""\
# deb http://old.example/debian bookworm main
deb [arch=amd64 signed-by={KEYRING}] http://mirror.example/debian bookworm main contrib  # ours
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian-security bookworm-security main
"""

ARCHIVE = Source("http://mirror.example/debian", ("bookworm", "bookworm-updates"), ("main", "contrib"), KEYRING)
SECURITY = Source("http://mirror.example/debian-security", ("bookworm-security",), ("main",))


def test_a_sources_file_gives_its_enabled_binary_sources() -> None:
    assert parse_deb822(DEB822) == (ARCHIVE, SECURITY)


def test_a_list_file_gives_its_binary_sources() -> None:
    archive = Source(ARCHIVE.uri, ("bookworm",), ARCHIVE.components, KEYRING)
    assert parse_one_line(ONE_LINE) == (archive, SECURITY)


def test_both_styles_are_read_and_other_files_are_not(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://first.example/debian bookworm main\n")
    (parts / "debian.sources").write_text(DEB822)
    (parts / "other.list.disabled").write_text(ONE_LINE)
    assert sources(tmp_path) == (Source("http://first.example/debian", ("bookworm",), ("main",)), ARCHIVE, SECURITY)


def test_no_sources_at_all_is_an_empty_answer(tmp_path: Path) -> None:
    assert sources(tmp_path) == ()


def test_the_archive_is_the_source_of_the_release_itself() -> None:
    assert archive_of((SECURITY, ARCHIVE), "bookworm") == ARCHIVE
    assert archive_of((SECURITY,), "bookworm") is None


def test_the_base_image_comes_from_the_same_mirrors_one_release_on() -> None:
    backports = Source("http://mirror.example/debian", ("bookworm-backports",), ("main",))
    assert mirror_lines((ARCHIVE, SECURITY, backports), "bookworm") == (
        "deb http://mirror.example/debian trixie main",
        "deb http://mirror.example/debian trixie-updates main",
        "deb http://mirror.example/debian-security trixie-security main",
    )
