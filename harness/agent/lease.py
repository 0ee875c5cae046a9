"""The lease an agent's faults live on: no heartbeat for so long, and everything is healed."""

from harness.clock import to_ns


class Lease:
    """Counts from the first ``renew`` on; before that (nothing is prepared yet) it never runs out."""

    def __init__(self, length_s: float) -> None:
        self.length_s = length_s
        self._ends_ns: int | None = None

    def renew(self, now_ns: int) -> None:
        self._ends_ns = now_ns + to_ns(self.length_s)

    def beat(self, now_ns: int) -> None:
        """A heartbeat: renews what has begun, and begins nothing."""
        if self._ends_ns is not None:
            self.renew(now_ns)

    def expired(self, now_ns: int) -> bool:
        return self._ends_ns is not None and now_ns >= self._ends_ns
