"""A scenario on a system that runs already: a load, and its answers. Nothing of it is started, broken or stopped."""

from harness.recording import events
from harness.runner.play import Player


class Visit(Player):
    """A ``Player`` without pods: there is no agent and no Prometheus, and nobody looks at nodes."""

    _ending = "the load is over; what it asked goes on as it was"

    def _looked_at(self) -> tuple[str, ...]:
        return ()

    def _start(self) -> None:
        began_ns = self._now_ns()
        self._programs.open(())
        self._until(self._ready, self._asking.patience_s(self._options.ready_timeout_s), self._asking.waiting_for)
        took_s = (self._now_ns() - began_ns) / 1e9
        self._recorder.event(events.Ready(self._now_ns(), took_s))
        self._watcher.say(f"ready in {took_s:.1f} s: {self._asking.summary()}")
        self._note_clocks()

    def _ask_prometheus(self) -> None:
        """There is none: what is asked of it was refused."""
