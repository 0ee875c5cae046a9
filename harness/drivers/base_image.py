"""The image all of ours stand on: from the registry, or made here from Debian's packages where none is in reach."""

import os
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from harness.drivers import apt
from harness.drivers.command import run
from harness.drivers.provision import Say, this_release
from harness.errors import ImageError

BASE = "debian:trixie-slim"
_SUITE = "trixie"
_ASK_S = 30.0
_REGISTRY_S = 5.0
_PULL_S = 300.0
_MAKE_S = 300.0


def ensure_base(say: Say) -> None:
    """Have the base image, and say where it came from. Raises ImageError if it can be neither pulled nor made."""
    if run(("docker", "image", "inspect", BASE), timeout_s=_ASK_S).ok:
        return
    if _pull():
        say(f"image {BASE}: pulled from its registry")
        return
    say(f"image {BASE}: no registry answers; making it from Debian's packages")
    _make()


def _pull() -> bool:
    """Pull; the registry has `_REGISTRY_S` to answer, and the layers much longer to arrive."""
    with subprocess.Popen(
        ("docker", "pull", BASE), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as pull:
        assert pull.stdout is not None
        try:
            # The first line comes when the registry has answered; the end of output, when it cannot be reached.
            if select.select([pull.stdout], [], [], _REGISTRY_S)[0]:
                pull.communicate(timeout=_PULL_S)
                return pull.returncode == 0
        except subprocess.TimeoutExpired:
            pass
        finally:
            pull.kill()
    return False


def _make() -> None:
    if shutil.which("mmdebstrap") is None:
        _install_mmdebstrap()
    with tempfile.TemporaryDirectory(prefix="chaos-harness-base-") as name:
        archive = Path(name) / "base.tar"
        found = apt.sources()
        keyring = next((source.signed_by for source in found if source.signed_by), "")
        keys = (f"--keyring={keyring}",) if keyring and this_release().name == "debian" else ()
        mirrors = mirror_lines(found, this_release().codename) if this_release().name == "debian" else ()
        for argv in (
            ("mmdebstrap", "--variant=minbase", "--include=ca-certificates", *keys, _SUITE, str(archive), *mirrors),
            ("docker", "import", "--change", 'CMD ["bash"]', "--message", "made by mmdebstrap", str(archive), BASE),
        ):
            done = run(argv, timeout_s=_MAKE_S)
            if not done.ok:
                raise ImageError(f"The base image {BASE} cannot be made: {argv[0]}: {done.reason}")


def mirror_lines(found: Iterable[apt.Source], codename: str) -> tuple[str, ...]:
    """The machine's own mirrors of its release, its updates and its security fixes, as lines for the base's release.

    None where the machine has none: mmdebstrap knows Debian's own.
    """
    wanted = {codename: _SUITE} | {f"{codename}-{part}": f"{_SUITE}-{part}" for part in ("updates", "security")}
    return tuple(
        f"deb {source.uri} {wanted[suite]} main"
        for source in found
        for suite in source.suites
        if suite in wanted and "main" in source.components
    )


def _install_mmdebstrap() -> None:
    command = "apt-get install mmdebstrap debian-archive-keyring"
    if os.geteuid() != 0 or this_release().name not in {"debian", "ubuntu"}:
        raise ImageError(f"No registry has {BASE}, and mmdebstrap, which makes it, is missing: run 'sudo {command}'.")
    done = apt.install(("mmdebstrap", "debian-archive-keyring"))
    if not done.ok:
        raise ImageError(f"No registry has {BASE}, and '{command}' failed: {done.reason}")
