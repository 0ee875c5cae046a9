"""What is on the machine decides what would be installed; nothing is installed here."""

import os
from pathlib import Path

import pytest

from harness.drivers import provision
from harness.drivers.provision import Found, Plan, Release, chosen_elsewhere, daemon_lives, parse_release, plan
from harness.errors import EngineError

BOOKWORM = Release("debian", "12", "bookworm")
TRIXIE = Release("debian", "13", "trixie")
NOBLE = Release("ubuntu", "24.04", "noble")
NOTHING = Found(server=False, compose=False, buildx=False, daemon=False)


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        (BOOKWORM, Plan(("docker.io",), ("docker-compose", "docker-buildx"), "trixie", start=True)),
        (TRIXIE, Plan(("docker.io", "docker-cli", "iptables", "docker-compose", "docker-buildx"), start=True)),
        (NOBLE, Plan(("docker.io", "docker-compose-v2", "docker-buildx"), start=True)),
    ],
)
def test_a_machine_with_nothing_gets_its_own_release_engine(release: Release, expected: Plan) -> None:
    assert plan(NOTHING, release) == expected


def test_an_engine_without_plugins_gets_only_plugins() -> None:
    found = Found(server=True, compose=False, buildx=False, daemon=True)
    assert plan(found, BOOKWORM) == Plan(later=("docker-compose", "docker-buildx"), later_suite="trixie")
    assert plan(found, TRIXIE) == Plan(own=("docker-compose", "docker-buildx"))


def test_an_installed_engine_that_does_not_run_is_only_started() -> None:
    found = Found(server=False, compose=True, buildx=True, daemon=True)
    assert plan(found, Release("fedora", "44", "")) == Plan(start=True)


def test_a_plan_reads_as_a_sentence() -> None:
    assert str(plan(NOTHING, BOOKWORM)) == (
        "install docker.io; install docker-compose and docker-buildx from Debian trixie; start dockerd"
    )


def test_an_unknown_system_is_refused_by_name() -> None:
    with pytest.raises(EngineError) as refused:
        plan(NOTHING, Release("fedora", "44", ""))
    assert str(refused.value) == (
        "No complete container engine answers, and on fedora 44 we cannot install one: "
        "install Docker with its compose (2.26 or later) and buildx plugins."
    )


def test_a_release_is_read_from_its_own_file() -> None:
    text = (
        'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nID=debian\n\n# end\n'
    )
    assert parse_release(text) == BOOKWORM


@pytest.mark.parametrize(
    ("environment", "context", "expected"),
    [
        ({}, "default", ""),
        ({}, "", ""),
        ({"DOCKER_HOST": "unix:///var/run/docker.sock"}, "default", ""),
        ({"DOCKER_HOST": "ssh://elsewhere"}, "default", "DOCKER_HOST=ssh://elsewhere"),
        ({}, "desktop-linux", "docker context 'desktop-linux'"),
    ],
)
def test_an_engine_the_user_chose_is_told_from_the_default(
    environment: dict[str, str], context: str, expected: str
) -> None:
    assert chosen_elsewhere(environment, context) == expected


@pytest.fixture
def no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)


@pytest.mark.usefixtures("no_programs")
def test_a_machine_without_docker_has_none_of_it() -> None:
    assert provision.find() == Found(False, False, False, False, "docker: No such file or directory")


@pytest.mark.usefixtures("no_programs")
def test_without_root_the_command_to_run_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(provision, "this_release", lambda: NOBLE)
    said: list[str] = []
    with pytest.raises(EngineError) as refused:
        provision.ensure_engine(said.append)
    assert (said, str(refused.value)) == (
        [],
        "No complete container engine answers, and we are not root: 'sudo make engine' will "
        "install docker.io and docker-compose-v2 and docker-buildx; start dockerd.",
    )


@pytest.mark.usefixtures("no_programs")
def test_an_engine_chosen_by_the_user_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    with pytest.raises(EngineError) as refused:
        provision.ensure_engine(print)
    assert str(refused.value) == (
        "The engine of DOCKER_HOST=tcp://127.0.0.1:9 does not answer (docker: No such file or directory): "
        "start it or choose another."
    )


def test_a_pid_file_is_stale_unless_its_process_is_dockerd(tmp_path: Path) -> None:
    ours, broken = tmp_path / "ours.pid", tmp_path / "broken.pid"
    ours.write_text(str(os.getpid()))
    broken.write_text("")
    assert [daemon_lives(path) for path in (ours, broken, tmp_path / "none.pid")] == [False, False, False]


@pytest.mark.usefixtures("no_programs")
def test_a_dockerd_that_ends_at_once_is_said_with_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, pid_file, log = tmp_path / "dockerd", tmp_path / "docker.pid", tmp_path / "dockerd.log"
    program.write_text("#!/bin/sh\necho no room left >&2\nexit 3\n")
    program.chmod(0o755)
    pid_file.write_text("1")
    for name, path in {"_PID_FILE": pid_file, "_LOG": log, "_SYSTEMD": tmp_path / "systemd"}.items():
        monkeypatch.setattr(provision, name, path)
    with pytest.raises(EngineError) as failed:
        provision.start_daemon()
    assert (str(failed.value), log.read_text(), pid_file.exists()) == (
        f"dockerd ended with code 3 as soon as it was started: see {log}.",
        "no room left\n",
        False,
    )
