"""``python -m harness.agent``: JSON lines in, JSON lines out; see ``harness.wire``. End of input heals everything.

In a sidecar it changes the pod's network. With ``--beside NODE`` it runs in a container of its own that shares the
node's processes and volumes, for the length of one fault.
"""

import gc
import os
import signal
import sys
import threading

from harness.agent.agent import Agent, EndOfInput, Inbox, Supervisor
from harness.agent.beside import mechanisms
from harness.agent.clock.mechanism import Clocks
from harness.agent.kernel import Kernel, library
from harness.agent.lease import Lease
from harness.agent.metrics import Metrics
from harness.agent.namespace import Namespace
from harness.agent.outbox import Outbox
from harness.agent.place import Place
from harness.agent.probes import Prober
from harness.agent.tie import Alone, Tie
from harness.agent.toxics import Toxics
from harness.clock import monotonic_ns
from harness.errors import AgentError, WireError
from harness.primitives import LEASE_S
from harness.wire import Failed, Heartbeat, Hello, Lines, Probe, Pulse, decode_to_agent

_LAST_WORDS_S = 0.5
_SWITCH_S = 0.0002  # how long another thread may keep the interpreter from the one that fires


def _read(inbox: Inbox, outbox: Outbox, lease: Lease) -> None:
    """Until the end of input. Heartbeats are answered here, at once: other orders may have to wait their turn."""
    lines = Lines()
    try:
        while data := os.read(sys.stdin.fileno(), 1 << 16):
            for line in lines.feed(data):
                _receive(line, inbox, outbox, lease)
    except (OSError, WireError) as error:
        outbox.put(Failed(f"cannot read orders any more: {error}"))
    finally:
        inbox.put(EndOfInput())


def _receive(line: bytes, inbox: Inbox, outbox: Outbox, lease: Lease) -> None:
    try:
        order = decode_to_agent(line)
    except WireError as error:
        outbox.put(Failed(str(error)))
        return
    if isinstance(order, Heartbeat):
        now_ns = monotonic_ns()
        lease.beat(now_ns)
        outbox.put(Pulse(order.number, now_ns))
    else:
        inbox.put(order)


def _run(outbox: Outbox, beside: str | None) -> int:
    inbox, lease, metrics = Inbox(), Lease(LEASE_S), Metrics()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: inbox.put(EndOfInput()))

    def tell(probe: Probe) -> None:
        metrics.probed(probe.peer, probe.rtt_s)
        outbox.put(probe)

    supervisor: Supervisor
    if beside is None:
        metrics.serve()
        supervisor = Tie()
        place: Place = Namespace(Kernel(library()), Toxics(supervisor.beat))
        prober = Prober(tell)
    else:
        supervisor, prober = Alone(), None
        place = Place(beside, (*mechanisms(), Clocks()))
        lease.renew(monotonic_ns())
    agent = Agent(
        place=place, say=outbox.put, inbox=inbox, supervisor=supervisor, prober=prober, metrics=metrics, lease=lease
    )
    threading.Thread(target=_read, args=(inbox, outbox, lease), name="orders", daemon=True).start()
    gc.collect()
    gc.freeze()  # what lives as long as the agent is not looked through again in the middle of a moment
    return agent.run()


def main() -> int:
    sys.setswitchinterval(_SWITCH_S)
    outbox = Outbox(sys.stdout.fileno())
    outbox.put(Hello(os.getpid(), monotonic_ns()))
    try:
        code = _run(outbox, sys.argv[2] if sys.argv[1:2] == ["--beside"] else None)
    except AgentError as error:
        outbox.put(Failed(str(error)))
        code = 1
    outbox.flush(_LAST_WORDS_S)
    return code


if __name__ == "__main__":
    os._exit(main())  # a reader that is frozen, or a probe under way, must not keep the process
