"""An image's name follows from what it is built from; a build's output says how far it is and why it failed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.drivers.build import BuildLog, ca_bundle
from harness.drivers.images import Images
from harness.errors import ImageError

PACKAGE = Path(harness.__file__).parent
SHIPPED = PACKAGE.parent / "dockerfiles"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, dockerfile in {
        "plain": "FROM base\nCOPY start.sh /\n",
        "agent": "FROM base\nCOPY harness /opt\n",
    }.items():
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "Dockerfile").write_text(dockerfile)
    (tmp_path / "images" / "plain" / "start.sh").write_text("exec true\n")
    for path in ("__init__.py", "wire.py", "agent/__init__.py", "runner/__init__.py"):
        (tmp_path / "package" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / path).write_text("")
    return tmp_path


def references(folder: Path) -> tuple[str, str]:
    images = Images(folder / "images", folder / "package", print)
    return images.reference("plain"), images.reference("agent")


def test_a_reference_is_a_name_and_twelve_hex_digits(folder: Path) -> None:
    assert re.fullmatch(r"chaos-harness/plain:[0-9a-f]{12}", references(folder)[0])


def test_nothing_changed_is_the_same_reference(folder: Path) -> None:
    before = references(folder)
    (folder / "images" / "plain" / "start.sh").touch()
    (folder / "images" / "plain" / "__pycache__").mkdir()
    (folder / "images" / "plain" / "__pycache__" / "x.pyc").write_text("compiled")
    (folder / "package" / "runner" / "__init__.py").write_text("not in any image")
    assert references(folder) == before


@pytest.mark.parametrize("path", ["images/plain/start.sh", "images/plain/Dockerfile", "images/plain/new.txt"])
def test_a_changed_or_new_file_changes_only_its_own_image(folder: Path, path: str) -> None:
    plain, agent = references(folder)
    with (folder / path).open("a") as file:
        file.write("# changed\n")
    changed = references(folder)
    assert (changed[0] != plain, changed[1] == agent) == (True, True)


def test_other_content_of_the_same_length_changes_its_image(folder: Path) -> None:
    before = references(folder)[0]
    (folder / "images" / "plain" / "start.sh").write_text("exec date\n")
    assert references(folder)[0] != before


def test_a_renamed_file_changes_its_image(folder: Path) -> None:
    before = references(folder)[0]
    (folder / "images" / "plain" / "start.sh").rename(folder / "images" / "plain" / "begin.sh")
    assert references(folder)[0] != before


@pytest.mark.parametrize("path", ["wire.py", "agent/__init__.py", "agent/new.py"])
def test_changed_code_changes_only_the_images_that_carry_it(folder: Path, path: str) -> None:
    plain, agent = references(folder)
    (folder / "package" / path).write_text("CHANGED = True\n")
    changed = references(folder)
    assert (changed[0] == plain, changed[1] != agent) == (True, True)


def test_an_image_that_is_not_there_is_said_with_its_file(folder: Path) -> None:
    with pytest.raises(ImageError) as refused:
        Images(folder / "images", folder / "package", print).reference("nginx")
    dockerfile = folder / "images" / "nginx" / "Dockerfile"
    assert str(refused.value) == f"There is no image 'nginx': {dockerfile} does not exist."


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_the_images_carry_every_module_of_ours_that_their_code_imports() -> None:
    files = [path for name in ("sidecar", "client") for path, _ in Images(SHIPPED, PACKAGE, print).context(name)]
    carried = {path for path in files if path.startswith("harness/")}
    modules = {
        module for path in carried for module in imported(PACKAGE.parent / path) if module.startswith("harness.")
    }
    paths = {
        module: (f"{module.replace('.', '/')}.py", f"{module.replace('.', '/')}/__init__.py") for module in modules
    }
    assert [module for module, places in sorted(paths.items()) if not carried.intersection(places)] == []


def test_no_shipped_build_file_names_an_index_or_a_mirror() -> None:
    addresses = re.compile(r"https?://[\w.-]*[a-z]\.[a-z]|--(?:extra-)?index-url|GOPROXY=")
    files = [path for path in SHIPPED.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert [str(path) for path in files if addresses.search(path.read_text())] == []


LOG = """\
#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s
#3 [build 1/3] FROM docker.io/library/debian:trixie-slim
#3 CACHED
#4 [stage-1 2/3] COPY start.sh /
#4 DONE 0.0s
#5 [build 2/3] RUN go install example
#5 12.10 go: downloading example
"""

FAILURE = """\
#5 14.81 go: example@v1: not found
#5 ERROR: process "/bin/sh -c go install example" did not complete successfully: exit code: 1
------
 > [build 2/3] RUN go install example:
12.10 go: downloading example
14.81 go: example@v1: not found
------
Dockerfile:3
--------------------
   3 | >>> RUN go install example
--------------------
ERROR: failed to solve: process "/bin/sh -c go install example" did not complete successfully: exit code: 1
"""

DOCKERFILE = """\
FROM debian AS build
RUN go install \\
    example
RUN strip
FROM debian
COPY start.sh /
COPY --from=build /a /
"""


def logged(text: str) -> BuildLog:
    log = BuildLog(DOCKERFILE)
    for line in text.splitlines(keepends=True):
        log.add(line)
    return log


def test_a_build_says_which_of_its_steps_it_is_at() -> None:
    assert [logged(text).step for text in ("", LOG)] == ["step 1/5", "step 3/5"]


def test_a_failed_build_says_its_step_last_lines_and_the_error() -> None:
    assert logged(LOG + FAILURE).reason == [
        " > [build 2/3] RUN go install example:",
        "go: downloading example",
        "go: example@v1: not found",
        'ERROR: failed to solve: process "/bin/sh -c go install example" did not complete successfully: exit code: 1',
    ]


def test_a_build_that_failed_before_any_step_says_its_last_lines() -> None:
    assert logged("ERROR: no builder\n\n").reason == ["ERROR: no builder"]


def test_the_users_own_certificates_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "ca.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    without = ca_bundle()
    bundle.write_text("certificates")
    assert (without != bundle, ca_bundle()) == (True, bundle)
