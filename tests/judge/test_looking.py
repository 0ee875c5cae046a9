"""Traffic that only looks at the system is nobody's: nothing that it was not answered is lost, and nothing restored."""

from dataclasses import replace

from harness.judge.judge import judge
from harness.operations import Operation, Outcome
from harness.recording.events import LoadEnded
from harness.traffic.statuses import EtcdStatus
from tests.judge.test_recovery import ANSWERS
from tests.recording.builder import CHAT, Story, at, scenario

STATUS = EtcdStatus(name="status", to="node", users=3)


def test_what_only_looks_is_counted_for_itself_and_for_no_user() -> None:
    alone = judge(scenario(ANSWERS), Story().evidence())
    both = replace(scenario(ANSWERS), traffic=(CHAT, STATUS))
    evidence = Story(more=(LoadEnded(at(60), "status", 60, 3),)).evidence()
    silent = tuple(Operation(at(n), at(n), at(n + 1), 0, Outcome.REFUSED, 0, "") for n in range(60))
    found = judge(both, replace(evidence, operations={**evidence.operations, "status": silent}))
    assert (found.outcome, found.sentence) == ("held", alone.sentence)
    assert [recovery.traffic for recovery in found.recoveries] == ["chat"]
    assert [(record.name, record.failed) for record in found.traffic] == [("chat", 0), ("status", 60)]
