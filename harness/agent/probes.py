"""Echo round trips to the other sidecars: ordinary connections, so that they meet whatever the traffic meets."""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from harness.clock import monotonic_ns, to_ns, to_s
from harness.wire import ECHO_PORT, Probe

PAYLOAD_BYTES = 16


async def probe(peer: str, ip: str, timeout_s: float) -> Probe:
    """One fresh connection, one small payload there and back, ``timeout_s`` for all of it."""
    sent_ns = monotonic_ns()
    payload = sent_ns.to_bytes(PAYLOAD_BYTES)
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(ip, ECHO_PORT)
            try:
                writer.write(payload)
                answer = await reader.readexactly(PAYLOAD_BYTES)
                rtt_s = to_s(monotonic_ns() - sent_ns)
            finally:
                writer.close()
                with suppress(OSError):
                    await writer.wait_closed()
    except TimeoutError:
        return Probe(peer, sent_ns, None, f"no answer within {timeout_s:g} s")
    except asyncio.IncompleteReadError:
        return Probe(peer, sent_ns, None, "closed without an answer")
    except OSError as error:
        return Probe(peer, sent_ns, None, os.strerror(error.errno) if error.errno else str(error))
    if answer != payload:
        return Probe(peer, sent_ns, None, "the answer was not what was sent")
    return Probe(peer, sent_ns, rtt_s)


class Prober:
    """Probes from a thread of its own; ``tell`` is called in that thread."""

    def __init__(self, tell: Callable[[Probe], None]) -> None:
        self._tell = tell
        self._loop = asyncio.new_event_loop()
        self._running: asyncio.Future[list[BaseException | None]] | None = None
        threading.Thread(target=self._loop.run_forever, name="probes", daemon=True).start()

    def start(self, peers: Mapping[str, str], every_s: float, timeout_s: float) -> None:
        """From now on these peers (name -> address) and no others, their probes spread over each interval."""
        self._loop.call_soon_threadsafe(self._start, dict(peers), every_s, timeout_s)

    def _start(self, peers: Mapping[str, str], every_s: float, timeout_s: float) -> None:
        if self._running:
            self._running.cancel()
        first_ns = monotonic_ns()
        self._running = asyncio.gather(
            *(
                self._keep(peer, ip, first_ns + to_ns(every_s * i / len(peers)), every_s, timeout_s)
                for i, (peer, ip) in enumerate(peers.items())
            ),
            return_exceptions=True,
        )

    async def _keep(self, peer: str, ip: str, first_ns: int, every_s: float, timeout_s: float) -> None:
        due_ns = first_ns
        async with asyncio.TaskGroup() as probes:  # a probe that waits for its answer does not delay the next one
            while True:
                await asyncio.sleep(max(0.0, to_s(due_ns - monotonic_ns())))
                probes.create_task(self._one(peer, ip, timeout_s))
                due_ns = max(due_ns + to_ns(every_s), monotonic_ns())

    async def _one(self, peer: str, ip: str, timeout_s: float) -> None:
        self._tell(await probe(peer, ip, timeout_s))
