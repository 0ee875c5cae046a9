"""One node after the other: each must be ready again before the next one goes."""

import threading
from collections.abc import Callable

from harness.engine import RunningCluster
from harness.primitives import Roll
from harness.runner.life.deeds import nodes_of

LOOK_EVERY_S = 0.2


def roll(running: RunningCluster, primitive: Roll, ready: Callable[[str], bool], cancelled: threading.Event) -> bool:
    """Until the last node is ready again, or somebody has ``cancelled``; True where everybody had a turn.

    The node whose turn it is when it is cancelled may be down: ``deeds.undo`` brings back whoever is.
    """
    for node in nodes_of(primitive):
        if cancelled.is_set():
            return False
        _take(running, primitive, node)
        if primitive.act != "restart":
            cancelled.wait(primitive.down_s)
            _bring_back(running, primitive, node)
        while not ready(node):
            if cancelled.wait(LOOK_EVERY_S):
                return False
    return True


def _take(running: RunningCluster, primitive: Roll, node: str) -> None:
    match primitive.act:
        case "restart":
            running.restart(node, primitive.grace_s)
        case "stop":
            running.stop_node(node, primitive.grace_s)
        case "kill":
            running.kill(node)
        case "freeze":
            running.freeze(node)


def _bring_back(running: RunningCluster, primitive: Roll, node: str) -> None:
    if primitive.act == "freeze":
        running.thaw(node)
    else:
        running.start(node)
