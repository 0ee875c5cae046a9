"""Docker's compose plugin, as we call it. It resolves the user's files, and starts what we wove."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import AbsentError, ClusterError, EngineError, ImageError, StartError

_START_TIMEOUT_S = 600.0  # a node may wait for another's health check, or for its end
_BUILD_TIMEOUT_S = 1800.0
_YOURS = "localhost/"  # a name that no registry has: the user builds it, and no pull is tried
_NO_ENGINE = ("Cannot connect to the Docker daemon", "error during connect")


def files(file: Path) -> tuple[Path, ...]:
    """The compose file and, where there is one, what ``harness init`` wrote beside it: ``NAME.harness.yml``."""
    beside = addition(file)
    return (file, beside) if beside.is_file() else (file,)


def addition(file: Path) -> Path:
    """Where the ``x-harness`` blocks of a compose file stand that is not to be changed itself."""
    return file.with_name(f"{file.stem}.harness{file.suffix}")


def resolve(file: Path, project: str, variables: Mapping[str, str]) -> str:
    """The file with anchors, ``extends``, env files, profiles and variables resolved, as YAML. Needs no engine.

    What ``harness init`` wrote beside it is merged over it.

    YAML and not JSON: the JSON output drops ``x-*`` of services.
    """
    named = [word for path in files(file) for word in ("-f", str(path))]
    done = _run([*named, "-p", project, "config"], variables, timeout_s=30.0)
    if "is not a docker command" in done.stderr:
        raise EngineError("docker has no compose plugin; install it with: make engine")
    if done.returncode:
        raise ClusterError(f"{file}: docker compose cannot read it: {_last_line(done.stderr)}")
    return done.stdout


def build(text: str, folder: Path, services: Sequence[str]) -> None:
    """Build what a woven file builds. Raises ``ImageError`` with the last line that was said."""
    arguments = ["-f", "-", "--project-directory", str(folder), "--progress", "plain", "build", "--quiet", *services]
    done = _run(arguments, {}, timeout_s=_BUILD_TIMEOUT_S, text=text)
    if done.returncode:
        raise ImageError(
            f"The image of {', '.join(services)} does not build: {_last_line(done.stderr)}; "
            "to see it all: docker compose build"
        )


def pull(text: str, folder: Path, image: str, node: str) -> None:
    """Fetch the image of one node of a woven file. Raises ``AbsentError``: it is not here, and cannot be had."""
    if image.startswith(_YOURS):
        raise AbsentError(
            f"Image {image} (of {node}) is not on this engine, and nobody serves it: it is yours to build, as the "
            "first lines of the compose file say; then try again."
        )
    arguments = ["-f", "-", "--project-directory", str(folder), "--progress", "plain", "pull", "--quiet", node]
    done = _run(arguments, {}, timeout_s=_BUILD_TIMEOUT_S, text=text)
    if done.returncode:
        raise AbsentError(
            f"Image {image} (of {node}) is not on this engine and cannot be pulled ({_last_line(done.stderr)}): "
            f"bring it with 'docker pull {image}', 'docker load' or a build of yours, then try again."
        )


def up(text: str, folder: Path, services: Sequence[str], *, alone: bool = False) -> None:
    """Create and start ``services`` of a woven file. Relative paths of the user's are relative to ``folder``.

    The text goes through a pipe: it has the environment of the user's services in it, and a file would outlive us.
    ``alone``: nothing else is started, not even what they depend on (it may be down because a fault keeps it down).
    """
    options = ["up", "-d", "--no-recreate", "--quiet-pull", *(["--no-deps"] if alone else [])]
    arguments = ["-f", "-", "--project-directory", str(folder), "--progress", "plain", *options, *services]
    done = _run(arguments, {}, timeout_s=_START_TIMEOUT_S, text=text)
    if done.returncode:
        lost = any(sign in done.stderr for sign in _NO_ENGINE)
        kind = EngineError if lost else StartError
        raise kind(f"the engine could not start {', '.join(services)}: {_last_line(done.stderr)}")


def _run(
    arguments: Sequence[str], variables: Mapping[str, str], timeout_s: float, text: str = ""
) -> subprocess.CompletedProcess[str]:
    command = ["docker", "compose", *arguments]
    try:
        return subprocess.run(
            command,
            env={**os.environ, **variables},
            input=text,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise EngineError("there is no docker command; install it with: make engine") from error
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"docker compose {arguments[-1]} did not end within {timeout_s:.0f} s.") from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
