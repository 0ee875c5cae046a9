"""A cluster that stands until it is told to go: from a compose file to a session, guarded like a run, and back."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from msgspec.structs import replace as changed

import harness
from harness import guardian
from harness.cli import environment, healing, places
from harness.cli.bound import unknown_variables
from harness.cli.experiment import Identity
from harness.clock import monotonic_ns, wall
from harness.cluster import CLIENT, Cluster, Link, Node
from harness.drivers import able, compose
from harness.drivers.docker import DockerCluster, connect
from harness.drivers.images import Images, cache_folder
from harness.drivers.joined import JoinedCluster, Made, refuse
from harness.drivers.provision import EngineFacts, Say, facts
from harness.engine import RunningCluster
from harness.errors import ClusterError, ScenarioError
from harness.faults import Fault
from harness.guardian import Guardian
from harness.loader import Draft
from harness.recording import events
from harness.recording.folder import WOVEN, Recorder
from harness.recording.status import Status
from harness.runner import alive
from harness.runner.play import Options
from harness.runner.session import Session
from harness.runner.tee import Tee
from harness.weave import Readiness, weave
from harness.weave.pods import Labels
from harness.weave.redact import redacted
from harness.weave.weave import our_images

OURS = ("sidecar", "client", "prometheus")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to stand. ``links``: connections that are to run through Toxiproxy, which must be known at the start.

    ``beside``: the folder in which a relative path is looked for first.
    """

    compose: str
    beside: Path
    variables: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()
    ready_timeout_s: float = 60.0


class _Quiet:
    """Implements ``Watcher``: nobody looks on."""

    def __init__(self, say: Say) -> None:
        self.say = say

    def status(self, status: Status) -> None:
        """Nothing is shown."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``began``: how its own journal begins; those of its parts begin alike. ``release``: what is let go at the end."""

    session: Session
    began: events.Began
    folder: Path
    woven: str
    sidecar: str
    guard: Guardian
    release: Callable[[], None]
    say: Say

    @property
    def cluster(self) -> Cluster:
        return self.session.cluster

    def part(self, name: str, seed: int, runs: Path) -> Recorder:
        """A record of its own for what is done from now on; ``name`` is what its scenario will be called."""
        identity = Identity.new(name, runs)
        recorder = Recorder(identity.folder)
        recorder.text(WOVEN, self.woven)
        began = changed(
            self.began,
            at_ns=self.session.now_ns(),
            run=identity.run,
            scenario=name,
            seed=seed,
            wall=wall().isoformat(timespec="seconds"),
        )
        self.session.begin(recorder, began)
        return recorder

    def refuse_unable(self, fault: Fault) -> None:
        """Raises ``UnableError`` where this engine or kernel cannot do what the fault needs."""
        if fault.needs():
            able.refuse((fault,), connect(), self.sidecar, cache_folder(), self.folder, self.say)

    def down(self) -> None:
        """Heal and remove everything; raises what went wrong, and then the guardian has removed it."""
        try:
            self.session.close()
        finally:
            self.guard.done() if self.session.clean else self.guard.take_over()
            self.release()


def up(plan: Plan, runs: Path, say: Say) -> Standing:
    """Start it; returns when every node is ready. Raises ``HarnessError``s; nothing is left then."""
    file = places.compose_file(plan.compose, plan.beside)
    if file is None:
        raise ClusterError(
            f"'{plan.compose}': there is no such compose file, here or beside the test "
            f"(by name there are {', '.join(places.clusters()) or 'none'})."
        )
    name = file.stem.lower().replace("_", "-").replace(".", "-")
    if problems := tuple(unknown_variables(file, Draft(str(file), ()), plan.variables, "")):
        raise ScenarioError(problems)
    config = compose.resolve(file, "chaos", {**environment.variables(), **dict(plan.variables)})
    images = Images(places.dockerfiles(), places.PACKAGE, say).ensure({*OURS, *our_images(config)})
    healing.refuse_residue(say)
    identity = Identity.new(f"{name}-cluster", runs)
    woven = weave(name, config, images, Labels(identity.project, str(identity.folder)))
    running = DockerCluster(connect(), identity.project, woven, file.parent)
    running.fetch_images(say)
    return stand(
        identity,
        woven.cluster,
        woven.ready,
        running,
        redacted(woven.text, file.parent),
        woven.images,
        images["sidecar"],
        plan,
        say,
    )


def join(made: Mapping[str, Made], plan: Plan, runs: Path, say: Say) -> Standing:
    """Containers of testcontainers, by the names they are to have, as a cluster; they are started here."""
    refuse(made)
    ports = {name: tuple(int(str(port).partition("/")[0]) for port in one.ports) for name, one in made.items()}
    cluster = Cluster("containers", tuple(Node(name, name, name, name, ports=ports[name]) for name in made))
    for node in cluster.nodes:
        if not re.fullmatch("[a-z0-9][a-z0-9-]{0,39}", node.name) or node.name == CLIENT or node.name[:6] == "chaos-":
            raise ClusterError(f"'{node.name}' cannot name a node; use a-z, 0-9 and '-', not client, not chaos-.")
    images = Images(places.dockerfiles(), places.PACKAGE, say).ensure(OURS)
    healing.refuse_residue(say)
    identity = Identity.new("containers-cluster", runs)
    running = JoinedCluster(connect(), Labels(identity.project, str(identity.folder)), cluster, made, images)
    text = yaml.safe_dump({"containers": [node.name for node in cluster.nodes]})
    return stand(identity, cluster, (), running, text, tuple(sorted(images.values())), images["sidecar"], plan, say)


def stand(
    identity: Identity,
    cluster: Cluster,
    ready: tuple[Readiness, ...],
    running: RunningCluster,
    text: str,
    used: tuple[str, ...],
    sidecar: str,
    plan: Plan,
    say: Say,
) -> Standing:
    """Guarded from before its first container. ``text``: how it is started, for the record."""
    links = tuple(_link(text, cluster) for text in plan.links)
    recorder = Tee(identity.folder)
    recorder.text(WOVEN, text)
    began = _began(identity, cluster, facts(), used, plan)
    recorder.event(began, sync=True)
    lock = alive.hold(identity.folder)
    guard = guardian.spawn(identity.project, identity.folder, keep=False)
    options = Options(ready_timeout_s=plan.ready_timeout_s)
    session = Session(cluster, ready, running, recorder, _Quiet(say), options, guard.alive, links)

    def release() -> None:
        recorder.close()
        alive.release(lock)

    standing = Standing(session, began, identity.folder, text, sidecar, guard, release, say)
    guardian.mark_children(identity.project)
    try:
        session.open()
    except BaseException:
        _give_up(standing)
        raise
    finally:
        guardian.unmark_children()  # what a test starts later is its own: only what starts the cluster goes with it
    return standing


def _give_up(standing: Standing) -> None:
    """It did not come up, or somebody lost patience: nothing of it stays."""
    try:
        standing.down()
    except Exception as error:  # why it did not come up is raised, this is what else there is to say
        standing.say(str(error))


def _link(text: str, cluster: Cluster) -> Link:
    try:
        link = Link.parse(text)
    except ValueError as error:
        raise ClusterError(f"a link {error}.") from error
    for name in (link.source, link.target):
        if unknown := cluster.unknown(name) if name != "client" or name == link.target else None:
            raise ClusterError(f"link '{text}': {unknown}.")
    return cluster.resolve(link)


def _began(
    identity: Identity, cluster: Cluster, engine: EngineFacts, images: tuple[str, ...], plan: Plan
) -> events.Began:
    known = [
        ("harness", harness.__version__),
        ("engine", engine.server),
        ("compose", engine.compose),
        ("kernel", engine.kernel),
        ("cgroup", engine.cgroup),
        ("host", engine.os),
        *(("image", image) for image in images),
    ]
    return events.Began(
        at_ns=monotonic_ns(),
        schema=events.SCHEMA,
        run=identity.run,
        project=identity.project,
        scenario=cluster.name,
        seed=1,
        wall=wall().isoformat(timespec="seconds"),
        without_faults=False,
        cluster=cluster,
        facts=tuple(known),
        variables=plan.variables,
    )
