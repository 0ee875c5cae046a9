"""Images that are really built, by the real engine."""

import os
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.drivers.images import Images
from harness.errors import ImageError

pytestmark = pytest.mark.cluster

PACKAGE = Path(harness.__file__).parent
SHIPPED = PACKAGE.parent / "dockerfiles"


def docker(*arguments: str) -> str:
    return subprocess.run(("docker", *arguments), check=True, capture_output=True, text=True).stdout


def image_ids(references: Iterator[str]) -> dict[str, str]:
    return {reference: docker("image", "inspect", "--format", "{{.Id}}", reference) for reference in references}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of two small images whose names are their own, so that nothing of an earlier run is found."""
    unique = uuid.uuid4().hex[:8]
    for name in (f"try-a-{unique}", f"try-b-{unique}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text(f"FROM debian:trixie-slim\nRUN echo {name} > /name\n")
    yield tmp_path
    for path in tmp_path.iterdir():
        found = docker("image", "ls", "--quiet", f"chaos-harness/{path.name}").split()
        if found:
            docker("image", "rm", *found)


def test_the_shipped_images_are_there_and_a_second_look_builds_nothing() -> None:
    names = sorted(path.parent.name for path in SHIPPED.glob("*/Dockerfile"))
    first = Images(SHIPPED, PACKAGE, lambda line: None).ensure(names)
    ids = image_ids(iter(first.values()))
    said: list[str] = []
    second = Images(SHIPPED, PACKAGE, said.append).ensure(names)
    assert (sorted(first), second, image_ids(iter(second.values())), said) == (names, first, ids, [])


@pytest.mark.parametrize("name", ["sidecar", "client"])
def test_the_code_in_an_image_is_importable_there(name: str) -> None:
    reference = Images(SHIPPED, PACKAGE, lambda line: None).ensure([name])[name]
    program = (
        "import importlib, pathlib, sys\n"
        "root = pathlib.Path('/opt/harness')\n"
        f"parts = {{'sidecar': 'agent', 'client': 'client'}}[{name!r}]\n"
        "for path in sorted((root / 'harness' / parts).rglob('*.py')):\n"
        "    module = '.'.join(path.relative_to(root).with_suffix('').parts)\n"
        "    if not module.endswith('__main__'): importlib.import_module(module)\n"
        "print(sys.modules['harness'].__file__)\n"
    )
    said = docker("run", "--rm", "--network", "none", "--entrypoint", "python3", reference, "-c", program)
    assert said == "/opt/harness/harness/__init__.py\n"


def test_two_at_once_build_once(folder: Path) -> None:
    said: list[list[str]] = [[], []]
    names = [path.name for path in folder.iterdir()]
    runs = [threading.Thread(target=Images(folder, PACKAGE, lines.append).ensure, args=(names,)) for lines in said]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    built = sorted(line.split()[1] for lines in said for line in lines if " built in " in line)
    assert built == sorted(f"{name}:" for name in names)


def test_a_build_that_fails_says_why_and_which_file(folder: Path) -> None:
    name = next(folder.iterdir()).name
    dockerfile = folder / name / "Dockerfile"
    dockerfile.write_text("FROM debian:trixie-slim\nRUN echo the disk ate it >&2 && exit 3\n")
    with pytest.raises(ImageError) as failed:
        Images(folder, PACKAGE, lambda line: None).ensure([name])
    first, *rest = str(failed.value).splitlines()
    assert first.startswith(f"Image {name} does not build ({dockerfile}): ")
    assert [line.strip() for line in rest if "ate it" in line and "RUN" not in line and "ERROR" not in line] == [
        "the disk ate it"
    ]


def test_the_lock_is_kept_where_the_user_says(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setitem(os.environ, "XDG_CACHE_HOME", str(cache))
    Images(folder, PACKAGE, lambda line: None).ensure([path.name for path in folder.iterdir() if path != cache])
    assert (cache / "chaos-harness" / "images.lock").is_file()
