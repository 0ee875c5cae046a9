"""The process that keeps a cluster up for a while: it holds the lease, breaks what it is asked to, and goes by itself.

It is started by `harness up`, in a session of its own. Its guardian removes everything if it dies or stands still.
"""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import click

from harness import guardian
from harness.cli import environment, places
from harness.cli.bound import Bound, Overrides, load
from harness.cli.by_hand import FAREWELL_S, Hand
from harness.cli.door import Caller, Door, Ended, Inject, Reply, Said, Up, encode
from harness.cli.standing import Plan, Standing, up
from harness.clock import wall
from harness.drivers.docker import connect
from harness.drivers.provision import Say, ensure_engine
from harness.drivers.published import Published, published
from harness.errors import HELD, INTERRUPTED, NO_VERDICT, WRONG_INPUT, HarnessError
from harness.recording.events import Ready
from harness.recording.folder import read
from harness.report import figures
from harness.traffic import Traffic
from harness.units import show_s

LOG = "keeper.log"
_LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Wanted:
    """``name``: of a cluster, a scenario, or a file of either. ``life_s``: how long it stands at the most."""

    name: str
    variables: tuple[tuple[str, str], ...]
    links: tuple[str, ...]
    life_s: float
    runs: Path


def keep(wanted: Wanted) -> int:
    """From start to end. What there is to say before the cluster stands goes to standard output, as door messages."""
    out = sys.stdout.buffer

    def tell(reply: Reply) -> None:
        try:
            out.write(encode(reply))
            out.flush()
        except OSError:
            return  # nobody listens any more; the end of our input says so too

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    patron = _Patron(sys.stdin.buffer)
    try:
        standing, loads = _start(wanted, lambda text: tell(Said(text)) if patron.there else _note(text))
    except HarnessError as error:
        tell(Ended(error.exit_code, str(error)))
        return error.exit_code
    except KeyboardInterrupt:
        tell(Ended(INTERRUPTED, "stopped before the cluster was up; nothing is left of it"))
        return INTERRUPTED
    project = standing.began.project
    try:
        door = Door(standing.folder)
        tell(Up(project, text(standing, published(connect(), project), wanted)))
        patron.leave()
        _to_log(standing.folder / LOG)
        guardian.mark_children(project)
    except BaseException:
        standing.down()
        raise
    Keeper(standing, Hand(standing, wanted.runs, loads), door, time.monotonic() + wanted.life_s).serve()
    return HELD


class _Patron:
    """`harness up`, as long as it waits: if it goes, so do we."""

    def __init__(self, source: IO[bytes]) -> None:
        self.there = True
        threading.Thread(target=self._watch, args=(source,), name="patron", daemon=True).start()

    def leave(self) -> None:
        self.there = False

    def _watch(self, source: IO[bytes]) -> None:
        source.read()
        if self.there:
            os.kill(os.getpid(), signal.SIGINT)


def _start(wanted: Wanted, say: Say) -> tuple[Standing, tuple[Traffic, ...]]:
    environment.refuse_without_docker()
    bound = None if is_cluster(wanted.name) else load(wanted.name, Overrides(None, wanted.variables))
    plan = plan_of(wanted, bound)
    ensure_engine(say)
    return up(plan, wanted.runs, say), tuple(t for t in bound.scenario.traffic if t.shape is None) if bound else ()


def is_cluster(name: str) -> bool:
    """Is that a compose file or a cluster's name? Else it is a scenario's."""
    if name in places.clusters() and name not in places.scenarios():
        return True
    file = Path(name)
    if not name.endswith((".yaml", ".yml")) or not file.is_file():
        return False
    return any(line.startswith("services:") for line in file.read_text(errors="replace").splitlines())


def plan_of(wanted: Wanted, bound: Bound | None) -> Plan:
    """``bound``: the scenario, whose cluster, variables and proxied links it is to have; None: a bare cluster."""
    if bound is None:
        return Plan(wanted.name, Path(), wanted.variables, wanted.links)
    scenario = bound.scenario
    links = tuple(sorted(str(link) for link in scenario.proxied(bound.cluster)))
    variables = {**dict(scenario.variables), **dict(wanted.variables)}
    file = bound.compose_file
    return Plan(str(file), file.parent, tuple(variables.items()), tuple(dict.fromkeys((*links, *wanted.links))))


def text(standing: Standing, ports: Collection[Published], wanted: Wanted) -> str:
    """What a person wants to know of a cluster that is up."""
    cluster, project = standing.cluster, standing.began.project
    ready = next((event.took_s for event in read(standing.folder).of(Ready)), 0.0)
    until = time.strftime("%H:%M", time.localtime(wall().timestamp() + wanted.life_s))
    names = [node.name for node in cluster.nodes]
    lines = [
        f"UP   {cluster.name}: {len(names)} node{'s' * (len(names) != 1)}, ready in {show_s(ready)}; it goes by itself "
        f"at {until}, in {span(wanted.life_s)}",
        "",
    ]
    width = max(10, *(len(name) for name in names))
    lines += [f"  {one.node:<{width}}  {one.address}  (port {one.port})" for one in ports]
    without = [name for name in names if name not in {one.node for one in ports}]
    if without:
        inside = "reached inside its network only; a port that its compose file publishes is published here too"
        lines.append(f"  {' '.join(without)}  {inside}")
    victim = next((node.name for node in reversed(cluster.nodes) if not node.job), names[-1])
    lines += [
        "",
        f"inject  harness inject kill {victim} --for 10s      (or another: harness list faults)",
        f"down    harness down {project}",
        f"record  {places.shown(standing.folder)}",
    ]
    return "\n".join(lines)


def span(seconds: float) -> str:
    """``30 min``; ``90 s``."""
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"


def _to_log(file: Path) -> None:
    """From here on nobody reads what we print: it goes to a file of the record, and nothing is read."""
    with file.open("ab") as log, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


@dataclass
class Keeper:
    """Serves one fault at a time until it is told to go, its time is over, or the cluster is lost."""

    standing: Standing
    hand: Hand
    door: Door
    until_s: float
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _leaving: threading.Event = field(default_factory=threading.Event)
    _waiting: list[Caller] = field(default_factory=list)

    def serve(self) -> None:
        why = "the harness itself failed"
        try:
            why = self._served()
        except KeyboardInterrupt:
            why = "a signal"
        finally:
            self._leave(why)

    def _served(self) -> str:
        """Until there is a reason to go, which it returns."""
        while not self._leaving.is_set():
            if not self.standing.session.standing:
                return f"the cluster was lost: {self.standing.session.lost()}"
            if time.monotonic() > self.until_s:
                return "its time is over"
            if caller := self.door.next(_LOOK_S):
                threading.Thread(target=self._hear, args=(caller,), name="caller", daemon=True).start()
        return "somebody asked for it"

    def _leave(self, why: str) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # it is what we are doing
        _note(f"taking the cluster down: {why}")
        self._leaving.set()
        error = ""
        if not self._busy.acquire(timeout=FAREWELL_S):
            _note("a fault is still being healed: everything is removed all the same")
        try:
            self.standing.down()
        except HarnessError as failed:
            error = str(failed)
            _note(error)
        self.door.close()
        for caller in self._waiting:
            caller.end(NO_VERDICT if error else HELD, error)

    def _hear(self, caller: Caller) -> None:
        if not isinstance(caller.request, Inject):
            self._waiting.append(caller)
            self._leaving.set()
            return
        try:
            caller.end(self._inject(caller, caller.request))
        except HarnessError as error:
            caller.end(error.exit_code, str(error))
        except Exception as error:  # whoever asked must not wait for ever for a mistake of ours
            caller.end(NO_VERDICT, figures.line(f"the harness itself failed: {type(error).__name__}: {error}"))
            traceback.print_exc()  # into our log

    def _inject(self, caller: Caller, asked: Inject) -> int:
        left_s = self.until_s - time.monotonic()
        if asked.for_s > left_s:
            caller.say(f"the cluster goes by itself in {span(max(0.0, left_s))}: a fault cannot last longer")
            return WRONG_INPUT
        if not self._busy.acquire(blocking=False):
            caller.say("another fault is in force by hand: wait for its end, or end it")
            return WRONG_INPUT
        try:
            return self.hand.inject(asked, caller.say, lambda: self._leaving.is_set() or caller.gone())
        finally:
            self._busy.release()


def _note(text: str) -> None:
    click.echo(f"{wall():%H:%M:%S}  {text}")
