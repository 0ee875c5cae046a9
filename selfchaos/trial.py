"""One point: a run begins, is harmed at its instant, and everything that should be gone is looked for."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import docker

from harness.clock import monotonic_ns
from harness.errors import NO_VERDICT, WRONG_INPUT, EngineError
from harness.recording import events
from harness.recording.events import AnyEvent
from harness.recording.folder import JOURNAL
from harness.weave.pods import LABEL_RECORD, LABEL_RUN
from selfchaos import leftovers
from selfchaos.deck import Point
from selfchaos.harms import Harm, NotDone, Stage
from selfchaos.kinds import Lengths, scenario
from selfchaos.relay import Relay
from selfchaos.results import Result
from selfchaos.sidecars import Sidecars

_COMPOSE = Path(__file__).parent / "compose"
_START_S, _LEAVING_S = 8.0, 3.0  # how long these phases take, about
_LOOK_S = 0.01
_SETTLE_S = 0.7  # something that was still under way might come after everything was gone
_START_MAX_S = 90.0
# A harness that was frozen before it had started anything goes on when it is thawed, and plays its whole long run.
_ENDS_ITSELF_S = 150.0
_ENDS_S = 30.0  # for processes, once containers are gone
_DISK = "size=8m"
_SOCKET = "unix:///var/run/docker.sock"


class Trial:
    """Plays one point in a folder of its own, which is gone afterwards unless something leaked."""

    def __init__(self, client: docker.DockerClient, seed: int, point: Point, harm: Harm, command: str = "") -> None:
        self._client, self._seed, self._point, self._harm, self._command = client, seed, point, harm, command
        self._folder = Path(tempfile.mkdtemp(prefix="chaos-self-"))
        self._mark = self._folder.name
        self._records, self._temporary = self._folder / "runs", self._folder / "tmp"
        self._relay: Relay | None = None
        self._leaks: list[str] = []
        self._husks = 0

    def play(self) -> Result:
        result = self._played()
        if not result.leaks:
            shutil.rmtree(self._folder)
        return result

    def _played(self) -> Result:
        note, healed_s, removed_s, in_force = "", None, None, 0
        with ExitStack() as stack:
            try:
                self._set_up(stack)
                harness = self._start(self._records)
                peer = self._start(self._folder / "peer") if self._harm.then == "peer" else None
                stack.callback(self._clean_up)
                sidecars = Sidecars(self._client, self._records)
                self._until_instant(harness, sidecars)
                stage = Stage(
                    self._client, harness, self._records, self._mark, self._point.draw, self._relay, self._command
                )
                at_ns = self._harm.act(stage)
                removed_s = self._aftermath(harness, at_ns, sidecars)
                in_force, healed_s = sidecars.in_force(at_ns), sidecars.healed_s(at_ns)
            except NotDone as why:
                note, peer = str(why), None
                self._ends(harness, 60)
                self._gone(30)
            if peer is not None:
                self._peer_unharmed(peer)
            self._look()
        p = self._point
        return Result(
            self._seed, p.number, p.harm, p.kind, p.phase, round(p.share, 3), note, in_force, healed_s, removed_s,
            tuple(self._leaks), self._husks,
        )  # fmt: skip

    # --- before -------------------------------------------------------------------------------------------------------

    def _set_up(self, stack: ExitStack) -> None:
        for folder in (self._records, self._temporary, self._folder / "scenarios"):
            folder.mkdir()
        shutil.copytree(_COMPOSE, self._folder / "compose")
        text = scenario(self._point.kind, self._harm.lengths)
        (self._folder / "scenarios" / "self-chaos.yaml").write_text(text)
        if self._harm.needs == "disk":
            stack.enter_context(_small_disk(self._records))
        if self._harm.needs == "relay":
            self._relay = Relay(self._folder / "engine.sock", os.environ.get("DOCKER_HOST") or _SOCKET)
            stack.callback(self._relay.close)

    def _start(self, records: Path) -> "subprocess.Popen[bytes]":
        file = self._folder / "scenarios" / "self-chaos.yaml"
        command = [sys.executable, "-m", "harness", "run", str(file), "--runs", str(records)]
        with (self._folder / f"{records.name}.log").open("wb") as log:
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._environment(),
                start_new_session=True,
            )  # fmt: skip

    def _environment(self) -> dict[str, str]:
        marked = {**os.environ, leftovers.MARK: self._mark, "TMPDIR": str(self._temporary)}
        return {**marked, "DOCKER_HOST": self._relay.address} if self._relay else marked

    def _until_instant(self, harness: "subprocess.Popen[bytes]", sidecars: Sidecars) -> None:
        began_s, share, phase = time.monotonic(), self._point.share, self._point.phase
        watching = False
        while harness.poll() is None and time.monotonic() < began_s + _START_MAX_S:
            seen = self._journal()
            if not watching and any(isinstance(event, events.Ready) for event in seen):
                watching = True
                sidecars.watch()
            since_s = began_s if phase == "start" else _phase_began_s(seen, phase)
            if since_s is not None and time.monotonic() >= since_s + share * _length_s(phase, self._harm.lengths):
                return
            time.sleep(_LOOK_S)
        if harness.poll() is None:
            self._leaks.append(f"the run did not come to its phase '{phase}' in {_START_MAX_S:.0f} s")
        said = (self._folder / "runs.log").read_text(errors="replace").strip().splitlines()
        early = harness.returncode in (NO_VERDICT, WRONG_INPUT)
        raise NotDone(
            f"the run ended by itself: {said[-1] if said else 'nothing was said'}" if early else "the run was over"
        )

    def _journal(self) -> list[AnyEvent]:
        journal = next(self._records.rglob(JOURNAL), None)
        data = journal.read_bytes() if journal else b""
        whole = data[: data.rfind(b"\n") + 1]
        return [events.decode(line, "journal") for line in whole.splitlines()]

    # --- after --------------------------------------------------------------------------------------------------------

    def _aftermath(self, harness: "subprocess.Popen[bytes]", at_ns: int, sidecars: Sidecars) -> float | None:
        """How long it took until nothing was left on the engine."""
        if self._harm.then == "heal":
            harness.wait()
            _waited(lambda: not _compose_runs(self._mark), _ENDS_S)
            at_ns = self._heal(at_ns, sidecars)
        removed_s = self._gone(self._harm.bound_s, at_ns)
        if self._harm.then == "resume":
            harness.send_signal(signal.SIGCONT)
        if not self._ends(harness, _ENDS_ITSELF_S):
            self._leaks.append("the harness did not end")
        sidecars.join(5)
        return removed_s

    def _heal(self, at_ns: int, sidecars: Sidecars) -> int:
        """Nobody of ours lives: agents heal alone, containers stay, and a command removes them."""
        if sidecars.in_force(at_ns) and not _waited(lambda: sidecars.healed_s(at_ns) is not None, 10):
            self._leaks.append("the agents did not heal when harness and guardian were dead")
        began_ns = monotonic_ns()
        for project in self._projects():
            command = [sys.executable, "-m", "harness", "heal", project]
            done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=60)
            if done.returncode:
                self._leaks.append(f"harness heal: exit code {done.returncode}: {done.stdout}{done.stderr}".strip())
        return began_ns

    def _projects(self) -> set[str]:
        found = self._client.api.containers(all=True, filters={"label": LABEL_RECORD})
        found += self._client.api.networks(filters={"label": LABEL_RECORD})
        ours = [thing["Labels"] for thing in found]
        return {labels[LABEL_RUN] for labels in ours if labels[LABEL_RECORD].startswith(f"{self._folder}/")}

    def _gone(self, bound_s: float, at_ns: int | None = None) -> float | None:
        since_ns = at_ns or monotonic_ns()
        if _waited(lambda: not leftovers.on_engine(self._client, self._records), bound_s):
            return (monotonic_ns() - since_ns) / 1e9
        if left := leftovers.worse_than_husks(self._client, self._records):
            self._leaks.append(f"not gone after {bound_s:.0f} s: {', '.join(left)}")
        else:
            self._husks += 1
        return None

    @staticmethod
    def _ends(harness: "subprocess.Popen[bytes]", bound_s: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            harness.wait(bound_s)
            return True
        return False

    def _peer_unharmed(self, peer: "subprocess.Popen[bytes]") -> None:
        """The other run goes on to its end and has a verdict of its own."""
        if not self._ends(peer, 90) or peer.returncode not in (0, 1, 3):
            self._leaks.append(f"the other run ended with {peer.returncode}: see {self._folder / 'peer.log'}")

    def _look(self) -> None:
        """Everything that is there now and should not be."""
        _waited(lambda: not any(leftovers.processes(self._mark)), _ENDS_S)
        time.sleep(_SETTLE_S)
        self._leaks += leftovers.worse_than_husks(self._client, self._folder)
        self._leaks += [f"process {p.pid}: {p.command[:120]}" for p in leftovers.processes(self._mark)]
        self._leaks += [f"file {name}" for name in leftovers.in_folder(self._temporary)]

    def _clean_up(self) -> None:
        """What leaked does not disturb the next point, and a point that is broken off leaves nothing."""
        for process in leftovers.processes(self._mark):
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        for project in self._projects():
            subprocess.run([sys.executable, "-m", "harness", "heal", project], capture_output=True, timeout=60)


def _phase_began_s(seen: list[AnyEvent], phase: str) -> float | None:
    wanted = "end" if phase == "leaving" else phase
    began = [e.at_ns / 1e9 for e in seen if isinstance(e, events.PhaseBegan) and e.phase == wanted]
    return began[0] if began else None


def _length_s(phase: str, lengths: Lengths) -> float:
    return {"start": _START_S, "leaving": _LEAVING_S}.get(phase) or lengths.of(phase)


def _compose_runs(mark: str) -> bool:
    return any("compose" in process.command for process in leftovers.processes(mark))


def _waited(condition: Callable[[], bool], bound_s: float) -> bool:
    deadline_s = time.monotonic() + bound_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_LOOK_S)
    return True


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """A file system of a few megabytes, mounted where the records go."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", _DISK, "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        raise EngineError(f"no small disk could be mounted: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        _waited(lambda: subprocess.run(["umount", str(folder)], capture_output=True).returncode == 0, 10)
