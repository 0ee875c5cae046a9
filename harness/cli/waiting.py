"""Waiting for something that another thread, or the engine, makes true."""

import time
from collections.abc import Callable

_AGAIN_S = 0.05


def waited(condition: Callable[[], bool], timeout_s: float, again_s: float = _AGAIN_S) -> bool:
    """Whether it came true in time; it is looked at every ``again_s``, and at once."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(again_s)
    return True
