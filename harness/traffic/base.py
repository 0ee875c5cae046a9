"""What every traffic has in common: when its operations fall due, whom they ask, and the deadline of each."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, TypeVar

from harness.cluster import Cluster
from harness.pace import Pace
from harness.traffic.mix import PART, Part
from harness.traffic.shapes import SHAPE, Shape, cut
from harness.units import show_planned_s
from harness.wire import Load, Share, Stretch
from harness.words import COUNT, DURATION, NAME, NODE, RATE, choice, word, words_of

_PER_S_MAX = 20_000
_Self = TypeVar("_Self", bound="Traffic")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic(ABC):
    """``rate`` and ``shape`` are open loops: operations fall due whether or not earlier ones were answered, and
    latency counts from the due time. ``users`` is a closed loop: who waits for an answer asks nothing meanwhile, and
    latency counts from when an operation was sent. A traffic has one of the three.
    """

    client: ClassVar[str]
    about: ClassVar[str]

    name: str = field(metadata=word("name", NAME, "what the objectives call it"))
    to: str = field(metadata=word("to", NODE, "the node that is asked"))
    port: int | None = field(default=None, metadata=word("port", COUNT, "on which port; else the node's first"))
    rate_per_s: float | None = field(
        default=None, metadata=word("rate", RATE, "operations that fall due in a second (open loop)")
    )
    shape: Shape | None = field(
        default=None,
        metadata=word("shape", SHAPE, "in place of 'rate': how it changes in the faults phase: ramp, steps or spike"),
    )
    users: int | None = field(
        default=None,
        metadata=word("users", COUNT, "in place of 'rate': how many ask, wait for the answer, think and ask again"),
    )
    think_s: float = field(default=1.0, metadata=word("think", DURATION, "how long a user waits after an answer"))
    timeout_s: float = field(default=5.0, metadata=word("timeout", DURATION, "deadline of one operation"))
    connection: str = field(
        default="keep-alive", metadata=word("connection", choice("keep-alive", "fresh"), "a pool, or one each")
    )
    in_flight_max: int = field(
        default=2000, metadata=word("in-flight", COUNT, "more at once are not sent, and nothing can be judged then")
    )
    mix: tuple[Part, ...] = field(
        default=(),
        metadata=word("mix", PART, "several questions: a weight, and what differs in it", many=True, repeats=True),
    )

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        """What is wrong with it on this cluster: (key, half a sentence)."""
        hosts = self.hosts(cluster)
        if unknown := "" if hosts else cluster.unknown(self.to):
            yield "to", f"names '{self.to}': {unknown}"
        elif not cluster.node(hosts[0]).ports:
            yield "to", f"names '{self.to}', whose service declares no port: add 'port:' to its x-harness block"
        elif self.port is not None and self.port not in (known := cluster.node(hosts[0]).open_ports()):
            yield "port", f"is {self.port}, and {hosts[0]} declares {', '.join(map(str, known))}: write one of them"
        yield from self._check_loop()
        if not 0 < self.timeout_s <= 600:
            yield "timeout", f"is {self.timeout_s:g} s: write one from 1us to 10m"
        if self.in_flight_max < 1:
            yield "in-flight", "is 0: nothing would be sent"
        yield from self._check_mix(cluster)

    def _check_loop(self) -> Iterator[tuple[str, str]]:
        given = {"rate": self.rate_per_s, "shape": self.shape, "users": self.users}
        said = [key for key, value in given.items() if value is not None]
        if not said:
            yield "rate", "is missing: write 'rate: 50/s', a 'shape', or 'users'"
        if len(said) > 1:
            yield said[1], f"stands beside '{said[0]}': a traffic has one of rate, shape and users; leave one out"
        for rate_per_s in self._rates_per_s():
            if not 0 < rate_per_s <= _PER_S_MAX:
                yield said[0], f"is {rate_per_s:g}/s: write one from 1/m to {_PER_S_MAX}/s"
        if self.users is not None and not 1 <= self.users <= self.in_flight_max:
            yield "users", f"is {self.users}: write one from 1 to {self.in_flight_max}, which is 'in-flight'"
        if self.think_s > 3600:
            yield "think", f"is {show_planned_s(self.think_s)}: write at most 1h"

    def _check_mix(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        own = _own_words(type(self))
        for part in self.mix:
            strange = [key for key, _ in part.words if key not in own]
            try:
                variant = None if strange else _variant(self, part)
            except ValueError as error:
                yield "mix", f"has '{part.text}', in which {error}"
                continue
            if variant is None:
                yield "mix", f"has '{part.text}': '{strange[0]}' cannot differ in it (there are {', '.join(own)})"
            else:
                for key, text in variant.check(cluster):
                    if key in own:
                        yield "mix", f"has '{part.text}', in which '{key}' {text}"

    @property
    def of_users(self) -> bool:
        """False: it looks for us, and nobody has lost what it was not answered."""
        return True

    @property
    def closed(self) -> bool:
        """Its latency counts from the sending, and a system that stalls is asked less."""
        return self.users is not None

    @property
    def gap_s(self) -> float:
        """The shortest time between two operations that fall due; 0 in a closed loop, where none falls due."""
        return 1 / max(rates) if (rates := self._rates_per_s()) else 0.0

    def says(self) -> str:
        """The load in words, for the plan and the report."""
        if self.users is not None:
            think = f"each thinks {show_planned_s(self.think_s)}" if self.think_s else "none thinks"
            return f"{self.users:,} users in a closed loop, {think}"
        return self.shape.text if self.shape else f"{self.rate_per_s:g}/s"

    def notes(self) -> Iterator[str]:
        """What is allowed and yet worth knowing before the run, one sentence each."""
        if self.closed:
            yield (
                f"{self.name} is a closed loop: its users ask nothing while they wait, so a stall hides the requests "
                "that would have come, and latency counts from the sending; write 'rate' where that matters"
            )

    def due(self, warmup_s: float, faults_s: float, until_s: float) -> float | None:
        """How many operations fall due in the first ``until_s`` of a run with such phases; None: in a closed loop."""
        if self.closed:
            return None
        return Pace(self._base_per_s(), tuple(self._stretches(warmup_s, faults_s))).integral(until_s)

    def load(
        self, cluster: Cluster, start_ns: int, end_ns: int, seed: int, *, warmup_s: float, faults_s: float
    ) -> Load:
        """The order for the client's pod; the phases' lengths say when a shape is played."""
        host, *others = self.hosts(cluster)
        return Load(
            traffic=self.name,
            client=self.client,
            host=host,
            port=self.port or cluster.node(host).ports[0],
            rate_per_s=self._base_per_s(),
            timeout_s=self.timeout_s,
            start_ns=start_ns,
            end_ns=end_ns,
            connection="fresh" if self.connection == "fresh" else "keep-alive",
            in_flight_max=self.in_flight_max,
            seed=seed,
            options=() if self.mix else self.options(),
            shape=tuple(self._stretches(warmup_s, faults_s)),
            users=self.users or 0,
            think_s=self.think_s if self.users else 0.0,
            mix=tuple(Share(part.weight, _variant(self, part).options()) for part in self.mix),
            others=tuple(others),
        )

    def hosts(self, cluster: Cluster) -> tuple[str, ...]:
        """The nodes that are asked; none where nobody has that name."""
        return (self.to,) if cluster.has(self.to) else ()

    def history_max(self) -> int | None:
        """After how many operations the load ends, since its history may not grow; None: it has none."""
        return None

    def _rates_per_s(self) -> tuple[float, ...]:
        if self.shape:
            return self.shape.rates_per_s
        return () if self.rate_per_s is None else (self.rate_per_s,)

    def _base_per_s(self) -> float:
        return next(iter(self._rates_per_s()), 0.0)

    def _stretches(self, warmup_s: float, faults_s: float) -> Iterator[Stretch]:
        if self.shape:
            yield Stretch(warmup_s, self.shape.base_per_s, self.shape.base_per_s)
            yield from cut(self.shape.stretches(faults_s), faults_s)

    def asking(self, model: str) -> Self:
        """Of that language model, where the scenario does not say which; who asks no model stays as it is."""
        return self

    def models(self) -> tuple[str, ...]:
        """The language models that it asks."""
        return ()

    def models_asked(self) -> tuple[str, ...]:
        """By it or by a part of its mix, each once."""
        variants = [_variant(self, part) for part in self.mix] or [self]
        return tuple(dict.fromkeys(model for one in variants for model in one.models()))

    def files(self) -> tuple[str, ...]:
        """Files of the user's that it needs, as the scenario names them."""
        return ()

    def check_files(self, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """What is wrong with those files: (key, half a sentence)."""
        yield from ()

    def with_files(self, texts: Mapping[str, str]) -> Self:
        """With the texts of those files, which travel to the client's pod."""
        return self

    @abstractmethod
    def options(self) -> tuple[tuple[str, str], ...]:
        """The client's own words, as the client's process reads them."""


def _own_words(kind: type[Traffic]) -> tuple[str, ...]:
    """The client's, which may differ between the parts of a mix: those that no other traffic has."""
    return tuple(key for key in words_of(kind) if key not in words_of(Traffic))


def _variant(traffic: _Self, part: Part) -> _Self:
    """The traffic with that part's words; ``ValueError`` with half a sentence for a text that is no such word."""
    values: dict[str, Any] = {}
    for key, text in part.words:
        filled = words_of(type(traffic))[key]
        one = filled.metadata["word"]
        try:
            value = one.reader.read(text)
        except ValueError as error:
            raise ValueError(f"'{key}' {error}") from error
        values[filled.name] = (value,) if one.many else value
    return replace(traffic, mix=(), **values)
