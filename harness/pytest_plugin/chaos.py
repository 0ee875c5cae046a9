"""What a test says to its cluster: traffic, faults, what must hold; and the verdict on all of it.

Every word is read as a scenario file's would be, and what was done is written down as one: the record of a test is the
record of a run, judged by the same judge, once and as often as anybody likes.
"""

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from harness import wire
from harness.cli import places, results
from harness.cli.standing import Standing
from harness.cli.waiting import waited
from harness.clock import to_ns
from harness.errors import HELD, EngineError, Problem, ScenarioError
from harness.faults import Fault
from harness.judge.recovery import hit
from harness.judge.seen import absent
from harness.judge.verdict import Verdict
from harness.loader import bind, parse
from harness.loader.written import Said, say, write
from harness.objectives import Finding, Objective
from harness.objectives.until import Until
from harness.operations import Operation
from harness.pytest_plugin.errors import NotHeld
from harness.pytest_plugin.settled import settled_ns
from harness.recording import events
from harness.recording.evidence import Evidence
from harness.recording.folder import LOGS, SCENARIO, read
from harness.report import terminal
from harness.report.console import console
from harness.runner.play import How
from harness.scenario import Scenario
from harness.traffic import Traffic
from harness.units import duration_s

_OPEN_S = 600.0  # a fault whose end nobody named heals by itself after so long, whatever becomes of the test
_WARMUP_S, _WARMUP_OPERATIONS = 3.0, 120  # a p95 takes a hundred
_PHASE_S = 1.0  # the shortest that a scenario may have
_AFTER_S = 1.5
_IN_FORCE_S, _SEEN_S, _HEALED_S, _ENDS_S = 20.0, 3.0, 30.0, 20.0
_SHORTEST_S = 0.1
_COLUMNS = 110
_FOREVER = "86400s"
_AGAIN_S = 0.1
_until = partial(waited, again_s=_AGAIN_S)


@dataclass(slots=True)
class Load:
    """One traffic of a test. ``warm_ns``: its warm-up is over; ``end_ns``: its last operation falls due before."""

    said: Said
    traffic: Traffic
    order: wire.Load
    warm_ns: int
    end_ns: int | None = None


@dataclass(slots=True)
class Injected:
    """One fault of a test; ``until_ns`` None: it is in force."""

    said: Said
    fault: Fault
    at_ns: int
    until_ns: int | None = None

    def dated(self, zero_ns: int) -> Said:
        """With the time it had, or has, counted from there."""
        at = self.said.now(at=_span(self.at_ns - zero_ns))
        if self.until_ns is None:
            return _open_ended(at)
        return at.now(**{"for": _span(self.until_ns - self.at_ns)})


@dataclass(repr=False)
class Chaos:
    """``name``: what its scenario is called; ``again``: the command that does all this again."""

    standing: Standing
    name: str
    runs: Path
    again: str
    seed: int = 1
    verdict: Verdict | None = None
    _loads: dict[str, Load] = field(default_factory=dict)
    _faults: dict[str, Injected] = field(default_factory=dict)
    _objectives: list[Said] = field(default_factory=list)
    _over: bool = False

    def __post_init__(self) -> None:
        self._began_s = time.monotonic()
        self._session = self.standing.session
        self.folder = self.standing.part(self.name, self.seed, self.runs).folder

    def __repr__(self) -> str:
        return f"<Chaos on {self.standing.cluster.name}, recorded in {places.shown(self.folder)}>"

    # --- what a test says ---------------------------------------------------------------------------------------------

    @contextmanager
    def traffic(self, name: str, *, client: str, to: str, warmup: str | None = None, **words: object) -> Iterator[Load]:
        """Put a load on the cluster; the body runs once it is warm. ``words`` are those of that client.

        ``warmup``: how long the load runs before anything is broken, which is what "as before" is measured by.
        """
        load = self._start_load(say("traffic", client, (), {"name": name, "to": to, **words}), warmup)
        try:
            yield load
        finally:
            self._end_load(load)

    @contextmanager
    def fault(self, said: Said) -> Iterator[Fault]:
        """Break something; the body runs while it is in force, and however it ends, all is healed afterwards."""
        injected = self._inject(said)
        try:
            yield injected.fault
        finally:
            self._heal(injected)

    def assert_restored(
        self,
        within: str,
        *,
        of: str | None = None,
        after: str | None = None,
        hold: str | None = None,
        well: str | None = None,
        name: str | None = None,
    ) -> Finding:
        """The service is well again so soon, and stays so for ``hold``; waits until that is known.

        Counted from the last fault's beginning while it is in force, from its end once it is healed.
        """
        __tracebackhide__ = True
        words = {"of": of, "after": after, "hold": hold, "well": well, "name": name}
        return self.assert_objective(say("objectives", "restored", (f"<= {within}",), words))

    def assert_objective(self, said: Said) -> Finding:
        """Ask for it: ``Success(">= 99%", of="chat")``. Raises ``NotHeld`` as soon as it is known to be broken.

        What cannot be known yet (Prometheus is asked at the end) is known in the verdict, and so is whether it stands.
        """
        __tracebackhide__ = True  # whoever reads a failed test looks at the test
        asked = said.but(name=self._free(said.kind), of=self._only_traffic(said), after=self._last_moment(said))
        objective = next(o for o in self._scenario(asked).objectives if o.name == asked.name)
        self._objectives.append(asked)
        finding = self._measured(objective)
        if finding.outcome == "violated":
            raise NotHeld(f"{finding.reason}; {objective.name} must be {objective.bound.text}")
        if finding.outcome == "inconclusive" and isinstance(objective, Until):
            raise NotHeld(f"it cannot be told whether {objective.name} is {objective.bound.text}: {finding.reason}")
        return finding

    def operations(self, traffic: str) -> tuple[Operation, ...]:
        """Every operation that has ended, by due time."""
        self._session.flush()
        return tuple(read(self.folder).operations.get(traffic, ()))

    # --- traffic ------------------------------------------------------------------------------------------------------

    def _start_load(self, said: Said, warmup: str | None) -> Load:
        if self._faults:
            raise _wrong(said.name, "begins after the first fault, so there is no warm-up: begin it before")
        if said.has("shape"):
            raise _wrong(said.name, "has a shape, which is played in phases: write a rate, and break it by hand")
        traffic = next(t for t in self._scenario(said).traffic if t.name == said.name)
        warm_s = max(_WARMUP_S, _WARMUP_OPERATIONS * traffic.gap_s) if warmup is None else duration_s(warmup)
        order = self._session.start_load(traffic, self.seed)
        load = Load(said, traffic, order, order.start_ns + to_ns(max(_PHASE_S, warm_s)))
        self._loads[said.name] = load
        _until(lambda: self._settled_ns(load) >= load.warm_ns, warm_s + traffic.timeout_s + _ENDS_S)
        if len(self._loads) == 1:
            self._session.note_clocks()
        return load

    def _end_load(self, load: Load) -> None:
        """Not before there was something to see of the time after the last fault."""
        last_ns = max((fault.until_ns or 0 for fault in self._faults.values()), default=0)
        least_ns = self._faults_end_ns() + to_ns(_AFTER_S)
        load.end_ns = max(self._session.now_ns(), last_ns + to_ns(_AFTER_S), least_ns)
        self._session.end_load(load.said.name, load.end_ns)
        left_s = (load.end_ns - self._session.now_ns()) / 1e9
        ended = partial(self._session.load_ended, load.said.name)
        if not _until(ended, left_s + load.traffic.timeout_s + _ENDS_S):
            self._session.trouble("client-lost", f"The load of {load.said.name} did not end when it was told to.")

    def _settled_ns(self, load: Load) -> int:
        return settled_ns(load.order, self.operations(load.said.name), self._session.now_ns())

    # --- faults -------------------------------------------------------------------------------------------------------

    def _inject(self, said: Said) -> Injected:
        named = said.but(name=self._free(said.kind))
        if any(load.end_ns for load in self._loads.values()):
            raise _wrong(named.name, "comes after the end of the traffic, where nobody would meet it")
        first_ns = min((fault.at_ns for fault in self._faults.values()), default=self._session.now_ns())
        at = _span(self._session.now_ns() - first_ns)
        dated = _open_ended(named).now(at=at)
        fault = next(f for f in self._scenario(dated).faults if f.name == named.name)
        if missing := sorted(fault.proxies(self.standing.cluster) - self._session.links):
            links = ", ".join(f"'{link}'" for link in missing)
            raise _wrong(
                named.name,
                f"needs {links} to run through Toxiproxy from the start: say links=[{links}] where the cluster is "
                "named, or via='packets' here if the fault has that word",
            )
        self.standing.refuse_unable(fault)
        _until(self._session.whole, _IN_FORCE_S)
        injected = Injected(named, fault, self._session.inject(fault, self.seed))
        self._faults[named.name] = injected
        try:
            self._until_in_force(injected)
        except BaseException:
            self._heal(injected)
            raise
        return injected

    def _until_in_force(self, injected: Injected) -> None:
        """Its parts say so themselves; then what meets it is waited for, as long as that makes sense."""
        fault, cluster = injected.fault, self.standing.cluster

        def there() -> bool:
            evidence = self._recorded()
            if failed := evidence.failed(fault.name):
                raise EngineError(f"{fault.name} could not be injected on {failed[0].node}: {failed[0].text}")
            return evidence.in_force(fault.name) is not None and not absent(fault, evidence, cluster)

        def seen() -> bool:
            evidence = self._recorded()
            in_force = evidence.in_force(fault.name)
            return in_force is not None and fault.sighting(evidence, cluster, in_force).seen

        if not _until(there, _IN_FORCE_S):
            raise EngineError(f"{fault.name} was not in force {_IN_FORCE_S:g} s after it was asked for.")
        if not _until(seen, _SEEN_S):
            self.standing.say(f"{fault.name} is in force, and nothing has met it yet: the verdict will say if it was")

    def _heal(self, injected: Injected) -> None:
        if injected.until_ns is not None:
            return
        name, now_ns = injected.fault.name, self._session.now_ns()
        time.sleep(max(0.0, _SHORTEST_S - (now_ns - injected.at_ns) / 1e9))
        planned_ns = injected.at_ns + to_ns(injected.fault.for_s)
        injected.until_ns = max(injected.at_ns + to_ns(_SHORTEST_S), min(self._session.now_ns(), planned_ns))
        self._session.heal(name)
        if not _until(lambda: not self._session.in_force(name), _HEALED_S):
            where = ", ".join(self._session.in_force(name))
            self._session.trouble("not-healed", f"Nothing said that {name} was healed on {where}.")
        _until(self._session.whole, _HEALED_S)

    # --- objectives ---------------------------------------------------------------------------------------------------

    def _measured(self, objective: Objective) -> Finding:
        """As far as it can be known now: what fell due so far is waited for, and the end of a recovery."""
        load = self._loads.get(objective.traffic_name or "")
        if load is None:
            return objective.finding("inconclusive", "it is known when the test is over")
        now_ns = self._session.now_ns()
        patience_s = load.traffic.timeout_s + _ENDS_S
        _until(lambda: self._settled_ns(load) >= min(now_ns, load.end_ns or now_ns), patience_s)
        finding = objective.measure(self._so_far())
        if not isinstance(objective, Until):
            return finding
        hold_s: float = getattr(objective, "hold_s", 0.0)
        deadline_s = time.monotonic() + objective.bound.limit + hold_s + patience_s
        while finding.outcome == "inconclusive" and load.end_ns is None and time.monotonic() < deadline_s:
            time.sleep(_AGAIN_S)
            finding = objective.measure(self._so_far())
        return finding

    def _so_far(self) -> Evidence:
        """The record as it would be judged if the test ended where all of it is known."""
        evidence = self._recorded()
        now_ns = self._session.now_ns()
        known_ns = min(
            settled_ns(load.order, evidence.operations.get(name, ()), load.end_ns or now_ns)
            for name, load in self._loads.items()
        )
        operations = {
            name: tuple(operation for operation in all_of_it if operation.due_ns < known_ns)
            for name, all_of_it in evidence.operations.items()
        }
        phases = [(name, since_ns) for name, since_ns in self._phases(known_ns) if since_ns <= known_ns]
        began = tuple(events.PhaseBegan(now_ns, name, since_ns) for name, since_ns in phases)
        cluster = self.standing.cluster
        whole = replace(evidence, events=(*evidence.events, *began), operations=operations)
        pairs = [(one.fault, load.traffic) for one in self._faults.values() for load in self._loads.values()]
        return replace(whole, hit={(f.name, t.name): hit(f, t.to, cluster, whole) for f, t in pairs})

    def _recorded(self) -> Evidence:
        self._session.flush()
        return read(self.folder)

    def _only_traffic(self, said: Said) -> str | None:
        return next(iter(self._loads)) if said.knows("of") and len(self._loads) == 1 else None

    def _last_moment(self, said: Said) -> str | None:
        if not said.knows("after") or not self._faults:
            return None
        last = max(self._faults.values(), key=lambda fault: fault.at_ns)
        return last.said.name if last.until_ns is None else f"end of {last.said.name}"

    # --- the scenario that it is --------------------------------------------------------------------------------------

    def _scenario(self, *more: Said) -> Scenario:
        """What was said so far, and this; raises ``ScenarioError`` with what is wrong, as words and not as lines."""
        text = self._text({"warmup": _FOREVER, "faults": _FOREVER, "recovery": _FOREVER}, *more)
        try:
            return bind(parse(text, f"{self.name}.yaml"), self.standing.cluster, self.seed)
        except ScenarioError as error:
            raise ScenarioError([Problem(self.name, 0, problem.text) for problem in error.problems]) from None

    def _text(self, phases: Mapping[str, str], *more: Said) -> bytes:
        zero_ns = self._faults_start_ns()
        faults = [one.dated(zero_ns) for one in self._faults.values()]
        said = [*(load.said for load in self._loads.values()), *faults, *self._objectives, *more]
        for part, stand_in in (("traffic", self._any_traffic), ("objectives", self._truth)):
            if not any(one.part == part for one in said):
                said += stand_in(said)
        head = {
            "scenario": self.name,
            "about": f"What {self.again} did to its cluster.",
            "cluster": self.standing.cluster.name,
            "seed": str(self.seed),
        }
        return write(head, phases, said)

    def _any_traffic(self, said: list[Said]) -> list[Said]:
        """A scenario has some; what is read without it is never judged."""
        to = next((node.name for node in self.standing.cluster.nodes if node.ports), "nobody")
        return [say("traffic", "http", (), {"name": "nothing", "to": to, "rate": "1/s"})]

    @staticmethod
    def _truth(said: list[Said]) -> list[Said]:
        """Where a test asks for nothing of its traffic, its answers must be true at least."""
        names = [one.name for one in said if one.part == "traffic"]
        words = [{"name": "truth" if len(names) == 1 else f"truth-{name}"[:40], "of": name} for name in names]
        return [say("objectives", "wrong", ("== 0",), one) for one in words]

    def _free(self, kind: str) -> str:
        """``kind``, or with a number behind it."""
        taken = {*self._faults, *self._loads, *(said.name for said in self._objectives)}
        names = (kind if n == 1 else f"{kind}-{n}" for n in range(1, 10_000))
        return next(name for name in names if name not in taken)

    def _phases(self, end_ns: int) -> tuple[tuple[str, int], ...]:
        """(what, since when): the warm-up of all traffic, from the first fault to the last heal, and what was left."""
        began_ns = max((load.order.start_ns for load in self._loads.values()), default=0)
        return (
            ("warmup", began_ns),
            ("faults", self._faults_start_ns()),
            ("recovery", self._faults_end_ns()),
            ("end", end_ns),
        )

    def _faults_start_ns(self) -> int:
        warm_ns = max((load.warm_ns for load in self._loads.values()), default=0)
        return min((fault.at_ns for fault in self._faults.values()), default=warm_ns)

    def _faults_end_ns(self) -> int:
        least_ns = self._faults_start_ns() + to_ns(_PHASE_S)
        now_ns = self._session.now_ns()
        return max([least_ns, *(fault.until_ns or now_ns for fault in self._faults.values())])

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self, how: How = "finished") -> None:
        """Judge what was done. Raises ``NotHeld`` with the verdict, where it is not that all held."""
        __tracebackhide__ = True
        if self._over:
            return
        self._over = True
        verdict = self._concluded(how)
        if verdict is not None and verdict.exit_code != HELD:
            raise NotHeld(self.told())

    def _concluded(self, how: How) -> Verdict | None:
        for injected in self._faults.values():
            self._heal(injected)
        if not self._loads:
            self._session.finish((), how)
            return None
        end_ns = min(load.end_ns or self._session.now_ns() for load in self._loads.values())
        phases = self._phases(end_ns)
        spans = {name: _span(phases[at + 1][1] - since_ns) for at, (name, since_ns) in enumerate(phases[:-1])}
        text = self._text(spans)
        (self.folder / SCENARIO).write_bytes(text)
        scenario = bind(parse(text, f"{self.name}.yaml"), self.standing.cluster, self.seed)
        self._session.note_clocks()
        self._session.ask(scenario, phases[0][1], end_ns)
        self._session.save_logs(self.folder / LOGS)
        self._session.finish(phases, how)
        self.verdict = results.conclude(self.folder)
        return self.verdict

    def told(self) -> str:
        """The verdict as a terminal shows it; where there is none, why."""
        if self.verdict is None:
            return f"nothing was judged: the test had no traffic; what happened is in {places.shown(self.folder)}"
        out = io.StringIO()
        took_s = time.monotonic() - self._began_s
        shown = console(out, plain=True)
        shown.width = _COLUMNS
        terminal.render(self.verdict, places.shown(self.folder / results.REPORT), self.again, took_s, shown)
        return out.getvalue().rstrip()


def _open_ended(said: Said) -> Said:
    return said.but(**{"for": f"{_OPEN_S:g}s"})


def _span(length_ns: int) -> str:
    """A duration to the nanosecond, so that sums are what they are."""
    return f"{length_ns // 1_000_000_000}.{length_ns % 1_000_000_000:09d}s"


def _wrong(name: str, text: str) -> ScenarioError:
    return ScenarioError([Problem(name, 0, text)])
