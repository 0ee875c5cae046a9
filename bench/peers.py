"""``python -m bench.peers``: the image of what others measure with, built where it is not there yet."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.cli import places
from harness.drivers import provision
from harness.drivers.command import run
from harness.drivers.images import Images
from harness.errors import EngineError, HarnessError

_ASK_S = 30.0
ABSENT = "the peers are not here: make bench-setup"


def _images(say: Callable[[str], None]) -> Images:
    return Images(Path(__file__).parent / "images", places.PACKAGE, say)


def image() -> str:
    """Its reference. Raises ``EngineError`` where it is not built: that is what bench-setup is for."""
    reference = _images(lambda text: None).reference("peers")
    if not run(("docker", "image", "inspect", reference), timeout_s=_ASK_S).ok:
        raise EngineError(ABSENT)
    return reference


def once(argv: Sequence[str], given: str, timeout_s: float) -> str:
    """What a tool of the image printed, in a container of its own. Raises ``EngineError``."""
    command = ["docker", "run", "--rm", "-i", "--network", "none", "--entrypoint", argv[0], image(), *argv[1:]]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        raise EngineError(f"{argv[0]} did not end within {timeout_s:.0f} s") from error
    if done.returncode:
        raise EngineError(f"{argv[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def main() -> int:
    def say(text: str) -> None:
        sys.stderr.write(f"bench-setup: {text}\n")

    try:
        provision.ensure_engine(say)
        say(f"the peers are in {_images(say).ensure({'peers'})['peers']}")
    except HarnessError as error:
        say(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
