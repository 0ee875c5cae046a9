"""What a test says and what it is told, on a cluster without containers whose witnesses see nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.cli import results
from harness.cli.standing import Standing
from harness.cluster import Link
from harness.errors import ScenarioError
from harness.guardian import Guardian
from harness.judge.judge import judge
from harness.judge.verdict import encode
from harness.loader.written import Said
from harness.pytest_plugin import Kill, Latency, Partition, Success
from harness.pytest_plugin.chaos import Chaos
from harness.pytest_plugin.errors import NotHeld
from harness.recording import events
from harness.recording.folder import VERDICT, read
from harness.runner.play import Options
from harness.runner.session import Session
from harness.runner.tee import Tee
from tests.recording.builder import CLUSTER
from tests.runner.conftest import READY, Looker
from tests.runner.fake import FakeCluster

LINKS = (Link("gateway", "n1"),)  # what runs through Toxiproxy


@pytest.fixture
def standing(tmp_path: Path) -> Iterator[Standing]:
    tee, fake = Tee(tmp_path / "cluster"), FakeCluster(CLUSTER)
    session = Session(CLUSTER, READY, fake, tee, Looker(), Options(ready_timeout_s=10.0), lambda: None, LINKS)
    session.open()
    guard = Guardian(["true"], tmp_path / "guardian.log")
    began = events.Began(session.now_ns(), 1, "r", "p", "ollama", 1, "2026-01-01T00:00:00+00:00", False, CLUSTER, ())
    found = Standing(session, began, tmp_path / "cluster", "services: {}", "sidecar", guard, tee.close, lambda _: None)
    yield found
    found.down()


@pytest.fixture
def chaos(standing: Standing, tmp_path: Path) -> Chaos:
    return Chaos(standing, "a-test", tmp_path / "records", "pytest test_it.py::test_it")


def test_what_nobody_saw_fails_the_test_as_inconclusive_with_the_sentence_of_the_verdict(chaos: Chaos) -> None:
    with chaos.traffic("chat", client="ollama-generate", to="gateway", rate="50/s", timeout="1s", warmup="2500ms"):
        with chaos.fault(Latency("gateway -> n1", delay="200ms")):
            assert {pair[0] for pair in chaos.standing.session._ledger.open()} == {"latency"}
        found = chaos.assert_objective(Success(">= 99%", in_="all"))
    assert (found.outcome, found.objective) == ("held", "success")
    with pytest.raises(NotHeld) as failed:
        chaos.finish()
    text = str(failed.value)
    assert text.startswith("INCONCLUSIVE   a-test: latency was never seen")
    assert "again   pytest test_it.py::test_it" in text and "report.html" in text
    scenario, evidence = results.load(chaos.folder)
    assert encode(judge(scenario, evidence)) == (chaos.folder / VERDICT).read_bytes()
    (fault,) = scenario.faults
    assert (fault.name, fault.at_s) == ("latency", 0.0) and 2.9 < fault.for_s < 60
    chaos.finish()  # it is told once


def test_harm_that_is_certain_fails_at_once_and_all_is_healed(chaos: Chaos) -> None:
    with pytest.raises(NotHeld, match=r"operations got their answer \(100 %\); success must be <= 50%"):  # noqa: SIM117
        with chaos.traffic("chat", client="ollama-generate", to="gateway", rate="400/s", timeout="1s", warmup="2s"):
            chaos.assert_objective(Success("<= 50%"))
    with pytest.raises(NotHeld, match="VIOLATED"):
        chaos.finish()


def test_however_a_body_ends_its_fault_is_healed_and_without_traffic_nothing_is_judged(chaos: Chaos) -> None:
    with pytest.raises(ZeroDivisionError), chaos.fault(Kill("n1")):
        raise ZeroDivisionError
    recorded = read(chaos.folder)
    assert [len(recorded.fired("kill")), len(recorded.healed("kill"))] == [1, 1]
    chaos.finish()
    assert chaos.verdict is None and chaos.told().startswith("nothing was judged: the test had no traffic")


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (Partition("n9"), "'nodes' names 'n9': there is no n9"),
        (Latency("gateway -> n1"), "a latency fault needs 'delay'"),
        (
            Latency("gateway -> n2", delay="200ms"),
            "latency needs 'gateway -> n2:11434' to run through Toxiproxy from the start: "
            "say links=['gateway -> n2:11434'] where the cluster is named",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_the_words_of_a_file_and_nothing_is_injected(
    chaos: Chaos, said: Said, text: str
) -> None:
    with pytest.raises(ScenarioError) as refused, chaos.fault(said):
        raise AssertionError("the body must not run")
    assert text in str(refused.value).replace(f"{chaos.name}: ", "").replace("latency: needs", "latency needs")
    assert read(chaos.folder).of(events.Intent) == ()
    chaos.finish()


def test_traffic_begins_before_the_first_fault(chaos: Chaos) -> None:
    with chaos.fault(Kill("n1")):
        pass
    with (
        pytest.raises(ScenarioError, match="begins after the first fault"),
        chaos.traffic("chat", client="ollama-generate", to="gateway", rate="50/s"),
    ):
        raise AssertionError("the body must not run")
    chaos.finish()
