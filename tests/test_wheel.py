"""The wheel is the whole product: what it ships travels inside it, and it works from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but what is in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("chaos_harness-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def _harness(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "harness", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_scenarios_and_clusters_that_are_shipped_work_from_any_folder(installed: Path, tmp_path: Path) -> None:
    done = _harness(installed, tmp_path, "check", "partition", "broken/kill")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(dict.fromkeys(line.split(":")[0] for line in done.stdout.splitlines())) == ["partition", "broken/kill"]


def test_a_users_own_scenario_goes_before_the_one_that_is_shipped(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "partition.yaml").write_text("scenario: partition\n")
    done = _harness(installed, tmp_path, "check", "partition")
    assert done.returncode == 2
    assert done.stderr.startswith("scenarios/partition.yaml:")


def test_images_of_the_wheel_are_those_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = (
        "from harness.cli import places; from harness.drivers.images import Images;"
        "images = Images(places.dockerfiles(), places.PACKAGE, print);"
        "print([images.reference(n) for n in ('sidecar', 'client', 'ollama', 'gateway', 'prometheus')])"
    )
    said = [
        subprocess.run(
            [sys.executable, "-P", "-c", code],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(where)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for where in (installed, ROOT)
    ]
    assert said[0] == said[1]


def test_the_report_finds_its_page(installed: Path) -> None:
    assert sorted(path.suffix for path in (installed / "harness" / "report" / "page").iterdir()) == [
        ".css",
        ".j2",
        ".js",
    ]
