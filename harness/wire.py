"""What goes between the harness and the programs it runs in pods: JSON lines over the stdio of one long exec.

Every message is a frozen struct with a tag, so that a line decodes to exactly one of them or to a ``WireError``.
Instants are CLOCK_MONOTONIC nanoseconds of the pods' kernel (``_ns``); durations are seconds (``_s``).

What an agent is told to change is said in primitives (``harness.primitives``).
"""

from collections.abc import Iterator
from typing import Literal, TypeVar

import msgspec

from harness.errors import WireError
from harness.primitives import AgentPrimitive

ECHO_PORT = 17071  # a sidecar's TCP echo; every rule for a link covers it too, so that the witness meets the fault
METRICS_PORT = 17072  # Prometheus metrics of agent (in sidecars); never touched by a fault
CLIENT_METRICS_PORT = 17073  # Prometheus metrics of the load generator, in the client's pod
TOXIPROXY_PORT = 17074  # Toxiproxy's API, on loopback inside the namespace
PROXY_PORTS_FROM = 18000  # proxies of redirected links listen on loopback from here on
TOXIPROXY_UID = 4242
HEARTBEAT_S = 0.5
KNOWN_MODELS = ("tiny", "slow")  # those that count: their answers are known word for word
HISTORY_MAX = 200_000  # operations of one history; a load that has one ends there

When = Literal["before", "during", "after"]  # a witness looked: before, while or after its fault was in force


class Message(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    """One line of the protocol."""


# --- harness to agent -------------------------------------------------------------------------------------------------


class Address(Message, frozen=True):
    """Where a node is, as its sidecar learned it: every address, IPv4 and IPv6."""

    node: str
    ips: tuple[str, ...]


class Redirect(Message, frozen=True):
    """Connections of this pod to ``peer:port`` go through Toxiproxy on 127.0.0.1:``listen``, all run long."""

    peer: str
    port: int
    listen: int
    echo_listen: int


class Prepare(Message, frozen=True):
    """Learn who is who, set and read back the redirects, count the node's own ports, probe ``peers`` from now on.

    Every ``probe_every_s`` one echo round trip to each of ``peers``; without an answer after ``probe_timeout_s`` it is
    lost. ``scraped``: ports that only Prometheus asks, so that what they carry is ours. Answered by ``Prepared``.
    """

    node: str
    addresses: tuple[Address, ...]
    ports: tuple[int, ...]
    redirects: tuple[Redirect, ...]
    peers: tuple[str, ...]
    probe_every_s: float
    probe_timeout_s: float
    scraped: tuple[int, ...] = ()


class Arm(Message, frozen=True):
    """Make everything ready for ``fault`` now, apply it at ``at_ns``, heal it at ``until_ns`` without being asked.

    ``lease_s``: the kernel itself forgets the fault so long after it was applied. Answered by ``Armed`` now, ``Fired``
    and ``Healed`` later; a failure is a ``Failed`` with the fault's name, and what this agent
    had already applied of that fault is undone. ``on_s``, ``off_s`` (both or none): in between the fault is applied for
    ``on_s`` and taken away for ``off_s``, by turns; ``Fired`` and ``Healed`` speak of the whole.
    """

    fault: str
    at_ns: int
    until_ns: int
    lease_s: float
    primitives: tuple[AgentPrimitive, ...]
    on_s: float | None = None
    off_s: float | None = None


class Heal(Message, frozen=True):
    """Heal one fault now, or all (``fault`` None), armed or fired. Answered by one ``Healed`` for each."""

    fault: str | None = None


class Heartbeat(Message, frozen=True):
    """Answered by ``Pulse`` at once; none for ``LEASE_S`` and the agent heals everything."""

    number: int


class Inspect(Message, frozen=True):
    """Answered by one ``Counters``: what the kernel and Toxiproxy hold now."""


class Stop(Message, frozen=True):
    """Heal everything, leave nothing behind, end. Like the end of input, but answered by ``Healed``s."""


ToAgent = Prepare | Arm | Heal | Heartbeat | Inspect | Stop


# --- agent to harness -------------------------------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """The first line of an agent or a client: it is there, and its clock says ``now_ns``."""

    pid: int
    now_ns: int


class Prepared(Message, frozen=True):
    """Redirects stand (read back), counters count, probes run."""

    now_ns: int


class Armed(Message, frozen=True):
    fault: str
    now_ns: int


class Fired(Message, frozen=True):
    """The fault came into force between ``before_ns`` and ``after_ns``, and was read back from kernel or Toxiproxy."""

    fault: str
    before_ns: int
    after_ns: int


class Healed(Message, frozen=True):
    """The fault was taken away between ``before_ns`` and ``after_ns`` and read back as gone.

    ``why``: the schedule (``until_ns``), an order (``Heal``), the lease (no heartbeat), or the end of input.
    ``packets``/``bytes``: what met the fault while it was in force, echoes apart in ``echoes``.
    """

    fault: str
    before_ns: int
    after_ns: int
    why: Literal["schedule", "order", "lease", "end"]
    packets: int
    bytes: int
    echoes: int


class Met(Message, frozen=True):
    """What met a fault so far: packets a rule caught, or bytes that went through the toxic; echoes counted apart."""

    fault: str
    packets: int
    bytes: int
    echoes: int


class PortCount(Message, frozen=True):
    """Packets that arrived for one of the node's own ports since ``Prepare``; ``opens`` counts the SYNs among them."""

    port: int
    packets: int
    opens: int


class Counters(Message, frozen=True):
    """``rules``: elements our nft table holds for faults. ``toxics``: their names. Both empty: nothing is in force.

    ``network_bytes``: all that came and went over the pod's networks since they were there, and ``own_bytes`` what of
    it is the harness's: echoes and scrapes. None: not counted.
    """

    now_ns: int
    rules: int
    toxics: tuple[str, ...]
    met: tuple[Met, ...]
    ports: tuple[PortCount, ...]
    network_bytes: int | None = None
    own_bytes: int | None = None


class Probe(Message, frozen=True):
    """One echo round trip to a peer's sidecar, begun at ``sent_ns``; ``rtt_s`` None: no answer (``error``)."""

    peer: str
    sent_ns: int
    rtt_s: float | None
    error: str | None = None


class Reading(Message, frozen=True):
    """What a witness of ``fault`` read at ``at_ns``: one figure under its name, such as ``offset_s`` or ``enospc``.

    ``when``: before it was applied, while it was in force, or after it was taken away. Its unit is in its name.
    """

    fault: str
    when: When
    name: str
    value: float
    at_ns: int


class Pulse(Message, frozen=True):
    number: int
    now_ns: int


class Failed(Message, frozen=True):
    """Something this program was told to do did not work: one sentence. ``fault`` None: the whole program."""

    text: str
    fault: str | None = None


FromAgent = Hello | Prepared | Armed | Fired | Healed | Counters | Probe | Reading | Pulse | Failed


# --- harness to client, and back --------------------------------------------------------------------------------------


class Stretch(Message, frozen=True):
    """For ``for_s`` the rate goes in a straight line from ``from_per_s`` to ``to_per_s``."""

    for_s: float
    from_per_s: float
    to_per_s: float


class Share(Message, frozen=True):
    """Of every ``sum of weights`` operations, about ``weight`` ask with these options; drawn by the load's seed."""

    weight: float
    options: tuple[tuple[str, str], ...]


class Load(Message, frozen=True):
    """Send operations of one traffic from ``start_ns`` until ``end_ns``.

    Open loop: number i is due when the integral of the rate since ``start_ns`` reaches i, whatever became of the ones
    before. The rate is ``rate_per_s`` but during the ``shape``, whose stretches follow each other from ``start_ns`` on.
    Closed loop (``users`` > 0): so many users, each of whom asks, waits for the end, thinks for ``think_s``, and asks
    again; an operation is due when it is sent.
    ``client``: a name of the client table. ``options``: that client's own words (model, prompt, ...); ``mix``: several
    of those, in place of ``options``.
    ``in_flight_max``: operations beyond it are not sent and are recorded as ``capped``. ``others``: more hosts that may
    be asked instead of ``host``, at the same port.
    """

    traffic: str
    client: str
    host: str
    port: int
    rate_per_s: float
    timeout_s: float
    start_ns: int
    end_ns: int
    connection: Literal["keep-alive", "fresh"]
    in_flight_max: int
    seed: int
    options: tuple[tuple[str, str], ...] = ()
    shape: tuple[Stretch, ...] = ()
    users: int = 0
    think_s: float = 0.0
    mix: tuple[Share, ...] = ()
    others: tuple[str, ...] = ()


class Once(Message, frozen=True):
    """One operation now, straight at ``host:port``: a readiness question. Answered by one ``Answered``."""

    id: int
    client: str
    host: str
    port: int
    timeout_s: float
    options: tuple[tuple[str, str], ...] = ()


class EndLoad(Message, frozen=True):
    """The load of ``traffic`` ends at ``end_ns``, sooner than it was to; one that is over is left alone."""

    traffic: str
    end_ns: int


ToClient = Load | EndLoad | Once | Heartbeat | Stop


class Answered(Message, frozen=True):
    """``outcome`` is a name of ``operations.Outcome``; ``text`` says what was wrong, or how the answer began."""

    id: int
    outcome: str
    latency_s: float
    text: str


class Operations(Message, frozen=True):
    """Finished operations, as ``operations.pack`` packs them (base64 in JSON)."""

    traffic: str
    packed: bytes


class History(Message, frozen=True):
    """More lines of one traffic's history, each whole (docs/linearizable.md)."""

    traffic: str
    lines: str


class LoadDone(Message, frozen=True):
    """Every operation of one traffic has ended or timed out; ``sent`` of them, ``in_flight_peak`` at once.

    ``unasked``: how often something came on a connection while nobody waited for an answer on it.
    """

    traffic: str
    sent: int
    in_flight_peak: int
    unasked: int = 0


FromClient = Hello | Answered | Operations | History | LoadDone | Pulse | Failed

_M = TypeVar("_M")
_encoder = msgspec.json.Encoder()
_to_agent: msgspec.json.Decoder[ToAgent] = msgspec.json.Decoder(ToAgent)
_from_agent: msgspec.json.Decoder[FromAgent] = msgspec.json.Decoder(FromAgent)
_to_client: msgspec.json.Decoder[ToClient] = msgspec.json.Decoder(ToClient)
_from_client: msgspec.json.Decoder[FromClient] = msgspec.json.Decoder(FromClient)


def encode(message: Message) -> bytes:
    """One line, newline included."""
    return _encoder.encode(message) + b"\n"


def _decoded(decoder: "msgspec.json.Decoder[_M]", line: bytes) -> _M:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise WireError(f"a line that is not one of our messages ({error}): {line[:120]!r}") from error


def decode_to_agent(line: bytes) -> ToAgent:
    return _decoded(_to_agent, line)


def decode_from_agent(line: bytes) -> FromAgent:
    return _decoded(_from_agent, line)


def decode_to_client(line: bytes) -> ToClient:
    return _decoded(_to_client, line)


def decode_from_client(line: bytes) -> FromClient:
    return _decoded(_from_client, line)


class Lines:
    """Bytes as they come in, whole lines as they go out; what a line may weigh is bounded."""

    def __init__(self, limit_bytes: int = 4 << 20) -> None:
        self._rest = b""
        self._limit_bytes = limit_bytes

    def feed(self, data: bytes) -> Iterator[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > self._limit_bytes:
            raise WireError(f"a line of more than {self._limit_bytes} bytes")
        yield from (line for line in lines if line)
