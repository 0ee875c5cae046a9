import pytest

from harness.objectives import Finding
from harness.operations import Outcome
from harness.recording.events import Counted
from harness.wire import Counters, PortCount
from tests.objectives.test_words import written
from tests.recording.builder import Harm, Story, at


def counted(node: str, per_s: float, more_per_s: float = 0.0) -> tuple[Counted, ...]:
    """Once a second: so many connections opened a second, and so many more from 15 s to 35 s."""

    def opens(second: int) -> int:
        return round(second * per_s + max(0, min(second, 35) - 15) * more_per_s)

    return tuple(
        Counted(at(s), node, Counters(at(s), 0, (), (), (PortCount(11434, 9, opens(s)), PortCount(1, 9, 0))))
        for s in range(61)
    )


NODES = (*counted("n1", 20, 30), *counted("n2", 20), *counted("n3", 20))
STORY = Story(more=NODES)


def measured(story: Story, bound: str, **words: str) -> Finding:
    return written("amplification", name="it", of="chat", amplification=bound, **words).measure(story.evidence())


def test_amplification_is_the_connections_opened_behind_for_each_operation() -> None:
    assert measured(STORY, "<= 1.3", to="n1 n2 n3", in_="warmup") == Finding(
        objective="it",
        outcome="held",
        measured=1.2,
        error=0.0,
        bound="<= 1.3",
        unit="connections/operation",
        reason="540 connections were opened to n1, n2, n3: 1.2 for each operation",
        source="packets that open a connection to n1, n2, n3, counted in their pods in warmup",
    )


def test_retries_under_a_fault_show_against_the_warm_up_health_checks_and_all() -> None:
    found = [measured(STORY, f"<= {times} x warmup", to="node", in_="lost-n1") for times in (1.6, 1.4)]
    assert [(one.outcome, one.measured) for one in found] == [("held", 1.8), ("violated", 1.8)]


def test_what_was_under_way_when_the_counters_were_read_is_not_known() -> None:
    slow = STORY.but(harms=(Harm(0, 60, Outcome.OK, 0.2),))
    found = [measured(slow, bound, to="node", in_="warmup") for bound in ("<= 1.2", "<= 1.3")]
    assert [(one.outcome, one.error) for one in found] == [("inconclusive", 0.026667), ("held", 0.026667)]
    assert found[0].reason.endswith("1.2 for each operation, ± 0.027: too close to '<= 1.2' to tell")


@pytest.mark.parametrize(
    ("story", "to", "reason"),
    [
        (STORY, "n9", "there is no node and no role called n9"),
        (Story(), "n1", "n1 was counted 0 times in all, and nothing was sent in between"),
        (
            STORY.but(harms=(Harm(0, 60, Outcome.CAPPED),)),
            "n1",
            "n1 was counted 60 times in all, and nothing was sent in between",
        ),
    ],
)
def test_what_was_not_counted_is_said(story: Story, to: str, reason: str) -> None:
    found = measured(story, "<= 2", to=to)
    assert (found.outcome, found.measured, found.reason) == ("inconclusive", None, reason)
