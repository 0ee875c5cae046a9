import threading
from pathlib import Path

import pytest

from harness.errors import EngineError
from harness.pytest_plugin.slots import Slots, bearable


def test_what_a_machine_bears_is_what_its_user_says() -> None:
    assert bearable({"CHAOS_HARNESS_CLUSTERS": "7"}) == 7
    assert bearable({"CHAOS_HARNESS_CLUSTERS": "many"}) == bearable({}) >= 1


def test_one_more_than_the_machine_bears_waits_until_another_ends(tmp_path: Path) -> None:
    first, second, third = (Slots(2, tmp_path) for _ in range(3))
    said: list[str] = []
    first.take(said.append)
    second.take(said.append)
    with pytest.raises(EngineError, match="2 clusters have been running"):
        third.take(said.append, timeout_s=0.0)
    waiting = threading.Thread(target=third.take, args=(said.append,))
    waiting.start()
    first.release()
    waiting.join(10)
    assert not waiting.is_alive()
    told = "waiting: 2 clusters run on this machine, which is what it bears (CHAOS_HARNESS_CLUSTERS says more)"
    assert set(said) == {told}
    second.release()
    third.release()


def test_who_has_a_slot_never_waits_for_a_second(tmp_path: Path) -> None:
    slots = Slots(1, tmp_path)
    slots.take(print)
    slots.take(print)
    slots.release()
    with pytest.raises(EngineError):
        Slots(1, tmp_path).take(print, timeout_s=0.0)
    slots.release()
    Slots(1, tmp_path).take(print, timeout_s=0.0)
