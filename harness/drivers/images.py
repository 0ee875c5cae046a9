"""Images named by the hash of what they are built from: built once, side by side, and not again until that changes."""

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from harness.drivers.base_image import ensure_base
from harness.drivers.build import Build
from harness.drivers.command import run
from harness.drivers.filelock import locked
from harness.drivers.provision import Say
from harness.errors import EngineError, ImageError

# What of this package runs in containers: all that agent and client may import.
_MODULES = (
    "__init__",
    "clock",
    "deliveries",
    "errors",
    "jsonpath",
    "members",
    "operations",
    "pace",
    "primitives*",
    "request",
    "units",
    "wire*",
    "agent/**/*",
    "client/**/*",
    "wire/**/*",
)
_ASK_S = 30.0
_BUILD_S = 1800.0
_LOOK_EVERY_S = 0.1


class Images:
    """The images of a folder that holds one folder with a Dockerfile for each; `package` is this package's folder."""

    def __init__(self, folder: Path, package: Path, say: Say) -> None:
        self._folder = folder
        self._package = package
        self._say = say

    def reference(self, name: str) -> str:
        """`chaos-harness/<name>:<12 hex digits>`; asks no engine. Raises ImageError if there is no such folder."""
        digest = hashlib.sha256()
        for path, source in self.context(name):
            content = source.read_bytes()
            digest.update(f"{path} {len(content)}\n".encode())
            digest.update(content)
        return f"chaos-harness/{name}:{digest.hexdigest()[:12]}"

    def ensure(self, names: Collection[str]) -> Mapping[str, str]:
        """The reference of each image, all of them there when this returns. Raises ImageError if one does not build."""
        references = {name: self.reference(name) for name in sorted(set(names))}
        if _missing(references):
            with locked(cache_folder() / "images.lock", self._say):
                # Another run may have built them while we waited for the lock.
                missing = _missing(references)
                if missing:
                    ensure_base(self._say)
                    self._build(missing)
        return references

    def context(self, name: str) -> Iterator[tuple[str, Path]]:
        """Every file a build of `name` sees: its path in the context and where it is, in a fixed order."""
        folder = self._folder / name
        dockerfile = folder / "Dockerfile"
        if not dockerfile.is_file():
            raise ImageError(f"There is no image {name!r}: {dockerfile} does not exist.")
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(folder).as_posix(), path
        if re.search(r"(?m)^COPY harness ", dockerfile.read_text()):
            for path in sorted({path for module in _MODULES for path in self._package.glob(f"{module}.py")}):
                yield f"harness/{path.relative_to(self._package).as_posix()}", path

    def _build(self, references: Mapping[str, str]) -> None:
        with tempfile.TemporaryDirectory(prefix="chaos-harness-images-") as staging, ExitStack() as stack:
            builds = []
            for name, reference in references.items():
                build = Build(name, reference, self._stage(name, Path(staging) / name))
                stack.callback(build.stop)
                builds.append(build)
            self._watch(builds)
        failed = [build for build in builds if not build.ok]
        if failed:
            raise ImageError("\n".join(build.failure(self._folder / build.name / "Dockerfile") for build in failed))

    def _stage(self, name: str, stage: Path) -> Path:
        """One folder with all that the build sees: an older engine's Dockerfiles know one context only."""
        try:
            for path, source in self.context(name):
                (stage / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(source, stage / path)
        except OSError as error:
            raise ImageError(f"The files of image {name} cannot be copied to {stage}: {error.strerror}.") from error
        return stage

    def _watch(self, builds: Sequence[Build]) -> None:
        running = list(builds)
        while running:
            time.sleep(_LOOK_EVERY_S)
            for build in [build for build in running if build.ended]:
                running.remove(build)
                self._say(f"image {build.name}: {'built' if build.ok else 'failed'} in {build.age_s:.0f} s")
            for build in running:
                if build.age_s > _BUILD_S:
                    raise ImageError(
                        f"Image {build.name} is not built after {build.age_s:.0f} s ({build.log.step}): "
                        "see whether the package registries are in reach."
                    )
                if news := build.news():
                    self._say(f"image {build.name}: building ({news}) {build.age_s:.0f} s")


def _missing(references: Mapping[str, str]) -> dict[str, str]:
    asked = run(("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"), timeout_s=_ASK_S)
    if not asked.ok:
        raise EngineError(f"The engine does not list its images: {asked.reason}")
    there = set(asked.out.split())
    return {name: reference for name, reference in references.items() if reference not in there}


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chaos-harness"
