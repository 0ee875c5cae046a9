"""When the network faults of a run were gone, seen from inside its sidecars by a program that is none of ours."""

import json
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.utils.socket import STDOUT, frames_iter_no_tty

from harness.clock import monotonic_ns
from harness.weave.pods import LABEL_PART, LABEL_RECORD
from harness.wire import TOXIPROXY_PORT, Lines

_WITNESS = (Path(__file__).parent / "witness.py").read_text()


@dataclass
class Seen:
    """What one sidecar's witness said: (instant, what was there). The last is empty once the sidecar is gone."""

    pod: str
    said: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def at(self, instant_ns: int) -> tuple[str, ...]:
        before = [what for at_ns, what in self.said if at_ns <= instant_ns]
        return before[-1] if before else ()

    def gone_ns(self, after_ns: int) -> int | None:
        """The first instant after ``after_ns`` at which nothing was there."""
        return next((at_ns for at_ns, what in self.said if at_ns > after_ns and not what), None)


class Sidecars:
    """Witnesses in every sidecar of the runs recorded under ``records``; each is read by a thread of its own."""

    def __init__(self, client: docker.DockerClient, records: Path) -> None:
        self._api, self._records = client.api, records
        self._seen: list[Seen] = []
        self._threads: list[threading.Thread] = []

    def watch(self) -> None:
        """Begin, in all sidecars that are there now."""
        for found in self._api.containers(filters={"label": [f"{LABEL_PART}=pod"]}):
            if found["Labels"].get(LABEL_RECORD, "").startswith(f"{self._records}/"):
                seen = Seen(found["Names"][0])
                thread = threading.Thread(target=self._read, args=(found["Id"], seen), daemon=True)
                self._seen.append(seen)
                self._threads.append(thread)
                thread.start()

    def in_force(self, at_ns: int) -> int:
        """How many elements and toxics were there at an instant."""
        return sum(len(seen.at(at_ns)) for seen in self._seen)

    def healed_s(self, since_ns: int) -> float | None:
        """How long after an instant the last of what was there then was gone; None: nothing was, or it still is."""
        gone_ns = [seen.gone_ns(since_ns) for seen in self._seen if seen.at(since_ns)]
        if not gone_ns or any(at_ns is None for at_ns in gone_ns):
            return None
        return (max(at_ns for at_ns in gone_ns if at_ns is not None) - since_ns) / 1e9

    def join(self, timeout_s: float) -> None:
        """Wait for the witnesses to end, which they do with their containers."""
        for thread in self._threads:
            thread.join(timeout_s)

    def _read(self, container: str, seen: Seen) -> None:
        lines = Lines()
        with suppress(docker.errors.APIError, OSError):
            started = self._api.exec_create(container, ["python3", "-c", _WITNESS, str(TOXIPROXY_PORT)], stderr=False)[
                "Id"
            ]
            file: Any = self._api.exec_start(started, socket=True)
            with closing(getattr(file, "_sock", file)) as stream, closing(file):
                stream.settimeout(None)
                for source, data in frames_iter_no_tty(file):
                    if source == STDOUT and isinstance(data, bytes):
                        for line in lines.feed(data):
                            at_ns, what = json.loads(line)
                            seen.said.append((at_ns, tuple(what)))
        seen.said.append((monotonic_ns(), ()))
