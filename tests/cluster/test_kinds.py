"""Every kind of fault on real nodes: it bites in time, is seen and met, leaves the others alone, and is gone."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from harness.cli.bound import Overrides, load
from harness.faults import CATALOGUE
from harness.judge.verdict import FaultRecord
from harness.primitives import AnyPrimitive, Beside, EnginePrimitive
from harness.recording.events import AnyEvent, FaultFailed, FaultFired, FaultHealed, Intent, Ran
from tests.cluster.experiments import Experiment, left_of

HERE = Path(__file__).parent / "scenarios"
SCENARIOS = ("kinds-network", "kinds-life", "kinds-inside")
# From the planned instant until every node has said so. Idle: 1 to 20 ms by an agent (one beside a node has just been
# started), 10 to 400 ms by the engine.
BITES_S, BESIDE_BITES_S, ENGINE_BITES_S = 0.25, 0.5, 1.5
# These take longer, as their pages say: a container of ours starts first; what memory is left must be taken first.
LONG_BITES_S = {"crash": 4.0, "oom": 1.5}
GONE_S = 2.5  # an engine starts a container, an agent reads back what it took away
WATCHED_S = 1.5  # two echoes a second on each link: of fewer than three a late one is the median

pytestmark = pytest.mark.usefixtures("images")


def test_no_kind_of_the_catalogue_is_left_out() -> None:
    faults = [fault for name in SCENARIOS for fault in load(str(HERE / f"{name}.yaml"), Overrides()).scenario.faults]
    assert {fault.kind for fault in faults} == set(CATALOGUE)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_kind_bites_in_time_is_seen_leaves_the_others_alone_and_is_gone(
    name: str, tmp_path: Path, engine: docker.DockerClient
) -> None:
    run = Experiment.start(HERE / f"{name}.yaml", tmp_path)
    _, output = run.finish()
    events, records = run.events(), run.verdict().faults
    wrong = {record.name: (list(_wrong(record, events)), record.witness) for record in records}
    assert {fault: said for fault, said in wrong.items() if said[0]} == {}, output
    assert left_of(engine, run.project()) == []


def _wrong(record: FaultRecord, events: list[AnyEvent]) -> Iterator[str]:
    """What one fault was not as it should be."""
    intents = [event for event in events if isinstance(event, Intent) and event.fault == record.name]
    primitives = [primitive for intent in intents for primitive in intent.primitives]
    fired = {event.node for event in events if isinstance(event, FaultFired) and event.fault == record.name}
    if fired != {primitive.node for primitive in primitives}:
        yield f"fired on {sorted(fired)} alone"
    began_s, ended_s = record.planned_s
    bites_s = LONG_BITES_S.get(record.kind, max(map(_bites_s, primitives), default=0.0))
    if record.in_force_s is None or not began_s <= record.in_force_s <= began_s + bites_s:
        yield f"in force at {record.in_force_s}, planned at {began_s}"
    if record.healed_s is None or record.healed_s > ended_s + GONE_S:
        yield f"gone at {record.healed_s}, planned at {ended_s}"
    facts = {"seen": record.seen, "exercised": record.exercised, "healed": record.healed, "unharmed": record.unharmed}
    if record.in_force_s and record.healed_s and record.healed_s - record.in_force_s < WATCHED_S:
        del facts["unharmed"]
    yield from (f"not {fact}" for fact, there in facts.items() if not there)


def _bites_s(primitive: AnyPrimitive) -> float:
    if isinstance(primitive, EnginePrimitive):
        return ENGINE_BITES_S
    return BESIDE_BITES_S if isinstance(primitive, Beside) else BITES_S


def test_what_one_of_three_nodes_cannot_have_is_undone_on_the_others_and_proves_nothing(
    tmp_path: Path, engine: docker.DockerClient
) -> None:
    run = Experiment.start(HERE / "half-injected.yaml", tmp_path)
    code, output = run.finish()
    assert (code, run.verdict().outcome) == (3, "inconclusive"), output
    events = run.events()
    failed = {(event.fault, event.node) for event in events if isinstance(event, FaultFailed)}
    assert failed == {("full", "n3"), ("drained", "n3")}
    for record in run.verdict().faults:
        fired = {event.node for event in events if isinstance(event, FaultFired) and event.fault == record.name}
        healed = {event.node for event in events if isinstance(event, FaultHealed) and event.fault == record.name}
        assert fired == healed <= {"n1", "n2"}
        assert record.healed_s is None or record.healed_s < record.planned_s[1] - 1  # long before its time
        assert any(f"{record.name} could not be injected on n3" in reason for reason in run.verdict().reasons)
    undone = [event for event in events if isinstance(event, Ran) and event.command == ("rm", "/tmp/drained")]
    assert [(event.node, event.exit_code) for event in sorted(undone, key=lambda one: one.node)] == [
        ("n1", 0),
        ("n2", 0),
    ]
    assert left_of(engine, run.project()) == []
