"""One fault in a cluster that is up, for a bounded time: with a witness, with its healing, and with what users met."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from harness import wire
from harness.cli import places
from harness.cli.door import Inject
from harness.cli.standing import Standing
from harness.cli.waiting import waited
from harness.clock import to_ns
from harness.cluster import Cluster
from harness.drivers.provision import Say
from harness.errors import HELD, INCONCLUSIVE, EngineError, Problem, ScenarioError
from harness.faults import CATALOGUE, Fault
from harness.judge.seen import Seen, absent, see
from harness.loader import bind, parse
from harness.loader.reading import did_you_mean
from harness.loader.written import TABLES, say, write
from harness.operations import Outcome
from harness.recording.events import Resolved
from harness.recording.evidence import Evidence, Window
from harness.recording.folder import LOGS, read
from harness.report import figures
from harness.runner.play import How
from harness.scenario import Phases, Scenario
from harness.traffic import Traffic
from harness.units import show_planned_s, show_s
from harness.words import word_of, words_of

NAME = "by-hand"
BEFORE_S, AFTER_S = 3.0, 3.0  # of the load, so that there is something to hold the time of the fault against
FAREWELL_S = 60.0  # what healing, the last answers and the logs may take at the most
_IN_FORCE_S, _SEEN_S, _HEALED_S, _BY_ITSELF_S, _ENDS_S = 20.0, 3.0, 30.0, 3.0, 10.0
_DAY = "86400s"

Over = Callable[[], bool]


def fault_of(asked: Inject, cluster: Cluster, name: str, seed: int) -> Fault:
    """What was typed, read as a scenario's own line would be. Raises ``ScenarioError`` with all that is wrong."""
    if asked.kind not in CATALOGUE:
        text = f"there is no such fault{did_you_mean(asked.kind, CATALOGUE)}"
        raise ScenarioError([Problem(asked.kind, 0, text)])
    words = {key: _listed(asked.kind, key, text) for key, text in asked.words.items()}
    said = say("faults", asked.kind, asked.first, words).now(name=name, at="0s", **{"for": f"{asked.for_s:g}s"})
    to = next((node.name for node in cluster.nodes if node.ports), "nobody")
    load = say("traffic", "http", (), {"name": "nothing", "to": to, "rate": "1/s"})  # a scenario has some
    truth = say("objectives", "wrong", ("== 0",), {"name": "truth", "of": "nothing"})
    head = {"scenario": NAME, "about": "One fault by hand.", "cluster": cluster.name, "seed": str(seed)}
    source = write(head, {"warmup": _DAY, "faults": _DAY, "recovery": _DAY}, [load, said, truth])
    try:
        return bind(parse(source, f"{NAME}.yaml"), cluster, seed).faults[0]
    except ScenarioError as error:
        raise ScenarioError([Problem(asked.kind, 0, problem.text) for problem in error.problems]) from None


def _listed(kind: str, key: str, text: str) -> str | tuple[str, ...]:
    """``n1,n2`` where the word takes several."""
    found = words_of(TABLES["faults"][kind]).get(key)
    word = word_of(found) if found else None
    return tuple(text.split(",")) if word and word.many and "," in text else text


@dataclass
class Hand:
    """``loads``: what meets a fault, from a moment before it to a moment after it. One fault at a time."""

    standing: Standing
    runs: Path
    loads: tuple[Traffic, ...]
    seed: int = 1
    _names: dict[str, int] = field(default_factory=dict)

    def inject(self, asked: Inject, say: Say, over: Over) -> int:
        """Returns the exit code when all is healed. ``over``: nobody wants it any longer."""
        count = self._names.get(asked.kind, 0) + 1
        fault = fault_of(asked, self.standing.cluster, asked.kind if count == 1 else f"{asked.kind}-{count}", self.seed)
        self._refuse(fault)
        self._names[asked.kind] = count
        loads = () if asked.without_load else self.loads
        return Injection(self.standing, fault, loads, self.runs, self.seed, say, over).play()

    def _refuse(self, fault: Fault) -> None:
        session = self.standing.session
        if missing := sorted(fault.proxies(self.standing.cluster) - session.links):
            links = " ".join(f"--link '{link}'" for link in missing)
            text = f"needs Toxiproxy on its link from the start: harness up ... {links}, or via=packets if it has that"
            raise ScenarioError([Problem(fault.kind, 0, text)])
        self.standing.refuse_unable(fault)


@dataclass
class Injection:
    """``play`` is its whole course; what it came to is judged by the words of any run, and stands in its record."""

    standing: Standing
    fault: Fault
    traffic: tuple[Traffic, ...]
    runs: Path
    seed: int
    say: Say
    over: Over
    _orders: dict[str, wire.Load] = field(default_factory=dict)
    _at_ns: int = 0
    _gone_ns: int = 0
    _failed: str = ""

    def play(self) -> int:
        session = self.standing.session
        self._folder = self.standing.part(f"inject-{self.fault.kind}", self.seed, self.runs).folder
        self._began_ns = session.now_ns()
        how: How = "failed"
        try:
            self._warm()
            self._break()
            how = "interrupted" if self.over() else "finished"
        finally:
            self._heal()
            self._end_loads()
            session.save_logs(self._folder / LOGS)
            session.note_clocks()
            phases = (("warmup", self._began_ns), ("faults", self._at_ns), ("recovery", self._gone_ns))
            session.finish((*phases, ("end", session.now_ns())) if self._at_ns else (), how)
        return self._tell()

    # --- the course ---------------------------------------------------------------------------------------------------

    def _warm(self) -> None:
        session = self.standing.session
        session.note_clocks()
        for traffic in self.traffic:
            self._orders[traffic.name] = session.start_load(traffic, self.seed)
        if self._orders:
            first_ns = max(order.start_ns for order in self._orders.values())
            warm_ns = first_ns + to_ns(BEFORE_S)
            waited(lambda: self.over() or session.now_ns() >= warm_ns, BEFORE_S + _ENDS_S)
        waited(session.whole, _IN_FORCE_S)

    def _break(self) -> None:
        if self.over():
            return
        session, fault = self.standing.session, self.fault
        self.say(f"inject    {fault.name}: {fault.describe()}, for {show_planned_s(fault.for_s)}")
        self._at_ns = session.inject(fault, self.seed)
        until_ns = self._at_ns + to_ns(fault.for_s)
        if not waited(lambda: self.over() or bool(self._failed) or self._there(), _IN_FORCE_S):
            self._failed = f"{fault.name} was not in force {_IN_FORCE_S:g} s after it was asked for"
        if self._failed or self.over():
            return
        self.say(f"in force  on {', '.join(self._where())}; {fault.undo()}")
        waited(lambda: self.over() or self._seen() is not None, min(_SEEN_S, fault.for_s))
        self.say(f"seen      {self._seen() or 'nothing of it yet'}")
        waited(lambda: self.over() or session.now_ns() >= until_ns, fault.for_s + 1)
        if not self.over():
            waited(lambda: self.over() or not session.in_force(fault.name), _BY_ITSELF_S)

    def _heal(self) -> None:
        if not self._at_ns:
            return
        session, name = self.standing.session, self.fault.name
        session.heal(name)  # what healed by its own clock is not healed again
        if not waited(lambda: not session.in_force(name), _HEALED_S):
            where = ", ".join(session.in_force(name))
            session.trouble("not-healed", f"Nothing said that {name} was healed on {where}.")
        self._gone_ns = session.now_ns()
        waited(session.whole, _HEALED_S)

    def _end_loads(self) -> None:
        session = self.standing.session
        end_ns = session.now_ns() + to_ns(AFTER_S if self._at_ns else 0.0)
        for name in self._orders:
            session.end_load(name, end_ns)
        slowest_s = max((traffic.timeout_s for traffic in self.traffic), default=0.0)
        for name in self._orders:
            if not waited(partial(session.load_ended, name), AFTER_S + slowest_s + _ENDS_S):
                session.trouble("client-lost", f"The load of {name} did not end when it was told to.")

    # --- what the record says meanwhile -------------------------------------------------------------------------------

    def _there(self) -> bool:
        evidence = self._recorded()
        if failed := evidence.failed(self.fault.name):
            self._failed = f"{self.fault.name} could not be injected on {failed[0].node}: {failed[0].text}"
        in_force = evidence.in_force(self.fault.name)
        return in_force is not None and not absent(self.fault, evidence, self.standing.cluster)

    def _where(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(event.node for event in self._recorded().fired(self.fault.name)))

    def _seen(self) -> str | None:
        """What its witness says; None: nothing was seen of it so far."""
        evidence = self._recorded()
        in_force = evidence.in_force(self.fault.name)
        if in_force is None:
            return None
        sighting = known(self.fault, evidence, self.seed).sighting(evidence, self.standing.cluster, in_force)
        return sighting.witness if sighting.seen else None

    def _recorded(self) -> Evidence:
        self.standing.session.flush()
        return read(self._folder)

    # --- what it came to ----------------------------------------------------------------------------------------------

    def _tell(self) -> int:
        where = places.shown(self._folder)
        if not self._at_ns:
            self.say(f"nothing was injected: it was stopped before    record {where}")
            return INCONCLUSIVE
        evidence = read(self._folder)
        seen = concluded(self.fault, evidence, self.seed)
        for line in told(seen, evidence, [traffic.name for traffic in self.traffic], self._failed):
            self.say(line)
        self.say(f"record    {where}")
        return HELD if seen.record.seen and seen.record.healed and not seen.unhealed else INCONCLUSIVE


def known(fault: Fault, evidence: Evidence, seed: int) -> Fault:
    """With whoever was looked up for it (`leader`), as far as that was done."""
    if evidence.began is None:
        return fault
    found = {event.fault: dict(zip(event.targets, event.nodes, strict=True)) for event in evidence.of(Resolved)}
    alone = Scenario(NAME, "", "", seed, Phases(BEFORE_S, fault.for_s, AFTER_S), (), (fault,), ())
    return alone.resolved(evidence.began.cluster, found).faults[0]


def concluded(fault: Fault, evidence: Evidence, seed: int) -> Seen:
    """As a judge sees it. It was planned for as long as it was: who breaks by hand may stop when they like."""
    in_force, began = evidence.in_force(fault.name), evidence.began
    if began is None:
        raise EngineError("the record of this injection has no beginning: nothing can be told of it.")
    lasted_s = min(fault.for_s, in_force.window.length_s) if in_force else fault.for_s
    meant = replace(known(fault, evidence, seed), at_s=0.0, for_s=lasted_s)
    scenario = Scenario(NAME, "", began.cluster.name, seed, Phases(BEFORE_S, lasted_s, AFTER_S), (), (meant,), ())
    return see(meant, scenario, evidence, began.cluster)


def told(seen: Seen, evidence: Evidence, traffic: Collection[str], failed: str = "") -> Iterator[str]:
    """The fault's witness, its end, what there is to doubt, and what its traffic met."""
    record, in_force = seen.record, seen.in_force
    if in_force is None:
        yield f"not seen  {failed or seen.doubts[0]}"
        return
    words = "seen" if record.seen else "NOT SEEN"
    yield f"{words:<8}  {figures.line(record.witness)} ({record.via})"
    why = sorted({_WHY.get(event.why, event.why) for event in evidence.healed(record.name)})
    length = show_s(in_force.window.length_s)
    yield f"healed    after {length}: {', '.join(why)}" if in_force.healed else f"NOT HEALED  {seen.unhealed}"
    yield from (f"doubt     {figures.line(doubt)}" for doubt in seen.doubts)
    for name in traffic:
        yield f"{name:<8}  {' · '.join(_met(name, evidence, in_force.window))}"


_WHY: Mapping[str, str] = {"schedule": "its time was over", "order": "it was told to go", "end": "its harness was gone"}


def _met(traffic: str, evidence: Evidence, fault: Window) -> Iterator[str]:
    """``before 150 of 150 ok``: operations by when they fell due."""
    everything = evidence.of_traffic(traffic)
    if not len(everything):
        yield "nothing was asked"
        return
    first_ns, last_ns = everything[0].due_ns, everything[-1].due_ns + 1
    spans = {
        "before": Window(first_ns, fault.start_ns),
        "meanwhile": fault,
        "after": Window(fault.end_ns, max(last_ns, fault.end_ns)),
    }
    for name, span in spans.items():
        counts = evidence.due_in(traffic, span).counts()
        failed = {outcome.name.lower().replace("_", " "): n for outcome, n in counts.items() if outcome != Outcome.OK}
        yield f"{name} {counts[Outcome.OK]:,} of {counts.total():,} ok{figures.failures(tuple(failed.items()))}"
