"""A load on what runs already."""

import pytest

from harness.drivers.visited import Visited
from harness.errors import EngineError
from harness.recording import events
from harness.runner.visit import Visit
from tests.runner.conftest import READY, Stage


def test_a_visit_asks_and_loads_and_does_nothing_else(stage: Stage) -> None:
    stage.play(by=Visit)
    assert (stage.how, stage.clean, stage.ending()) == ("finished", True, ("finished", False, ()))
    assert stage.fake.calls == ["save logs", "stop"] and stage.fake.agents == {}
    assert len(stage.evidence.operations["chat"]) == 40
    assert {event.node for event in stage.evidence.of(events.AnsweredItself)} == {question.node for question in READY}
    assert stage.of(events.Asked, events.Scraped, events.Used, events.UseUnseen, events.Trouble) == []


def test_a_visit_says_who_does_not_answer_and_leaves(stage: Stage) -> None:
    stage.but(wrong_answers=frozenset({"n2"})).play(by=Visit)
    assert str(stage.error) == "Waited 1 s for a right answer from n2 (refused)."
    assert (stage.fake.calls, stage.clean, stage.ending()[0]) == (["save logs", "stop"], True, "failed")


@pytest.mark.parametrize("deed", ["kill", "freeze", "start", "thaw", "crash", "restart", "open_agent", "monitor"])
def test_what_is_visited_is_not_changed(deed: str) -> None:
    words = {"crash": ("n1", "f"), "restart": ("n1", 1.0), "monitor": ()}.get(deed, ("n1",))
    with pytest.raises(EngineError, match=r"^what runs at 127\.0\.0\.1 is not ours: it is asked"):
        getattr(Visited("127.0.0.1"), deed)(*words)
