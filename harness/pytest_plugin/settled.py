"""How far a record that is still being written can be believed. Pure."""

from collections.abc import Sequence
from itertools import islice

from harness.clock import to_ns
from harness.operations import Operation
from harness.pace import Pace
from harness.wire import Load

_LATE_S = 0.5  # what a record may be behind the operations that have ended


def settled_ns(load: Load, operations: Sequence[Operation], now_ns: int) -> int:
    """Everything that fell due before this instant has ended and is in ``operations`` (in the order of due times).

    Of an open loop every due time is known, so that the first one that is missing tells. Of a closed loop only the
    deadline does. Without this, users who still wait would be taken for users who do not.
    """
    end_ns = min(now_ns, load.end_ns)
    if load.users:
        return end_ns - to_ns(load.timeout_s + _LATE_S)
    planned = Pace(load.rate_per_s, load.shape).dues_ns(load.start_ns)
    for due_ns, operation in zip(planned, operations, strict=False):
        if operation.due_ns != due_ns:
            return min(due_ns, end_ns)
    missing = next(islice(Pace(load.rate_per_s, load.shape).dues_ns(load.start_ns), len(operations), None))
    return min(missing, end_ns)
