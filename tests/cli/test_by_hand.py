"""One fault by hand: how what is typed is read, and how what was seen of it is told."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest
from msgspec.structs import replace

from harness.cli import by_hand
from harness.cli.by_hand import Hand, concluded, fault_of, told
from harness.cli.door import Inject
from harness.cli.standing import Standing
from harness.cluster import Cluster
from harness.errors import ScenarioError
from harness.faults import Fault
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.partition import Partition
from harness.recording import events
from harness.recording.folder import Recorder, read
from harness.runner.session import Session
from harness.traffic.ollama import OllamaGenerate
from tests.recording.builder import CLUSTER, HEALED, LOST_N1, Harm, Story, at, echo
from tests.runner.fake import FakeCluster
from tests.runner.test_session import stage_of


def inject(kind: str, *first: str, for_s: float = 5.0, **words: str) -> Inject:
    return Inject(kind, first, {key.rstrip("_"): value for key, value in words.items()}, for_s)


def test_what_is_typed_is_the_line_of_a_scenario() -> None:
    cut = fault_of(inject("partition", "n1", from_="everyone", style="reject"), CLUSTER, "partition", 1)
    assert cut == Partition(name="partition", at_s=0.0, for_s=5.0, nodes=("n1",), style="reject")
    dead = fault_of(inject("kill", nodes="n1,n2", for_s=0.5), CLUSTER, "kill-2", 1)
    assert isinstance(dead, Kill) and (dead.name, dead.nodes, dead.for_s) == ("kill-2", ("n1", "n2"), 0.5)
    slow = fault_of(inject("latency", "gateway -> n1", delay="200ms"), CLUSTER, "latency", 1)
    assert isinstance(slow, Latency) and slow.proxies(CLUSTER)


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        (inject("partitoin", "n1"), "partitoin: there is no such fault; did you mean 'partition'?"),
        (inject("kill", "n9"), "names 'n9'"),
        (inject("kill", "n1", nodez="n2"), "'nodez' is not a word of it; did you mean 'nodes'?"),
        (inject("latency", "gateway -> n1"), "'delay'"),
    ],
)
def test_what_is_wrong_with_it_is_said_as_of_a_scenario_without_a_line(asked: Inject, text: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        fault_of(asked, CLUSTER, asked.kind, 1)
    assert text in str(raised.value) and ".yaml" not in str(raised.value)


GOOD = Story().but(harms=(Harm(15.01, 17.0, every=2),))


def test_what_was_seen_is_told_with_its_witness_its_end_and_what_users_met() -> None:
    evidence = GOOD.evidence()
    seen = concluded(LOST_N1, evidence, 1)
    witness, healed, chat = told(seen, evidence, ["chat"])
    assert witness.startswith("seen      ") and witness.endswith("(nftables)")
    assert healed == "healed    after 20.0 s: its time was over"
    assert chat == (
        "chat      before 751 of 751 ok · meanwhile 951 of 1,000 ok (timed out 49) · after 1,249 of 1,249 ok"
    )


def test_a_fault_that_was_stopped_early_is_none_the_worse_for_that() -> None:
    early = tuple(replace(event, after_ns=at(18.0), before_ns=at(18.0), why="order") for event in HEALED)
    evidence = Story(healed=early, rtt_s=lambda pair, sent_s: echo(pair, sent_s) if sent_s < 18 else 0.001).evidence()
    seen = concluded(LOST_N1, evidence, 1)
    assert (seen.record.seen, seen.record.healed, seen.doubts) == (True, True, ())
    assert list(told(seen, evidence, []))[1] == "healed    after 3.00 s: it was told to go"


def test_what_was_not_seen_or_not_healed_is_said_first() -> None:
    unseen = Story(rtt_s=lambda pair, sent_s: 0.001).evidence()
    assert next(told(concluded(LOST_N1, unseen, 1), unseen, [])).startswith("NOT SEEN  ")
    open_ = Story(healed=HEALED[1:]).evidence()
    assert list(told(concluded(LOST_N1, open_, 1), open_, []))[1].startswith(
        "NOT HEALED  lost-n1 was not seen to be gone"
    )
    never = Story(fired=()).evidence()
    assert list(told(concluded(LOST_N1, never, 1), never, [], "no iron")) == ["not seen  no iron"]


# --- the whole course, without containers -----------------------------------------------------------------------------


@dataclass
class Stood:
    """As much of a ``Standing`` as an injection asks for, on a cluster without containers."""

    session: Session
    folder: Path
    parts: list[Path] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        return CLUSTER

    def part(self, name: str, seed: int, runs: Path) -> Recorder:
        recorder = Recorder(runs / f"{name}-{len(self.parts)}")
        self.parts.append(recorder.folder)
        began = events.Began(self.session.now_ns(), 1, "r", "p", name, seed, "", False, CLUSTER, ())
        self.session.begin(recorder, began)
        return recorder

    def refuse_unable(self, fault: Fault) -> None:
        """This engine can do everything."""


@pytest.fixture
def stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stood]:
    for name in ("BEFORE_S", "AFTER_S"):
        monkeypatch.setattr(by_hand, name, 0.2)
    monkeypatch.setattr(by_hand, "_SEEN_S", 0.3)
    stage = stage_of(tmp_path, FakeCluster(CLUSTER))
    stage.session.open()
    yield Stood(stage.session, tmp_path)
    if stage.session.standing:
        stage.session.close()
    stage.tee.close()


CHAT = OllamaGenerate(name="chat", to="gateway", rate_per_s=50, timeout_s=0.1)


def hand(stood: Stood) -> Hand:
    return Hand(cast(Standing, stood), stood.folder / "runs", (CHAT,))


def test_a_fault_ends_when_its_time_is_over_and_the_next_has_a_name_and_a_record_of_its_own(stood: Stood) -> None:
    ours, said = hand(stood), list[str]()
    for _ in range(2):
        ours.inject(inject("partition", "n1", for_s=0.5), said.append, lambda: False)
        assert stood.session.in_force("partition") == ()
    first, second = (read(folder) for folder in stood.parts)
    assert {event.fault for event in first.events if isinstance(event, events.FaultHealed)} == {"partition"}
    assert {event.fault for event in second.events if isinstance(event, events.FaultHealed)} == {"partition-2"}
    assert first.operations["chat"] and second.operations["chat"] and first.ended and first.ended.how == "finished"
    assert any(line.startswith("in force  on ") for line in said)


def test_a_fault_that_nobody_wants_any_longer_is_healed_at_once(stood: Stood) -> None:
    wanted = threading.Event()
    said: list[str] = []
    asked = inject("kill", "n2", for_s=60.0)
    course = threading.Thread(target=hand(stood).inject, args=(asked, said.append, wanted.is_set))
    course.start()
    deadline_s = time.monotonic() + 20
    while not (stood.parts and stood.session.in_force("kill")):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    wanted.set()
    course.join(20)
    assert not course.is_alive() and stood.session.in_force("kill") == ()
    evidence = read(stood.parts[0])
    assert evidence.ended and evidence.ended.how == "interrupted" and len(evidence.healed("kill")) == 1
    assert any(line.startswith("healed    after ") for line in said)


def test_what_needs_toxiproxy_where_nothing_runs_through_it_says_how_to_start(stood: Stood) -> None:
    with pytest.raises(ScenarioError, match=r"harness up \.\.\. --link 'gateway -> n1:11434'"):
        hand(stood).inject(inject("latency", "gateway -> n1", delay="200ms"), print, lambda: False)
    assert stood.parts == []
