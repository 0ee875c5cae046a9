"""Real runs in a process of their own, as a person starts them, and what can be asked of their records."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import docker

from harness.cli import places
from harness.cli.shorter import SHORTER
from harness.judge.verdict import Verdict, decode
from harness.recording import events
from harness.recording.events import AnyEvent
from harness.recording.folder import JOURNAL, VERDICT
from harness.weave.pods import LABEL_NODE, LABEL_PART, LABEL_RUN

LABELS = (LABEL_RUN, LABEL_PART, LABEL_NODE)


STARTED: list[subprocess.Popen[str]] = []  # by the test that is running


def end_all() -> None:
    """A test that failed in the middle leaves no run behind: it would spoil those that come after it."""
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            process.terminate()
            try:
                process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()  # its guardian heals
        if process.stdout:
            process.stdout.close()
        process.wait()


@dataclass
class Experiment:
    """One ``harness run``, still going or over. ``runs`` is the folder of records it writes to, its own."""

    process: subprocess.Popen[str]
    runs: Path

    @classmethod
    def start(cls, scenario: str | Path, runs: Path, *arguments: str) -> "Experiment":
        command = [sys.executable, "-m", "harness", "run", str(scenario), "--runs", str(runs), *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        STARTED.append(process)
        return cls(process, runs)

    def finish(self, timeout_s: float = 180) -> tuple[int, str]:
        """Exit code and everything that was printed."""
        output, _ = self.process.communicate(timeout=timeout_s)
        return self.process.returncode, output

    @property
    def folder(self) -> Path:
        return next(self.runs.rglob(JOURNAL)).parent

    def events(self) -> list[AnyEvent]:
        """What is in the journal so far; a last line that is not whole yet is left out."""
        journal = next(self.runs.rglob(JOURNAL), None)
        data = journal.read_bytes() if journal else b""
        whole = data[: data.rfind(b"\n") + 1]
        return [events.decode(line, "journal") for line in whole.splitlines()]

    def until(self, condition: Callable[[list[AnyEvent]], bool], timeout_s: float = 60) -> None:
        """Wait for something to stand in the journal."""
        deadline = time.monotonic() + timeout_s
        while not condition(self.events()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"it did not happen; so far: {self.events()[-5:]}")
            time.sleep(0.02)

    def until_in_force(self, nodes: int) -> None:
        self.until(lambda seen: sum(isinstance(e, events.FaultFired) for e in seen) >= nodes)

    def project(self) -> str:
        return next(e.project for e in self.events() if isinstance(e, events.Began))

    def verdict(self) -> Verdict:
        return decode((self.folder / VERDICT).read_bytes())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


def shortened(name: str, folder: Path) -> Path:
    """A shipped scenario with 28 s of load in place of 60: the same words, load, fault and bounds otherwise.

    The recovery phase begins 5 s after the heal, as in the whole: by then what was stuck has timed out or come.
    """
    text = places.scenario(name).read_text()
    for long, short in SHORTER:
        assert long in text, f"{name} does not say {long} any more: shorten what it says now"
        text = text.replace(long, short)
    file = folder / "scenarios" / f"{name}.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return file


def container(engine: docker.DockerClient, project: str, part: str, node: str) -> str:
    """The id of one container of a run."""
    wanted = [f"{LABEL_RUN}={project}", f"{LABEL_PART}={part}", f"{LABEL_NODE}={node}"]
    (found,) = engine.containers.list(filters={"label": wanted})
    return str(found.id)


def run_in(engine: docker.DockerClient, container_id: str, command: list[str]) -> str:
    """What a command in a container prints; it must succeed."""
    code, output = engine.containers.get(container_id).exec_run(command)
    assert code == 0 and isinstance(output, bytes), output
    return output.decode()


def left_of(engine: docker.DockerClient, project: str) -> list[str]:
    """Names of every container, network and volume that still carries the run's label."""
    label: dict[str, str | list[str] | bool] = {"label": f"{LABEL_RUN}={project}"}
    found = [c.name for c in engine.containers.list(all=True, ignore_removed=True, filters=label)]
    found += [n.name for n in engine.networks.list(filters=label)]
    found += [v.name for v in engine.volumes.list(filters=label)]
    return sorted(map(str, found))


def cut_elements(engine: docker.DockerClient, sidecar: str) -> int:
    """How many addresses the faults' sets of a sidecar hold now."""
    listed = json.loads(run_in(engine, sidecar, ["nft", "-j", "list", "table", "inet", "harness"]))
    return sum(len(item["set"].get("elem", ())) for item in listed["nftables"] if "set" in item)


def within(seconds: float, condition: Callable[[], bool]) -> float:
    """How long it took until ``condition`` held; fails when it takes longer than ``seconds``."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.01)
    return time.monotonic() - began
