"""The node's processes told apart from ours, on a tree of files as the kernel writes them."""

from pathlib import Path

import pytest

from harness.agent.beside.processes import OURS, Processes
from harness.errors import AgentError

NODE, BESIDE = "/docker/node", "/docker/beside"
V1 = ("9:name=systemd:{0}", "4:memory:{1}", "2:cpu,cpuacct:{1}")
V2 = ("0::{1}",)


def add(
    proc: Path,
    pid: int,
    name: str,
    command: str,
    group: str,
    entered: str = "",
    state: str = "S",
    lines: tuple[str, ...] = V1,
) -> None:
    """``entered``: the group of those controllers that a worker of ours enters."""
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "cgroup").write_text("\n".join(line.format(group, entered or group) for line in lines) + "\n")
    (folder / "stat").write_text(
        f"{pid} ({name}) {state} " + " ".join(str(n) for n in range(4, 22)) + f" {pid * 100} 0\n"
    )
    (folder / "cmdline").write_bytes(command.replace(" ", "\0").encode() + b"\0")


def names(proc: Path, called: str = "") -> list[str]:
    return [process.name for process in Processes(proc).of_node(called)]


def test_a_node_has_the_processes_of_its_first_process_control_group(tmp_path: Path) -> None:
    add(tmp_path, 1, "serve", "/bin/serve --all", NODE)
    add(tmp_path, 7, "worker", "/bin/serve worker", NODE + "/inner")
    add(tmp_path, 8, "python3", "python3 -m harness.agent", BESIDE)
    add(tmp_path, 9, "other", "other", NODE + "s")
    assert names(tmp_path) == ["serve", "worker"]


def test_a_worker_of_ours_in_the_nodes_cpu_group_is_ours(tmp_path: Path) -> None:
    add(tmp_path, 1, "serve", "serve", NODE)
    add(tmp_path, 9, "python3", "python3 hog", BESIDE, entered=NODE)
    assert names(tmp_path) == ["serve"]


def test_a_worker_of_ours_wholly_in_the_nodes_group_is_known_by_its_name(tmp_path: Path) -> None:
    add(tmp_path, 1, "serve", "serve", NODE, lines=V2)
    add(tmp_path, 9, OURS, "python3 hog", BESIDE, entered=NODE, lines=V2)
    assert names(tmp_path) == ["serve"]


def test_a_process_is_found_by_its_name_or_by_a_part_of_its_command_line(tmp_path: Path) -> None:
    add(tmp_path, 1, "serve", "/bin/serve --all", NODE)
    add(tmp_path, 7, "we ird) name", "/bin/serve runner", NODE)
    assert names(tmp_path, "we ird) name") == names(tmp_path, "runner") == ["we ird) name"]
    assert names(tmp_path, "nobody") == []


def test_the_dead_are_no_processes(tmp_path: Path) -> None:
    add(tmp_path, 1, "serve", "serve", NODE)
    add(tmp_path, 7, "gone", "gone", NODE, state="Z")
    assert names(tmp_path) == ["serve"]


def test_without_the_nodes_first_process_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match="run this in the node's PID namespace"):
        Processes(tmp_path).of_node()
