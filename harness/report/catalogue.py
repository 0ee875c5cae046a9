"""The pages of docs/faults.md and ``harness list faults``: read from the classes, so that they cannot differ. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, Field, dataclass, replace
from textwrap import wrap
from typing import Any

from harness.cluster import Cluster, Node
from harness.faults import CATALOGUE, Fault
from harness.faults.mix import Mix
from harness.loader.steps import Step
from harness.primitives import AnyPrimitive, Beside, Crash, PodPrimitive
from harness.words import Word, word_of, words_of

_WIDTH = 100
_AT, _FOR = "5s", "20s"
_COMMON = ("name", "at", "for")
_PLAIN = re.compile(r"[\w./+%-][\w./+%>*{}= -]*", re.ASCII)
# Where every example works, and where is looked up what it needs.
PLACE = Cluster(
    "ollama",
    (
        Node("gateway", "gateway", "gateway", "gateway", ports=(8080,)),
        *(Node(f"n{i}", "node", "node", f"n{i}", i, ports=(11434,), volumes=("/data",)) for i in (1, 2, 3)),
    ),
)
_INTRO = """\
<!-- Written by `make docs` from the classes in harness/faults: change those, not this file. -->
# Faults

Every kind of fault that a scenario can name under `faults:`. `harness list faults KIND` prints one of these pages in
the terminal. The examples are for a cluster of a `gateway` (port 8080) and three nodes `n1`, `n2`, `n3` (role `node`,
port 11434, a volume at `/data`).

On each page: **How** is the mechanism. **In force** is how soon after its instant it bites. **Witness** is what is
measured, by something other than that mechanism, to say *in force*, *exercised* (the system's own traffic met it) and
*gone*; a fault that was not seen in force, or that nothing met, makes the run inconclusive. **Ends** is how it is
undone when its time is over, and what ends it when everything of ours is dead. **Needs** is what the engine and the
kernel must grant our own containers; a node's container is never changed. `harness doctor` tries what it can of that.

A node can be named, or be meant by a role (`node`), a number or a share of one (`2 of node`, `30%`), `minority of node`
or `majority of node`, and, where a service says how to know it, `leader of ROLE` or `follower of ROLE`.

Faults that overlap: on one link delays add, the stricter rate wins, and a drop beats all. Two faults that need the same
thing for themselves (a clock, a process's life, a disk) at one time are refused before anything starts.
"""
_OF_ALL = "Every fault has these three words, beside `fault: KIND`:"
_RANDOM = """\
Under `random:` stands, in place of a list of faults, what they are drawn from: `faults:` has templates without `at` and
`for` (and, if you like, without `name`). Every draw comes from the scenario's seed and the number of the event, so that
leaving one out (`without`) moves none of the others."""
_STEPS = """\
Under `steps:` stand commands that an operator gives at a time. Each is a fault of kind `command`, written as it is
said; all that stands on that page holds for it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One word: what it takes, an example, what holds without it (empty: it must be given), and its limits."""

    key: str
    takes: str
    example: str
    default: str
    limits: str
    about: str

    @property
    def meaning(self) -> str:
        return f"{self.about} ({self.limits})" if self.limits else self.about


@dataclass(frozen=True, slots=True)
class Page:
    """``example``: lines of YAML. ``common``: the words of every fault. ``parts``: (title, sentences)."""

    kind: str
    about: str
    example: tuple[str, ...]
    common: tuple[Row, ...]
    rows: tuple[Row, ...]
    parts: tuple[tuple[str, str], ...]


def page(kind: type[Fault]) -> Page:
    rows = tuple(rows_of(kind, kind.example, kind.limits))
    fault = instance(kind)
    parts = (
        ("How", kind.works),
        ("In force", kind.bites),
        ("Witness", kind.witness),
        ("Ends", _ends(fault)),
        ("What it does not do, and traps", kind.page),
        ("Needs", _needs(fault)),
        ("Replaces", kind.replaces),
    )
    common = tuple(row for row in rows if row.key in _COMMON)
    own = tuple(row for row in rows if row.key not in _COMMON)
    return Page(kind.kind, kind.about, _yaml(kind), common, own, parts)


# --- renderings -------------------------------------------------------------------------------------------------------


def markdown() -> str:
    """docs/faults.md, whole."""
    pages = [page(kind) for kind in CATALOGUE.values()]
    listed = [f"| [`{one.kind}`](#{one.kind}) | {one.about} |" for one in pages]
    lines = [_INTRO, "| kind | what happens |", "|---|---|", *listed, ""]
    lines += [_OF_ALL, "", *table(pages[0].common)]
    for one in pages:
        lines += [f"## {one.kind}", "", f"{_sentence(one.about)}", "", "```yaml", *one.example, "```", ""]
        lines += table(one.rows) if one.rows else []
        lines += [line for title, text in one.parts for line in (f"**{title}:** {text}", "")]
    lines += ["## random", "", _RANDOM, "", *table(tuple(rows_of(Mix)))]
    lines += ["## steps", "", _STEPS, "", *table(tuple(rows_of(Step)))]
    return "\n".join(lines).rstrip() + "\n"


def table(rows: Sequence[Row]) -> Iterator[str]:
    yield from ("| word | takes | such as | without it | what it is |", "|---|---|---|---|---|")
    for row in rows:
        default = f"`{row.default}`" if row.default else "required"
        cells = (f"`{row.key}`", row.takes, f"`{row.example}`", default, row.meaning)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
    yield ""


def text(one: Page) -> str:
    """For a terminal."""
    lines = [f"{one.kind}: {one.about}", "", *(f"    {line}" for line in one.example), ""]
    rows = (*one.common, *one.rows)
    width = max(len(row.key) for row in rows)
    for row in rows:
        default = f"without it {row.default}" if row.default else "required"
        said = f"{row.meaning}: {row.takes}, such as {row.example}; {default}"
        lines += wrap(said, _WIDTH, initial_indent=f"  {row.key:<{width}}  ", subsequent_indent=" " * (width + 4))
    for title, sentences in one.parts:
        lines += ["", title, *wrap(sentences, _WIDTH, initial_indent="  ", subsequent_indent="  ")]
    return "\n".join(lines) + "\n"


def _sentence(about: str) -> str:
    return f"{about[0].upper()}{about[1:]}."


# --- words ------------------------------------------------------------------------------------------------------------


def rows_of(kind: type, example: Any = None, limits: Any = None) -> Iterator[Row]:
    given = {"name": getattr(kind, "kind", "mine"), "at": _AT, "for": _FOR} if issubclass(kind, Fault) else {}
    given |= example or {}
    for key, field in words_of(kind).items():
        if (word := word_of(field)) is not None:
            value = given.get(key, word.reader.example)
            takes = f"{word.reader.noun}; one or a list" if word.many else word.reader.noun
            shown = value if isinstance(value, str) else f"[{', '.join(value)}]"
            yield Row(key, takes, shown, default_text(word, field), (limits or {}).get(key, ""), word.about)


def default_text(word: Word, field: Field[Any]) -> str:
    """What stands for the default in a file; ``none`` where nothing does, empty where there is no default."""
    default = field.default
    if default is MISSING:
        return "" if field.default_factory is MISSING else "none"
    if default in (None, (), ""):
        return "none"
    values = default if isinstance(default, tuple) else (default,)
    return ", ".join(_as_word(word, value) for value in values)


def _as_word(word: Word, value: object) -> str:
    """The text that the word's reader turns into this value."""
    texts = [str(value)]
    if isinstance(value, float | int):
        texts += [f"{value:g}", f"{value:g}s", f"{value:g}s/s", f"{value * 100:g}%", f"{value:g}B"]
    for text in texts:
        try:
            if word.reader.read(text) == value:
                return text
        except ValueError:
            continue
    raise ValueError(f"nothing that '{word.key}' reads means {value!r}")


# --- the example ------------------------------------------------------------------------------------------------------


def instance(kind: type[Fault]) -> Fault:
    """The kind's example, as the loader would make it."""
    words: dict[str, str | tuple[str, ...]] = {"name": kind.kind, "at": _AT, "for": _FOR, **kind.example}
    values: dict[str, Any] = {}
    for key, field in words_of(kind).items():
        word = word_of(field)
        if word is not None and key in words:
            given = words[key]
            texts = (given,) if isinstance(given, str) else given
            read = tuple(word.reader.read(text) for text in texts)
            values[field.name] = read if word.many else read[0]
    return kind(**values)


def _yaml(kind: type[Fault]) -> tuple[str, ...]:
    words = {"fault": kind.kind, "name": kind.kind, "at": _AT, "for": _FOR, **kind.example}
    lines = [f"{key}: {_scalar(value)}" for key, value in words.items()]
    return ("faults:", f"  - {lines[0]}", *(f"    {line}" for line in lines[1:]))


def _scalar(value: str | tuple[str, ...]) -> str:
    if not isinstance(value, str):
        return f"[{', '.join(map(_scalar, value))}]"
    return value if _PLAIN.fullmatch(value) else json.dumps(value)


# --- what follows from what it is made of -----------------------------------------------------------------------------


def _made_of(fault: Fault) -> tuple[AnyPrimitive, ...]:
    return fault.compile(PLACE, fault.proxies(PLACE))


def _ends(fault: Fault) -> str:
    leases = dict.fromkeys(primitive.lease(fault.for_s) for primitive in _made_of(fault))
    return f"{_sentence(fault.undo())} If everything of ours dies (in the example): {'; '.join(leases)}."


def _needs(fault: Fault) -> str:
    """Of the example, and of each choice of its words that needs something else."""
    usual = _needed(fault)
    others: dict[str, list[str]] = {}
    for key, field in words_of(type(fault)).items():
        word = word_of(field)
        if word is None or word.many:
            continue
        for choice in word.reader.choices:
            chosen: dict[str, Any] = {field.name: choice}
            asked = _needed(replace(fault, **chosen))
            if asked and asked != usual:
                others.setdefault(", and ".join(asked), []).append(f"`{key}: {choice}`")
    with_others = (f"With {' or '.join(keys)}: {what}." for what, keys in others.items())
    return " ".join((_sentence(", and ".join(usual)), *with_others))


def _needed(fault: Fault) -> tuple[str, ...]:
    found = [_granted(primitive) for primitive in _made_of(fault)]
    found += [f"what `harness doctor` tries as `{name}`" for name in fault.needs()]
    return tuple(dict.fromkeys(found))


def _granted(primitive: AnyPrimitive) -> str:
    """What our own containers must have for this change."""
    if isinstance(primitive, PodPrimitive):
        return "`NET_ADMIN` in our sidecar, which has the node's network"
    if isinstance(primitive, Beside):
        return "a container of ours in the node's processes, network and volumes, with " + _listed(_rights(primitive))
    if isinstance(primitive, Crash):
        return "a short-lived container of ours in the host's process namespace, with `KILL` only"
    return "the engine's API"


def _rights(primitive: Beside) -> Iterator[str]:
    yield from (f"`{capability}`" for capability in primitive.capabilities)
    if primitive.control_groups:
        yield "the host's control groups, writable"
    if primitive.kernel_settings:
        yield "the host's `/proc/sys/net`, writable, in which only that network's settings are seen"


def _listed(rights: Iterable[str]) -> str:
    *most, last = rights
    return f"{', '.join(most)} and {last}" if most else last
