"""How late a bare timer is on this machine meanwhile: what no figure of ours can be better than."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep

from harness.clock import monotonic_ns, to_s
from harness.stats import P99, quantile

_EVERY_S = 0.005


class Noise:
    """Lateness of short sleeps, in seconds."""

    def __init__(self) -> None:
        self._late_s: list[float] = []
        self._ended = False

    def p99_s(self) -> float | None:
        return quantile(sorted(self._late_s), P99) if self._late_s else None

    def listen(self) -> None:
        while not self._ended:
            began_ns = monotonic_ns()
            sleep(_EVERY_S)
            self._late_s.append(to_s(monotonic_ns() - began_ns) - _EVERY_S)

    def stop(self) -> None:
        self._ended = True


@contextmanager
def noise() -> Iterator[Noise]:
    """Listens for as long as this lasts, from a thread of its own."""
    found = Noise()
    thread = threading.Thread(target=found.listen, name="noise", daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.stop()
        thread.join()
