"""The figures of one traffic as plain numbers: cheap to count, and everything Prometheus asks is computed from them."""

from bisect import bisect_left

from harness.client.settled import Settling
from harness.clock import to_s
from harness.operations import LATENCY_BOUNDS_S, Operation, Outcome


class Tally:
    """Outcomes, latencies, and outages.

    An outage begins with the due time of the first operation that failed after (by due time) the last success, and
    ends when an operation due after that first failure succeeds. An old operation that times out while newer ones are
    answered is a failure but not an outage. CAPPED operations say nothing about the system and are only counted.
    """

    def __init__(self) -> None:
        self.outcomes = [0] * len(Outcome)
        self.latencies = [0] * (len(LATENCY_BOUNDS_S) + 1)  # per bound, the last one beyond all
        self.latency_sum_s = 0.0
        self.in_flight = 0
        self.settling = Settling()
        self.last_recovery_s = 0.0
        self._succeeded_due_ns = 0
        self._failed_due_ns: int | None = None
        self._until_ns: int | None = None

    def count(self, operation: Operation) -> None:
        self.outcomes[operation.outcome] += 1
        if operation.outcome is Outcome.CAPPED:
            self.settling.count(operation.due_ns, -1)
            return
        latency_s = operation.latency_s
        bucket = bisect_left(LATENCY_BOUNDS_S, latency_s)
        self.latencies[bucket] += 1
        self.latency_sum_s += latency_s
        self.settling.count(operation.due_ns, bucket if operation.outcome is Outcome.OK else -1)
        if operation.outcome is Outcome.OK:
            self._succeeded(operation)
        elif operation.due_ns > self._succeeded_due_ns:
            self._failed_due_ns = min(self._failed_due_ns or operation.due_ns, operation.due_ns)

    def _succeeded(self, operation: Operation) -> None:
        self._succeeded_due_ns = max(self._succeeded_due_ns, operation.due_ns)
        if self._failed_due_ns is not None and operation.due_ns > self._failed_due_ns:
            self.last_recovery_s = to_s(operation.done_ns - self._failed_due_ns)
            self._failed_due_ns = None

    def open(self) -> None:
        """A load of this traffic begins: an outage it ended in is over, since nothing is known of the time between."""
        self._failed_due_ns = None
        self._until_ns = None

    def close(self, now_ns: int) -> None:
        """No more operations: an outage that lasts is as long as was seen."""
        self._until_ns = now_ns

    def outage_s(self, now_ns: int) -> float:
        """How long the current outage has lasted; 0 when there is none."""
        if self._failed_due_ns is None:
            return 0.0
        return to_s((self._until_ns or now_ns) - self._failed_due_ns)
