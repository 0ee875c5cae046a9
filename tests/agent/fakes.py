"""A packet filter that understands the few words we say to it, and a Toxiproxy that remembers: both in memory."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import TypeVar

from harness.agent import packets
from harness.agent.kernel import Count, Held, Kernel
from harness.agent.toxics import ProxySpec, Toxics, ToxicSpec
from harness.errors import AgentError

T = TypeVar("T")
_LINE = re.compile(r"(add|delete|flush) (table|chain|rule|set|map|element|counter) inet harness ?(\S*)(.*)")


class FakeKernel(Kernel):
    """Like ``kernel.Kernel``; ``broken`` makes it swallow what begins so, as a sabotaged table would."""

    def __init__(self) -> None:
        self.sets: dict[str, int] = {}
        self.rules: Counter[str] = Counter()
        self.counters: dict[str, Count] = {}
        self.there = False
        self.changes: list[str] = []
        self.broken: str | None = None

    def change(self, text: str) -> None:
        self.changes.append(text)
        for line in text.splitlines():
            if not (self.broken and line.startswith(self.broken)):
                self._do(line)

    def held(self, table: str = packets.TABLE) -> Held:
        return Held(dict(self.sets), Counter(self.rules), dict(self.counters))

    def _do(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        assert found, line
        verb, noun, name, rest = found.groups()
        if noun == "table":
            self.sets, self.rules, self.counters, self.there = {}, Counter(), {}, verb == "add"
        elif not self.there:
            raise AgentError("the kernel refused a change of its packet rules: No such file or directory")
        elif noun == "rule":
            self.rules[name] += 1
        elif noun == "element":
            self.sets[name] += rest.count(",") + 1
        elif noun in ("set", "map"):
            self._put(self.sets, verb, name, 0)
        elif noun == "counter":
            self._put(self.counters, verb, name, Count())
        elif verb in ("flush", "delete"):
            del self.rules[name]

    @staticmethod
    def _put(where: "dict[str, T]", verb: str, name: str, empty: T) -> None:
        if verb == "delete":
            del where[name]
        else:
            where[name] = empty


class FakeToxics(Toxics):
    """Like ``toxics.Toxics``; ``deaf`` makes it ignore attributes, as Toxiproxy does with names it does not know."""

    def __init__(self) -> None:
        self.specs: dict[str, ProxySpec] = {}
        self.there: list[ToxicSpec] = []
        self.deaf = False

    def ensure(self, specs: Sequence[ProxySpec]) -> None:
        self.specs |= {spec.name: spec for spec in specs}

    def add(self, spec: ToxicSpec) -> None:
        self.there.append(spec)

    def check(self, spec: ToxicSpec) -> None:
        if self.deaf or spec not in self.there:
            raise AgentError(f"Toxiproxy made another toxic of {spec.name}")

    def remove(self, spec: ToxicSpec) -> None:
        if spec in self.there:
            self.there.remove(spec)

    def holds(self, spec: ToxicSpec) -> bool:
        return spec in self.there

    def held(self) -> tuple[str, ...]:
        return tuple(sorted(spec.name for spec in self.there))

    def reset(self) -> None:
        self.there.clear()
