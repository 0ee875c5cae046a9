"""A record within a record: while a cluster stays up, each thing that is done to it gets a folder of its own too."""

from harness.recording import events
from harness.recording.folder import Recorder


class Tee(Recorder):
    """The cluster's own journal has everything; while ``part`` is set, what happens is written there as well.

    Probes and operations are only ever asked for by whoever judges a part, so that nobody else keeps them.
    """

    part: Recorder | None = None
    ready: events.Ready | None = None

    def event(self, event: events.Event, *, sync: bool = False) -> None:
        super().event(event, sync=sync)
        if isinstance(event, events.Ready):
            self.ready = event
        if self.part:
            self.part.event(event, sync=sync)

    def probe(self, probe: events.Probed) -> None:
        if self.part:
            self.part.probe(probe)

    def operations(self, traffic: str, packed: bytes) -> None:
        if self.part:
            self.part.operations(traffic, packed)

    def flush(self) -> None:
        super().flush()
        if self.part:
            self.part.flush()

    def close(self) -> None:
        super().close()
        if self.part:
            self.part.close()
