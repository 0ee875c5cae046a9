"""``harness debug``: a scenario is played up to one of its faults, which then stays in force until somebody has looked.

What is played is the scenario's own warm-up, load and faults up to that moment; from there on it is another
experiment, and so nothing of it is judged.
"""

import select
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click

from harness.cli import environment, experiment, places
from harness.cli.bound import Bound, Overrides
from harness.cli.keeper import span
from harness.cli.options import RUNS, WITH
from harness.cli.sentences import sentences
from harness.cli.up import seconds
from harness.drivers.docker import connect
from harness.drivers.published import published
from harness.errors import HELD, INTERRUPTED, HarnessError, Problem, ScenarioError
from harness.faults import Fault
from harness.recording.folder import read
from harness.recording.status import Status
from harness.report.live import Live, live
from harness.runner import alive
from harness.runner.inbox import Inbox, Stopped
from harness.runner.play import Options
from harness.scenario import Scenario

ENTER, TIME = "Enter", "the end of its time"
_HOLD_MIN_S, _HOLD_MAX_S = 1.0, 3600.0
_LOOK_S = 0.2


@click.command("debug")
@click.argument("name")
@click.option("--at", "at", default=None, metavar="FAULT", help="The name of the fault to stop at [the first].")
@click.option("--for", "hold_s", default="10m", show_default=True, callback=seconds, help="How long at the most.")
@click.option("--keep", is_flag=True, help="Leave the cluster up afterwards, healed.")
@RUNS
@WITH
@sentences
def verb(
    name: str, at: str | None, hold_s: float, keep: bool, runs: Path | None, variables: tuple[tuple[str, str], ...]
) -> int:
    """Play scenario NAME up to a fault, and stop there: the fault stays until you press Enter, or the time is over.

    Then it is healed and everything is taken down. Nothing is judged.
    """
    if not _HOLD_MIN_S <= hold_s <= _HOLD_MAX_S:
        raise ScenarioError([Problem("--for", 0, f"is {hold_s:g} s: write one from 1s to 1h")])
    folder, inbox = runs or places.runs(), Inbox()
    view = Stopping(live(sys.stderr, plain=environment.in_ci()), inbox, folder, hold_s)

    def change(bound: Bound) -> Bound:
        scenario = stretched(bound.scenario, at, hold_s)
        view.fault = scenario.faults[-1]
        if any(traffic.shape for traffic in scenario.traffic):
            view.say("note    the shape of its load is played over a longer phase here")
        return replace(bound, name=f"debug-{bound.name.replace('/', '-')}", scenario=scenario)

    try:
        done = experiment.play(name, Overrides(None, variables), Options(keep=keep), folder, view, inbox, change)
    finally:
        view.close()
    alive.release(done.lock)
    click.echo(f"healed  and {'kept: harness down ' + done.identity.project if keep else 'gone'}; nothing was judged")
    click.echo(f"record  {places.shown(done.identity.folder)}")
    return HELD if view.reached and inbox.stopped_by in (None, ENTER, TIME) else INTERRUPTED


def stretched(scenario: Scenario, at: str | None, hold_s: float) -> Scenario:
    """The scenario up to that fault, which is its last one and lasts ``hold_s``. Raises ``ScenarioError``."""
    ordered = sorted(scenario.faults, key=lambda fault: fault.at_s)
    names = [fault.name for fault in ordered]
    if not names:
        raise ScenarioError([Problem(scenario.name, 0, "has no fault to stop at")])
    if at is not None and at not in names:
        raise ScenarioError([Problem("--at", 0, f"is '{at}', which is no fault of it (there are {', '.join(names)})")])
    place = names.index(at) if at else 0
    chosen = replace(ordered[place], for_s=hold_s)
    faults_s = max(chosen.at_s + hold_s, *(fault.at_s + fault.for_s for fault in (*ordered[:place], chosen)))
    phases = replace(scenario.phases, faults_s=faults_s)
    kept = (*ordered[:place], chosen)
    return replace(scenario, faults=kept, phases=phases, stop_when=(), time_limit_s=None, objectives=(), baseline=None)


@dataclass
class Stopping:
    """Implements ``Live``: as the view it has, and at the fault it says how to look and waits for Enter."""

    view: Live
    inbox: Inbox
    runs: Path
    hold_s: float
    fault: Fault | None = None
    reached: bool = False
    _run: str = ""
    _over: bool = False

    def title(self, scenario: str, cluster: str, nodes: int, seed: int, run: str) -> None:
        self._run = run
        self.view.title(scenario, cluster, nodes, seed, run)

    def say(self, text: str) -> None:
        self.view.say(text)

    def status(self, status: Status) -> None:
        self.view.status(status)
        there = any(self.fault and one.name == self.fault.name for one in status.faults)
        if there and not self.reached:
            self.reached = True
            for line in self._told():
                self.view.say(line)
            threading.Thread(target=self._wait, name="enter", daemon=True).start()
        elif self.reached and not there and not (self.fault and self.fault.ends_itself):
            self._end(TIME)

    def close(self) -> None:
        self._over = True
        self.view.close()

    def _told(self) -> Iterator[str]:
        if self.fault is None:
            return
        yield f"STOPPED at {self.fault.name}: {self.fault.describe()}; it stays for {span(self.hold_s)} at the most"
        began = read(self.runs / self._run).began
        try:
            ports = published(connect(), began.project) if began else ()
        except HarnessError:
            ports = ()  # whoever looks can ask the engine themselves
        yield from (f"  {one.node}  {one.address}  (port {one.port})" for one in ports)
        if began:
            yield f"  containers: docker ps --filter label=chaos-harness.run={began.project}"
        yield "press Enter to heal it and take everything down"

    def _wait(self) -> None:
        """Where nobody can press a key (no input, or its end) only the time ends it."""
        while not self._over:
            try:
                ready, _, _ = select.select([sys.stdin], [], [], _LOOK_S)
                line = sys.stdin.readline() if ready else None
            except (OSError, ValueError):
                return
            if line == "":
                return
            if line is not None:
                self._end(ENTER)

    def _end(self, why: str) -> None:
        if not self._over:
            self._over = True
            self.inbox.put(Stopped(why))
