"""A packet filter with tables of their own for each mechanism, in memory; and devices that remember their classes."""

import json
import re
from collections import Counter
from collections.abc import Sequence

from harness.agent.kernel import Count, Held, Kernel
from harness.agent.shaper import Shaper
from harness.errors import AgentError

_LINE = re.compile(r"(add|delete|flush) (table|chain|rule|set|map|element|counter) inet (\S+) ?(\S*) ?(.*)")


class Tables(Kernel):
    """``broken`` makes it swallow what begins so, as a sabotaged table would; ``away``: every table is gone."""

    def __init__(self) -> None:
        self.sets: dict[str, list[str]] = {}
        self.rules: dict[str, list[str]] = {}
        self.counters: dict[str, Count] = {}
        self.broken: str | None = None
        self.away = False

    def change(self, text: str) -> None:
        if self.away:
            raise AgentError("the kernel refused a change of its packet rules: No such file or directory")
        for line in text.splitlines():
            if not (self.broken and line.startswith(self.broken)):
                self._do(line)

    def held(self, table: str = "") -> Held:
        if self.away:
            return Held({}, {}, {})
        rules = Counter({chain: len(found) for chain, found in self.rules.items()})
        return Held({name: len(keys) for name, keys in self.sets.items()}, rules, dict(self.counters))

    def empty(self) -> bool:
        return not (self.sets or self.rules or self.counters)

    def _do(self, line: str) -> None:
        found = _LINE.fullmatch(line)
        assert found, line
        verb, noun, _, name, rest = found.groups()
        match verb, noun:
            case "delete", "table":
                self.sets, self.rules, self.counters = {}, {}, {}
            case "add", "rule":
                self.rules[name].append(rest)
            case "add", "chain":
                self.rules[name] = []
            case "add", "counter":
                self.counters[name] = Count()
            case "add", "set" | "map":
                self.sets[name] = []
            case "add", "element":
                self.sets[name] += rest.strip("{} ").split(", ")
            case "flush", "set" | "map":
                self.sets[name] = []
            case "flush", "chain":
                self.rules[name] = []
            case "delete", "chain":
                del self.rules[name]
            case "delete", "counter":
                del self.counters[name]
            case "delete", _:
                del self.sets[name]


class Devices:
    """``tc`` on one device of a pod: what it was told, in batches, and what it lists."""

    def __init__(self) -> None:
        self.classes: dict[str, int] = {}  # handle -> bytes a second
        self.root = False
        self.slower = 0  # bytes a second that the kernel takes off what it is told

    def shaper(self) -> Shaper:
        return Shaper(self._run, lambda: {"eth0": 1500})

    def _run(self, argv: Sequence[str], text: str) -> tuple[int, str, str]:
        match tuple(argv[1:]):
            case ("-json", "class", "show", *_):
                listed = [{"class": "htb", "handle": h, "rate": r - self.slower} for h, r in self.classes.items()]
                return 0, json.dumps(listed), ""
            case ("qdisc", "show", *_):
                return 0, "qdisc htb 1: dev eth0 root" if self.root else "qdisc noqueue 0: dev eth0 root", ""
            case ("qdisc", "del", *_):
                self.root, self.classes = False, {}
                return 0, "", ""
        for line in text.splitlines():
            self._tell(line.split())
        return 0, "", ""

    def _tell(self, words: list[str]) -> None:
        if words[:2] == ["qdisc", "add"] and "root" in words:
            self.root = True
        elif words[:2] == ["class", "add"]:
            rate = words[words.index("rate") + 1].removesuffix("bit")
            self.classes[words[words.index("classid") + 1]] = int(rate) // 8
        elif words[:2] == ["class", "del"]:
            del self.classes[words[words.index("classid") + 1]]
