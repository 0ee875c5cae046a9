"""When the next operation is to be sent: on a schedule (open loop), or as users come back (closed loop)."""

from collections import deque
from typing import Protocol

from harness.clock import to_ns
from harness.pace import Pace
from harness.wire import Load


class Arrivals(Protocol):
    """``next_ns``: when; from ``end_ns`` on: none that is known now."""

    next_ns: int

    def take(self) -> None:
        """That one is sent."""

    def freed(self, done_ns: int) -> bool:
        """An operation has ended; True if ``next_ns`` is another now."""


class Schedule:
    """Whatever became of the ones before."""

    def __init__(self, load: Load) -> None:
        self._dues_ns = Pace(load.rate_per_s, load.shape).dues_ns(load.start_ns)
        self.next_ns = next(self._dues_ns)

    def take(self) -> None:
        self.next_ns = next(self._dues_ns)

    def freed(self, done_ns: int) -> bool:
        return False


class Users:
    """Each comes back ``think_s`` after its answer; their first questions are spread evenly over one such time.

    Thinking is the same for all, so that whoever is answered first is back first.
    """

    def __init__(self, load: Load) -> None:
        self._end_ns = load.end_ns
        self._think_ns = to_ns(load.think_s)
        self._back_ns = deque(load.start_ns + user * self._think_ns // load.users for user in range(load.users))
        self.next_ns = self._back_ns[0]

    def take(self) -> None:
        self._back_ns.popleft()
        self.next_ns = self._back_ns[0] if self._back_ns else self._end_ns

    def freed(self, done_ns: int) -> bool:
        self._back_ns.append(done_ns + self._think_ns)
        before_ns, self.next_ns = self.next_ns, self._back_ns[0]
        return self.next_ns != before_ns


def arrivals(load: Load) -> Arrivals:
    return Users(load) if load.users else Schedule(load)
