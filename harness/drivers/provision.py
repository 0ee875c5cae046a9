"""A container engine with the compose and buildx plugins: the one that is there, or Debian's and Ubuntu's own.

What works is used as it is. Only where none answers, and we are root on Debian or Ubuntu, is anything installed.
"""

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import tenacity

from harness.drivers import apt
from harness.drivers.command import Finished, run
from harness.drivers.filelock import locked
from harness.errors import EngineError

Say = Callable[[str], None]

_LOCK = Path("/run/lock/chaos-harness-engine.lock")
_LOG = Path("/var/log/chaos-harness-dockerd.log")
_PID_FILE = Path("/var/run/docker.pid")
_SYSTEMD = Path("/run/systemd/system")
_ANSWER_S = 20.0
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What a record says of the engine a run used. `cgroup` is "1" or "2"; `os` is the engine's own host.

    `cpus`, `memory_bytes`: of that host, all that its containers share.
    """

    client: str
    server: str
    api: str
    compose: str
    buildx: str
    cgroup: str
    kernel: str
    os: str
    cpus: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Found:
    """What of an engine answers, before anything is done. `problem` is the engine's own message when it does not."""

    server: bool
    compose: bool
    buildx: bool
    daemon: bool
    problem: str = ""

    @property
    def complete(self) -> bool:
        return self.server and self.compose and self.buildx


@dataclass(frozen=True, slots=True)
class Release:
    """The operating system by its own os-release(5): `name` such as debian, `version` such as 12."""

    name: str
    version: str
    codename: str

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}".strip() or "an unknown system"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is missing: packages of the machine's own release, packages of a later one, and whether to start."""

    own: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    later_suite: str = ""
    start: bool = False

    def __str__(self) -> str:
        steps = []
        if self.own:
            steps.append(f"install {' and '.join(self.own)}")
        if self.later:
            steps.append(f"install {' and '.join(self.later)} from Debian {self.later_suite}")
        if self.start:
            steps.append("start dockerd")
        return "; ".join(steps)


def parse_release(text: str) -> Release:
    """Read os-release(5)."""
    field = {
        key: value.strip().strip("\"'")
        for key, separator, value in (line.partition("=") for line in text.splitlines())
        if separator
    }
    return Release(field.get("ID", ""), field.get("VERSION_ID", ""), field.get("VERSION_CODENAME", ""))


def plan(found: Found, release: Release) -> Plan:
    """What makes the engine complete on this release. Raises EngineError where we do not know how."""
    missing = (not found.daemon and not found.server, not found.compose, not found.buildx)
    start = not found.server
    if not any(missing):
        return Plan(start=start)
    if release.name == "ubuntu":
        names: tuple[tuple[str, ...], ...] = (("docker.io",), ("docker-compose-v2",), ("docker-buildx",))
    elif release.name == "debian":
        # From Debian 13 on the client is a package of its own.
        engine = ("docker.io",) if release.version == "12" else ("docker.io", "docker-cli", "iptables")
        names = (engine, ("docker-compose",), ("docker-buildx",))
    else:
        raise EngineError(
            f"No complete container engine answers, and on {release.title} we cannot install one: "
            "install Docker with its compose (2.26 or later) and buildx plugins."
        )
    engine_part, *plugin_parts = (part if needed else () for part, needed in zip(names, missing, strict=True))
    plugins = tuple(name for part in plugin_parts for name in part)
    if release.name == "debian" and release.version == "12":
        # Debian 12 has no buildx and only compose 1; the next release's plugins need no more than its C library.
        return Plan(own=engine_part, later=plugins, later_suite="trixie", start=start)
    return Plan(own=engine_part + plugins, start=start)


def chosen_elsewhere(environment: Mapping[str, str], context: str) -> str:
    """The engine the user chose, if it is not the default one: we install or start nothing in its place."""
    host = environment.get("DOCKER_HOST", "")
    if host and host != "unix:///var/run/docker.sock":
        return f"DOCKER_HOST={host}"
    return f"docker context {context!r}" if context not in {"", "default"} else ""


def ensure_engine(say: Say) -> EngineFacts:
    """The facts of a working engine, installed and started first if need be (root on Debian or Ubuntu).

    Raises EngineError, which says what the user has to do.
    """
    found = find()
    if not found.complete:
        _refuse_what_is_not_ours(found)
        with locked(_LOCK, say):
            found = find()
            if not found.complete:
                _carry_out(plan(found, this_release()), say)
    return facts()


def find() -> Found:
    """Ask the engine and each plugin once."""
    server = _ask_server()
    return Found(
        server=_answered(server),
        compose=run(("docker", "compose", "version"), timeout_s=_ANSWER_S).ok,
        buildx=run(("docker", "buildx", "version"), timeout_s=_ANSWER_S).ok,
        daemon=shutil.which("dockerd") is not None,
        problem=server.reason,
    )


def _ask_server() -> Finished:
    return run(("docker", "info", "--format", "{{.ServerVersion}}"), timeout_s=_ANSWER_S)


def _answered(server: Finished) -> bool:
    # A client that cannot reach its engine prints an empty version and, in some releases, exits with 0.
    return server.ok and bool(server.out.strip())


def facts() -> EngineFacts:
    """What the working engine says of itself. Raises EngineError if it does not answer."""
    version = run(("docker", "version", "--format", "{{json .}}"), timeout_s=_ANSWER_S)
    info = run(("docker", "info", "--format", "{{json .}}"), timeout_s=_ANSWER_S)
    compose = run(("docker", "compose", "version", "--short"), timeout_s=_ANSWER_S)
    buildx = run(("docker", "buildx", "version"), timeout_s=_ANSWER_S)
    for answer in (version, info, compose, buildx):
        if not answer.ok:
            raise EngineError(f"'{' '.join(answer.argv)}' failed: {answer.reason}; see `harness doctor`.")
    try:
        versions, state = json.loads(version.out), json.loads(info.out)
        return EngineFacts(
            client=versions["Client"]["Version"],
            server=versions["Server"]["Version"],
            api=versions["Server"]["ApiVersion"],
            compose=compose.out.strip().removeprefix("v"),
            buildx=_second_word(buildx.out),
            cgroup=state.get("CgroupVersion") or "1",
            kernel=state["KernelVersion"],
            os=state["OperatingSystem"],
            cpus=int(state["NCPU"]),
            memory_bytes=int(state["MemTotal"]),
        )
    except (ValueError, KeyError) as error:
        raise EngineError(f"'docker version' does not answer as Docker's (no {error}): use Docker.") from error


def _second_word(text: str) -> str:
    """`github.com/docker/buildx 0.13.1 0.13.1-1` -> `0.13.1`."""
    words = text.split()
    return words[1].removeprefix("v") if len(words) > 1 else text.strip()


def _refuse_what_is_not_ours(found: Found) -> None:
    context = run(("docker", "context", "show"), timeout_s=_ANSWER_S).out.strip()
    elsewhere = chosen_elsewhere(os.environ, context)
    if elsewhere and not found.server:
        raise EngineError(f"The engine of {elsewhere} does not answer ({found.problem}): start it or choose another.")
    if os.geteuid() == 0:
        return
    if not found.server and "permission denied" in found.problem.lower():
        raise EngineError(
            "The container engine's socket refuses this user: run 'sudo usermod -aG docker $USER' and log in again."
        )
    todo = plan(found, this_release())
    raise EngineError(f"No complete container engine answers, and we are not root: 'sudo make engine' will {todo}.")


def this_release() -> Release:
    """The operating system we run on."""
    try:
        return parse_release(Path("/etc/os-release").read_text())
    except OSError:
        return Release(platform.system().lower(), platform.release(), "")


def _carry_out(todo: Plan, say: Say) -> None:
    say(f"engine  none here is complete; we {todo}")
    if todo.own:
        _must("installing " + " ".join(todo.own), apt.install(todo.own))
    if todo.later:
        archive = apt.archive_of(apt.sources(), this_release().codename)
        if archive is None:
            raise EngineError(
                "No mirror of this release stands in the sources of apt: install docker compose yourself."
            )
        done = apt.install_from(archive, todo.later_suite, todo.later)
        _must("installing " + " ".join(todo.later), done)
    if todo.start:
        start_daemon()


def _must(doing: str, done: Finished) -> None:
    if not done.ok:
        raise EngineError(f"{doing} failed: {done.reason}; try '{' '.join(done.argv)}'.")


def start_daemon() -> None:
    """Start dockerd in a session of its own, unless it runs, and wait until it answers. Needs root."""
    daemon = None
    if not daemon_lives(_PID_FILE):
        _PID_FILE.unlink(missing_ok=True)
        if _SYSTEMD.is_dir():
            _must("starting docker", run(("systemctl", "start", "docker"), timeout_s=_START_S))
        else:
            with _LOG.open("ab") as log:
                daemon = subprocess.Popen(
                    ("dockerd",), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
                )

    def answers() -> bool:
        if daemon is not None and daemon.poll() is not None:
            raise EngineError(f"dockerd ended with code {daemon.returncode} as soon as it was started: see {_LOG}.")
        return _answered(_ask_server())

    waiting = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda answered: not answered),
        stop=tenacity.stop_after_delay(_START_S),
        wait=tenacity.wait_fixed(0.25),
    )
    try:
        waiting(answers)
    except tenacity.RetryError:
        raise EngineError(f"dockerd was started and did not answer within {_START_S:g} s: see {_LOG}.") from None


def daemon_lives(pid_file: Path) -> bool:
    """Whether the process in dockerd's pid file is dockerd: one that was killed leaves the file behind."""
    try:
        pid = int(pid_file.read_text())
        return Path(f"/proc/{pid}/comm").read_text().strip() == "dockerd"
    except (OSError, ValueError):
        return False
