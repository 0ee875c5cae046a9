"""Mechanisms of an agent beside a node: what is done to its processes, its disks and its share of the machine."""

from harness.agent.mechanism import Mechanism


def mechanisms() -> tuple[Mechanism, ...]:
    from harness.agent.beside.kept import Kept  # late: a keeper needs this package, and not what starts keepers

    return (Kept(),)
