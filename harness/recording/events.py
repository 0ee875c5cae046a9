"""The lines of ``journal.jsonl``, written as things happen and never changed afterwards.

``at_ns`` is CLOCK_MONOTONIC nanoseconds of the pods' kernel. A run's zero is the beginning of its warm-up.
"""

from typing import Literal

import msgspec

from harness.cluster import Cluster
from harness.errors import RecordingError
from harness.primitives import AnyPrimitive
from harness.wire import Counters, When

SCHEMA = 1


TroubleKind = Literal[
    "agent-lost",
    "proxy-lost",
    "client-lost",
    "prometheus-lost",
    "node-died",
    "not-healed",
    "interrupted",
    "stopped",
    "other",
]


class Event(msgspec.Struct, frozen=True, tag=True, tag_field="is"):
    at_ns: int


class Began(Event, frozen=True):
    """``wall``: ISO 8601, UTC. ``project``: the compose project, and the label everything of this run carries.

    ``facts``: engine, kernel, image references, versions, as (what, value). ``variables``: set on the command line.
    """

    schema: int
    run: str
    project: str
    scenario: str
    seed: int
    wall: str
    without_faults: bool
    cluster: Cluster
    facts: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...] = ()


class Baseline(Event, frozen=True):
    """The figures of earlier runs that this one is held against, as they were when it began, by objective.

    ``name``: what it is called; ``runs``: how many it is made of.
    """

    name: str
    runs: int
    figures: tuple[tuple[str, float], ...]


class Ready(Event, frozen=True):
    """Every node answered its readiness question; ``took_s`` from the first start call."""

    took_s: float


class ClockSeen(Event, frozen=True):
    """How far a pod's clock is from ours, and the bound on that (half the round trip)."""

    node: str
    offset_ns: int
    error_ns: int


class PhaseBegan(Event, frozen=True):
    """``phase``: warmup, faults, recovery, end. ``planned_ns``: when it should have."""

    phase: str
    planned_ns: int


class Intent(Event, frozen=True):
    """Written and synced before anything is asked for: what will be done under this name, and so must be undone."""

    fault: str
    primitives: tuple[AnyPrimitive, ...]
    at_planned_ns: int
    until_planned_ns: int


class FaultFired(Event, frozen=True):
    """On one node a fault came into force between ``before_ns`` and ``after_ns``."""

    fault: str
    node: str
    before_ns: int
    after_ns: int


class FaultHealed(Event, frozen=True):
    """On one node a fault was taken away and read back as gone. ``why``: schedule, order, lease, end."""

    fault: str
    node: str
    before_ns: int
    after_ns: int
    why: str
    packets: int = 0
    bytes: int = 0
    echoes: int = 0


class FaultFailed(Event, frozen=True):
    """A fault could not be applied, or not healed, on one node."""

    fault: str
    node: str
    action: Literal["inject", "heal"]
    text: str


class Counted(Event, frozen=True):
    """A node's counters as its agent read them."""

    node: str
    counters: Counters


class Read(Event, frozen=True):
    """What a witness of a fault read on one node (``wire.Reading``), at ``read_ns``."""

    node: str
    fault: str
    when: When
    name: str
    value: float
    read_ns: int


class Resolved(Event, frozen=True):
    """Whom a fault hits, where its file names a role, a count or a share: looked up at the moment of the fault."""

    fault: str
    targets: tuple[str, ...]
    nodes: tuple[str, ...]


class Confirmed(Event, frozen=True):
    """Was ``Resolved`` still so at the instant the fault came into force? ``text``: what was otherwise, or ""."""

    fault: str
    text: str


class Saved(Event, frozen=True):
    """What was on ``node`` before a fault changed it, synced before it did, so that anybody can put it back.

    ``what``: a field of ``engine.Limits``, or ``file PATH``, whose ``value`` is then a file of this record's folder.
    """

    node: str
    fault: str
    what: str
    value: str


class Ran(Event, frozen=True):
    """A command of a fault ran in a node's container. ``output``: both its outputs, the last 16 KB."""

    node: str
    fault: str
    command: tuple[str, ...]
    exit_code: int
    took_s: float
    output: str


class ContainerChanged(Event, frozen=True):
    """The engine said that a node's container died, started, was killed ... (``action`` is the engine's word)."""

    node: str
    action: str
    exit_code: int | None = None


class Used(Event, frozen=True):
    """What a node held and had used when the engine was asked (about once a second), of its container's control group.

    ``memory_bytes``: its working set, without files that the kernel may drop. ``cpu_s``: since its container started,
    so that it begins anew with it. ``descriptors``: open ones of all its processes; None where nobody can look.
    """

    node: str
    memory_bytes: int
    cpu_s: float
    processes: int
    descriptors: int | None = None


class UseUnseen(Event, frozen=True):
    """A hole: a node was to be looked at and was not. ``down``: it does not run, so that it uses nothing."""

    node: str
    down: bool
    text: str


class Shared(Event, frozen=True):
    """What became of the machine's processors in the ``length_s`` before, in processor seconds (see ``Shares``)."""

    length_s: float
    processors: int
    idle_s: float
    stolen_s: float
    ours_s: float


class LoadEnded(Event, frozen=True):
    """``unasked``: how often something came that nobody had asked for; None: not counted."""

    traffic: str
    sent: int
    in_flight_peak: int
    unasked: int | None = None


class AnsweredItself(Event, frozen=True):
    """A node was asked its readiness question once more when the run was over, straight, and answered right or not."""

    node: str
    right: bool
    text: str


class Asked(Event, frozen=True):
    """A PromQL objective's answer. ``value`` None: there was none, and ``error`` says why."""

    objective: str
    query: str
    time_s: float
    value: float | None
    error: str | None = None


class Sampled(Event, frozen=True):
    """A PromQL answer over the whole run: its value at ``start_ns``, then every ``step_s``; None: it had none then.

    The value at an instant is the last that was scraped before it. ``error``: why there is no answer at all.
    """

    query: str
    start_ns: int
    step_s: float
    values: tuple[float | None, ...]
    error: str | None = None


class Scraped(Event, frozen=True):
    """Evidence that scraping had no holes: samples of ``up`` seen for one target against what was due."""

    target: str
    expected: int
    seen: int


class Trouble(Event, frozen=True, omit_defaults=True):
    """Something that was not planned, and what it spoils. One sentence. ``node``: which one died, of ``node-died``."""

    kind: TroubleKind
    text: str
    node: str = ""


class TornDown(Event, frozen=True):
    """Everything of the run is gone (or was kept on purpose); ``left`` names what could not be removed."""

    took_s: float
    kept: bool
    left: tuple[str, ...] = ()


class Ended(Event, frozen=True):
    """The last line of a whole journal. ``how``: finished, or interrupted, or failed."""

    how: Literal["finished", "interrupted", "stopped", "failed"]


class Probed(msgspec.Struct, frozen=True):
    """One line of ``probes.jsonl``: one echo round trip from ``node``'s sidecar to ``peer``'s."""

    node: str
    peer: str
    sent_ns: int
    rtt_s: float | None
    error: str | None = None


AnyEvent = (
    Began
    | Baseline
    | Ready
    | ClockSeen
    | PhaseBegan
    | Intent
    | FaultFired
    | FaultHealed
    | FaultFailed
    | Counted
    | Read
    | Resolved
    | Confirmed
    | Saved
    | Ran
    | ContainerChanged
    | Used
    | UseUnseen
    | Shared
    | LoadEnded
    | AnsweredItself
    | Asked
    | Sampled
    | Scraped
    | Trouble
    | TornDown
    | Ended
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)
_probe_decoder: msgspec.json.Decoder[Probed] = msgspec.json.Decoder(Probed)


def encode(line: Event | Probed) -> bytes:
    return _encoder.encode(line) + b"\n"


def decode(line: bytes, where: str) -> AnyEvent:
    """One journal line; ``where`` (``journal.jsonl:12``) stands in the error if it is not one."""
    try:
        return _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{where}: not a line of a journal ({error}): the recording is damaged") from error


def decode_probe(line: bytes, where: str) -> Probed:
    try:
        return _probe_decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"{where}: not a probe ({error}): the recording is damaged") from error
