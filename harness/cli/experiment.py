"""``harness run``: from a name to a verdict."""

import re
import secrets
import signal
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import harness
from harness import guardian
from harness.cli import baselines, environment, healing, ollama, places, results, visit
from harness.cli.bound import Bound, Overrides, draft, load
from harness.clock import monotonic_ns, wall
from harness.drivers import able
from harness.drivers.digests import digests
from harness.drivers.docker import DockerCluster, connect
from harness.drivers.images import Images, cache_folder
from harness.drivers.provision import EngineFacts, Say, ensure_engine
from harness.errors import EngineError, ScenarioError
from harness.judge.verdict import Verdict
from harness.recording import events
from harness.recording.folder import SCENARIO, WOVEN, Recorder
from harness.report.live import Live
from harness.runner import alive
from harness.runner.inbox import Inbox, Stopped
from harness.runner.play import How, Options, Player
from harness.units import show_bytes
from harness.weave import Woven, weave
from harness.weave.pods import Labels
from harness.weave.redact import hidden, redacted
from harness.weave.weave import our_images

OURS = ("sidecar", "client", "prometheus")


@dataclass(frozen=True, slots=True)
class Result:
    """``project``: what everything of it on the engine is labelled with (only there still if it was kept)."""

    verdict: Verdict
    folder: Path
    project: str
    interrupted: bool
    took_s: float


@dataclass(frozen=True, slots=True)
class Identity:
    """``run`` names the record (``partition/2026-11-21T09-30-12-k3f7a``), ``project`` everything on the engine."""

    run: str
    project: str
    folder: Path

    @classmethod
    def new(cls, name: str, runs: Path) -> "Identity":
        suffix = "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(5))
        run = f"{name}/{wall():%Y-%m-%dT%H-%M-%S}-{suffix}"
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:30]
        return cls(run, f"chaos-{slug}-{suffix}", (runs / run).absolute())


@dataclass(frozen=True, slots=True)
class Played:
    """A run that is over and not judged yet. ``lock``: it counts as alive until that is released."""

    identity: Identity
    how: How
    lock: int


def run(name: str, overrides: Overrides, options: Options, runs: Path, live: Live) -> Result:
    """Play it, judge it, write everything down. Raises ``HarnessError``s; the cluster is gone then as well."""
    began_ns = monotonic_ns()
    if ollama.visited(draft(name).draft.cluster) is not None:
        played = _visit(load(name, overrides), overrides, options, runs, live)
    else:
        played = play(name, overrides, options, runs, live, Inbox())
    took_s = (monotonic_ns() - began_ns) / 1e9
    identity = played.identity
    verdict = results.conclude(identity.folder)
    results.point_latest(runs, identity.folder)
    alive.release(played.lock)
    return Result(verdict, identity.folder, identity.project, played.how == "interrupted", took_s)


def play(
    name: str,
    overrides: Overrides,
    options: Options,
    runs: Path,
    live: Live,
    inbox: Inbox,
    change: Callable[[Bound], Bound] = lambda bound: bound,
) -> Played:
    """Everything but the judging. ``change``: what is played in place of what the file says."""
    environment.refuse_without_docker()
    _refuse_early(name, overrides)
    facts = ensure_engine(live.say)
    healing.refuse_residue(live.say)
    bound = change(load(name, overrides))
    baseline = baselines.given(bound, overrides.baseline, without_faults=options.without_faults)
    identity = Identity.new(bound.name, runs)
    live.title(bound.name, bound.cluster.name, len(bound.cluster.nodes), bound.scenario.seed, identity.run)
    live.say(f"engine  docker {facts.server}, compose {facts.compose}, cgroup v{facts.cgroup}, kernel {facts.kernel}")
    images = Images(places.dockerfiles(), places.PACKAGE, live.say).ensure({*OURS, *our_images(bound.config)})
    live.say(f"images  {len(images)} of {len(images)} ready")
    if not options.without_faults:
        _refuse_unable(bound, images, live.say)
    labels = Labels(identity.project, str(identity.folder))
    woven = weave(bound.cluster.name, bound.config, images, labels, bound.scenario.alerts)
    DockerCluster(connect(), identity.project, woven, bound.compose_file.parent).fetch_images(live.say)
    recorder = _record(identity, bound, woven, facts, options, overrides)
    if baseline is not None:
        recorder.event(baseline, sync=True)
    lock = alive.hold(identity.folder)
    how = _play(bound, woven, identity, recorder, options, live, inbox)
    return Played(identity, how, lock)


def _visit(bound: Bound, overrides: Overrides, options: Options, runs: Path, live: Live) -> Played:
    """On an Ollama that runs already: no engine, no image, and nothing that could be left behind."""
    baseline = baselines.given(bound, overrides.baseline, without_faults=options.without_faults)
    facts = visit.look(bound)
    identity = Identity.new(bound.name, runs)
    live.title(bound.name, bound.cluster.name, len(bound.cluster.nodes), bound.scenario.seed, identity.run)
    live.say(f"{facts[1][0]}  {facts[1][1]}: it gets a load, and nothing else is done to it")
    recorder = Recorder(identity.folder)
    recorder.text(SCENARIO, bound.text)
    for file, text in bound.files:
        recorder.text(f"file-{Path(file).name}", text)
    _begin(recorder, identity, bound, facts, options, overrides)
    if baseline is not None:
        recorder.event(baseline, sync=True)
    lock = alive.hold(identity.folder)
    inbox = Inbox()
    restore = _signals_to(inbox)
    try:
        how = visit.play(bound, recorder, options, live, inbox)
    finally:
        restore()
    return Played(identity, how, lock)


def _refuse_early(name: str, overrides: Overrides) -> None:
    """A file that is wrong installs nothing: with everything that can be said of it on this machine as it is."""
    drafted = draft(name).draft
    if drafted.problems:
        try:
            load(name, overrides)
        except EngineError:
            raise ScenarioError(drafted.problems) from None


def _refuse_unable(bound: Bound, images: Mapping[str, str], say: Say) -> None:
    """What this engine or kernel cannot do is refused by name, before the cluster starts."""
    with tempfile.TemporaryDirectory(prefix="chaos-harness-able-") as name:
        # Held like a run's: `heal` leaves the trial alone while we live, and removes it if we die.
        lock = alive.hold(Path(name))
        try:
            able.refuse(bound.scenario.faults, connect(), images["sidecar"], cache_folder(), Path(name), say)
        finally:
            alive.release(lock)


def _record(
    identity: Identity, bound: Bound, woven: Woven, facts: EngineFacts, options: Options, overrides: Overrides
) -> Recorder:
    recorder = Recorder(identity.folder)
    recorder.text(SCENARIO, bound.text)
    for file, text in bound.files:
        recorder.text(f"file-{Path(file).name}", text)
    recorder.text(WOVEN, redacted(woven.text, bound.compose_file.parent))
    known = [
        ("harness", harness.__version__),
        ("engine", facts.server),
        ("compose", facts.compose),
        ("kernel", facts.kernel),
        ("cgroup", facts.cgroup),
        ("host", facts.os),
        ("cpus", str(facts.cpus)),
        ("memory", show_bytes(facts.memory_bytes)),
        *(("image", image) for image in woven.images),
        *(("digest", f"{image} {known}") for image, known in digests(connect(), woven.images).items()),
        *(("model", name) for name in filter(None, [ollama.model()])),
    ]
    _begin(recorder, identity, bound, known, options, overrides)
    return recorder


def _begin(
    recorder: Recorder,
    identity: Identity,
    bound: Bound,
    facts: Sequence[tuple[str, str]],
    options: Options,
    overrides: Overrides,
) -> None:
    recorder.event(
        events.Began(
            at_ns=monotonic_ns(),
            schema=events.SCHEMA,
            run=identity.run,
            project=identity.project,
            scenario=bound.name,
            seed=bound.scenario.seed,
            wall=wall().isoformat(timespec="seconds"),
            without_faults=options.without_faults,
            cluster=bound.cluster,
            facts=tuple(facts),
            variables=tuple((name, hidden(name, value)) for name, value in overrides.variables),
        ),
        sync=True,
    )


def _play(
    bound: Bound, woven: Woven, identity: Identity, recorder: Recorder, options: Options, live: Live, inbox: Inbox
) -> How:
    guardian.mark_children(identity.project)
    guard = guardian.spawn(identity.project, identity.folder, keep=options.keep)
    restore = _signals_to(inbox)
    running = DockerCluster(connect(), identity.project, woven, bound.compose_file.parent)
    player = Player(bound.scenario, bound.cluster, woven.ready, running, recorder, live, inbox, options, guard.alive)
    try:
        return player.play()
    finally:
        live.close()
        restore()
        guard.done() if player.clean else guard.take_over()
        recorder.close()


def _signals_to(inbox: Inbox) -> Callable[[], None]:
    """Ctrl-C, SIGTERM and SIGHUP become an item of the inbox, once; what undoes that is returned."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in signals}
    for number in signals:
        signal.signal(number, lambda seen, _: inbox.put(Stopped(signal.Signals(seen).name)))

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore
