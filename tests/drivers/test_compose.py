"""The real plugin, as we call it. None of this needs an engine."""

from pathlib import Path

import pytest

from harness.drivers import compose
from harness.errors import ClusterError, EngineError, ImageError


def test_a_real_file_is_resolved_whole(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FROM_FILE=2\n")
    (tmp_path / "base.yaml").write_text("services: {b: {image: 'i:${FROM_FILE}'}}\n")
    (tmp_path / "x.yaml").write_text(
        "services:\n"
        "  a: {extends: {file: base.yaml, service: b}, environment: {V: '${V:-0}'}, x-harness: {port: 80}}\n"
        "  never: {image: i, profiles: [p]}\n"
    )
    assert compose.resolve(tmp_path / "x.yaml", "chaos", {"V": "7"}) == (
        'name: chaos\nservices:\n  a:\n    environment:\n      V: "7"\n    image: i:2\n    networks:\n'
        "      default: null\n    x-harness:\n      port: 80\nnetworks:\n  default:\n    name: chaos_default\n"
    )


def test_a_block_beside_a_file_goes_before_the_files_own_and_alone_the_file_is_read_as_it_is(tmp_path: Path) -> None:
    file, beside = tmp_path / "docker-compose.yml", tmp_path / "docker-compose.harness.yml"
    file.write_text("services: {a: {image: i, x-harness: {port: 80, role: r}}}\n")
    assert compose.files(file) == (file,)
    beside.write_text("services: {a: {x-harness: {port: 81}}}\n")
    assert (compose.addition(file), compose.files(file)) == (beside, (file, beside))
    resolved = compose.resolve(file, "chaos", {})
    assert resolved.partition("    x-harness:\n")[2].startswith("      port: 81\nnetworks:")


def test_what_compose_says_of_a_bad_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("services: {a: {image: i, bogus: 1}}\n")
    with pytest.raises(ClusterError) as refused:
        compose.resolve(tmp_path / "x.yaml", "chaos", {})
    assert "bogus" in str(refused.value) and "\n" not in str(refused.value)


def test_services_that_do_not_start_are_named_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(EngineError) as refused:
        compose.up("services: {a: {image: i}, b: {image: i}}\n", tmp_path, ["a", "b"])
    assert str(refused.value).startswith("the engine could not start a, b: ")
    assert f"{tmp_path}/no.sock" in str(refused.value)


def test_an_image_that_is_the_users_to_build_is_said_so_and_no_pull_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError) as refused:
        compose.pull("", tmp_path, "localhost/mpreg", "n1")
    assert str(refused.value) == (
        "Image localhost/mpreg (of n1) is not on this engine, and nobody serves it: it is yours to build, as the "
        "first lines of the compose file say; then try again."
    )


def test_without_a_docker_command_it_is_said_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError) as refused:
        compose.resolve(Path("x.yaml"), "chaos", {})
    assert str(refused.value) == "there is no docker command; install it with: make engine"
