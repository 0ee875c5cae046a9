"""What is done to the harness, each at one instant. A new harm is a function and one line in ``HARMS``."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
import docker.errors

from harness.clock import monotonic_ns
from harness.weave.pods import LABEL_NODE, LABEL_PART, LABEL_RECORD
from selfchaos import leftovers
from selfchaos.deck import PHASES
from selfchaos.kinds import LONG, SHORT, Lengths
from selfchaos.relay import Relay

# Sends a signal to the processes of a container whose command line holds a word, and says when, and how many they were.
_SIGNAL = """
import os, sys, time
word, number, me = sys.argv[1], int(sys.argv[2]), os.getpid()
found = []
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        command = open(f"/proc/{pid}/cmdline").read().replace(chr(0), " ")
    except OSError:
        continue
    if word in command and int(pid) not in (1, me):
        found.append(int(pid))
at_ns = time.monotonic_ns()
for pid in found:
    os.kill(pid, number)
print(at_ns, len(found))
"""


class NotDone(Exception):
    """There was nothing to harm at that instant, or this machine does not let us; the text says which."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What a harm finds: ``harness`` our process, ``records`` its folder of records, ``draw`` for a choice."""

    client: docker.DockerClient
    harness: "subprocess.Popen[bytes]"
    records: Path
    mark: str
    draw: int
    relay: Relay | None = None
    command: str = ""


@dataclass(frozen=True, slots=True)
class Harm:
    """``act`` returns the instant of the harm (CLOCK_MONOTONIC, ns) or raises ``NotDone``.

    ``bound_s``: how long afterwards everything of the run must be gone. ``then``: what follows of itself: ``gone``
    (others remove the run), ``resume`` (we let the frozen harness go on, and it must end), ``heal`` (nobody is left:
    ``harness heal`` must do it), ``peer`` (another run was going on, and must not notice).
    ``needs``: what is set up before: a relay to the engine, a small disk for the records.
    """

    about: str
    act: Callable[[Stage], int]
    bound_s: float
    phases: tuple[str, ...] = PHASES
    lengths: Lengths = SHORT
    then: Literal["gone", "resume", "heal", "peer"] = "gone"
    needs: Literal["", "relay", "disk"] = ""


def _to_harness(number: signal.Signals) -> Callable[[Stage], int]:
    def act(stage: Stage) -> int:
        if stage.harness.poll() is not None:
            raise NotDone("the run was over")
        at_ns = monotonic_ns()
        stage.harness.send_signal(number)
        return at_ns

    return act


def _both(stage: Stage) -> int:
    guardians = [process.pid for process in leftovers.processes(stage.mark) if " guard " in process.command]
    if stage.harness.poll() is not None:
        raise NotDone("the run was over")
    at_ns = monotonic_ns()
    for pid in (*guardians, stage.harness.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return at_ns


def _in_sidecar(word: str, number: signal.Signals) -> Callable[[Stage], int]:
    """To a program in one sidecar: of any pod, as the point draws it."""

    def act(stage: Stage) -> int:
        pods = _containers(stage, "pod")
        if not pods:
            raise NotDone("no sidecar was there")
        command = ["python3", "-c", _SIGNAL, word, str(int(number))]
        try:
            code, out = stage.client.containers.get(pods[stage.draw % len(pods)]).exec_run(command)
        except docker.errors.APIError as error:
            raise NotDone(f"the sidecar was gone: {error.explanation}") from error
        words = out.decode().split() if code == 0 and isinstance(out, bytes) else []
        if len(words) != 2 or words[1] == "0":
            raise NotDone(f"no process called {word} was there")
        return int(words[0])

    return act


def _restart_node(stage: Stage) -> int:
    nodes = _containers(stage, "node")
    if not nodes:
        raise NotDone("no node was there")
    at_ns = monotonic_ns()
    try:
        stage.client.containers.get(nodes[stage.draw % len(nodes)]).restart(timeout=0)
    except docker.errors.APIError as error:
        raise NotDone(f"the engine would not restart it: {error.explanation}") from error
    return at_ns


def _cut_stream(stage: Stage) -> int:
    at_ns = monotonic_ns()
    if stage.relay is None or not stage.relay.cut(stage.draw):
        raise NotDone("no stream was open")
    return at_ns


def _fill_disk(stage: Stage) -> int:
    at_ns = monotonic_ns()
    with (stage.records / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    return at_ns


def _engine(stage: Stage) -> int:
    at_ns = monotonic_ns()
    subprocess.run(stage.command, shell=True, check=True, timeout=60)
    return at_ns


def _containers(stage: Stage, part: str) -> list[str]:
    """Ids of the run's containers of one part, in the order of their nodes."""
    found = stage.client.api.containers(filters={"label": [f"{LABEL_PART}={part}"]})
    ours = [c for c in found if c["Labels"].get(LABEL_RECORD, "").startswith(f"{stage.records}/")]
    return [c["Id"] for c in sorted(ours, key=lambda c: str(c["Labels"][LABEL_NODE]))]


_PLAYING = ("warmup", "faults", "recovery")
_EARLY = ("start", "warmup", "faults")  # where what follows is waited for in a longer run: not at its end
_KILL = _to_harness(signal.SIGKILL)

HARMS = {
    "kill": Harm("harness SIGKILLed", _KILL, 30.0),
    "freeze": Harm("harness frozen (SIGSTOP)", _to_harness(signal.SIGSTOP), 45.0, _EARLY, LONG, "resume"),
    "both": Harm("harness and guardian SIGKILLed", _both, 30.0, then="heal"),
    "stream": Harm("an exec stream cut", _cut_stream, 45.0, _PLAYING, needs="relay"),
    "agent": Harm("an agent SIGKILLed", _in_sidecar("harness.agent", signal.SIGKILL), 45.0, _PLAYING),
    "agent-freeze": Harm(
        "an agent frozen", _in_sidecar("harness.agent", signal.SIGSTOP), 60.0, ("warmup", "faults"), LONG
    ),
    "toxiproxy": Harm("Toxiproxy SIGKILLed", _in_sidecar("toxiproxy-server", signal.SIGKILL), 45.0, _PLAYING),
    "node": Harm("a node restarted by hand", _restart_node, 60.0, ("faults",)),
    "disk": Harm("the disk of runs/ full", _fill_disk, 60.0, _PLAYING, needs="disk"),
    "two": Harm("one of two runs SIGKILLed", _KILL, 30.0, then="peer"),
}
ENGINE = Harm("the engine restarted", _engine, 120.0, _PLAYING)

# One round: most of its points are a SIGKILL.
DECK = (*("kill",) * 11, *(name for name in HARMS if name != "kill"))
