"""Words that stand for nodes: a role, how many of a role, whoever leads. Each becomes names before anything is broken.

What is drawn is drawn from the scenario's seed and the fault's name, so it is known as soon as the file is read. Who
leads is known only at the moment of the fault, from the run's own Prometheus; until then such a fault keeps its words.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import Field, dataclass, fields, replace
from itertools import product
from typing import Any, ClassVar, Protocol, TypeVar

from harness import units
from harness.cluster import Cluster, Node
from harness.seeds import sub_seed
from harness.words import NODE, SOME, word_of

Ask = Callable[[str], float | None]  # PromQL -> the one number it comes to now, or None
Problems = tuple[tuple[str, str], ...]  # (key, half a sentence)
_LOOKED_UP = ("leader", "follower")


@dataclass(frozen=True, slots=True)
class Target:
    """``word`` under ``key`` of a fault stands for ``nodes``; none yet: for one of ``candidates``, looked up then."""

    key: str
    word: str
    nodes: tuple[str, ...]
    candidates: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.nodes:
            return f"{self.word} -> {', '.join(self.nodes)}"
        return f"{self.word} -> one of {', '.join(self.candidates)}, as Prometheus says when it is due"


class Aimed(Protocol):
    """What a fault is to this module: a frozen dataclass with a name, and the targets it was bound to."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def name(self) -> str: ...

    @property
    def targets(self) -> tuple[Target, ...]: ...


F = TypeVar("F", bound=Aimed)


def aim(
    fault: F, cluster: Cluster, seed: int, within: Collection[str] | None = None, found: Mapping[str, str] | None = None
) -> tuple[F, Problems]:
    """The fault with names in place of its words, and what is wrong with these.

    Names stay as they are, also one that nobody has (the fault's own ``check`` says so). A word never stands for a
    node that another key of the fault names. ``within``: whom draws are made from; None: everyone. ``found``: who was
    looked up, by word; where one is missing the whole fault keeps its words, and ``targets`` says among whom.
    """
    places = _places(fault)
    words = [(place.key, text) for place in places for text in place.texts if _is_target(text, cluster)]
    if not words:
        return fault, ()
    asked = [word for word in words if _is_looked_up(word[1], cluster)]
    looked_up, unclear = _each(asked, lambda word: _look_up(word, cluster, found or {}))
    if unclear or not all(target.nodes for target in looked_up):
        return replace(fault, targets=tuple(looked_up)), unclear
    taken = {place.key: {text for text in place.texts if cluster.has(text)} for place in places}
    for target in looked_up:
        taken[target.key] |= set(target.nodes)
    pool = _Pool(cluster, seed, fault.name, within, taken)
    # Whole roles last: they stand for whom the draws have left.
    rest = sorted((word for word in words if word not in asked), key=lambda word: not _parsed(word[1])[0])
    drawn, unclear = _each(rest, lambda word: pool.take(*word))
    if unclear:
        return fault, unclear
    order = {word: index for index, word in enumerate(words)}
    targets = sorted([*looked_up, *drawn], key=lambda target: order[target.key, target.word])
    return _rewritten(fault, places, tuple(targets))


def pending(fault: Aimed) -> tuple[Target, ...]:
    """What must be looked up before the fault can be made; it has no primitives until then."""
    return tuple(target for target in fault.targets if not target.nodes)


def stand_ins(fault: F, cluster: Cluster, seed: int) -> tuple[F, ...]:
    """What the fault may come to: itself, or one for each answer that may be given to what is looked up."""
    waiting = pending(fault)
    answers = product(*(target.candidates for target in waiting))
    words = [target.word for target in waiting]
    aimed = [aim(fault, cluster, seed, found=dict(zip(words, nodes, strict=True))) for nodes in answers]
    return tuple(one for one, problems in aimed if not problems) if waiting else (fault,)


def resolve(fault: F, cluster: Cluster, seed: int, ask: Ask, taken: Collection[str] = ()) -> F | str:
    """The fault on the nodes that Prometheus names now; or the sentence that says why there are none.

    ``taken``: nodes on which another fault acts at this moment; to hit one of them would be two faults on one node.
    """
    found: dict[str, str] = {}
    for target in pending(fault):
        node = lookup(target, cluster, seed, fault.name, ask)
        if isinstance(node, Nobody):
            return f"{fault.name}: {target.word} stands for nobody: {node.reason}."
        if node in taken:
            return f"{fault.name}: {target.word} is {node}, on which another fault acts at this moment."
        found[target.word] = node
    aimed, problems = aim(fault, cluster, seed, found=found)
    return f"{fault.name}: '{problems[0][0]}' {problems[0][1]}." if problems else aimed


@dataclass(frozen=True, slots=True)
class Nobody:
    """Half a sentence: why a word that is looked up stands for no node now."""

    reason: str


def lookup(target: Target, cluster: Cluster, seed: int, fault: str, ask: Ask) -> str | Nobody:
    """The node that leads, or (drawn from the seed) one of those that say they do not."""
    values = {name: ask(question(cluster.node(name))) for name in target.candidates}
    said = ", ".join(f"{name}: {'no answer' if value is None else f'{value:g}'}" for name, value in values.items())
    leading = [name for name, value in values.items() if value == 1]
    if target.word.startswith("leader"):
        if len(leading) == 1:
            return leading[0]
        return Nobody(f"{'several nodes say' if leading else 'no node says'} that it leads ({said})")
    following = [name for name, value in values.items() if value is not None and value != 1]
    if following:
        return min(following, key=lambda name: sub_seed(seed, fault, target.key, name))
    return Nobody(f"no node says that it follows ({said})")


def otherwise(target: Target, node: str, cluster: Cluster, ask: Ask) -> str:
    """Half a sentence that says what ``node`` is instead of what was looked up; "" where it is what it was.

    ``ask``: at the moment of the fault. Of several that say they lead, one may not know yet that it was deposed.
    """
    values = {name: ask(question(cluster.node(name))) for name in target.candidates}
    leading = [name for name, value in values.items() if value == 1]
    if target.word.startswith("leader"):
        as_it_was = leading == [node]
    else:
        as_it_was = values.get(node) is not None and node not in leading
    if as_it_was:
        return ""
    return f"{node} was the {target.word} when that was looked up, and then {_led(leading, values)}"


def _led(leading: Sequence[str], values: Mapping[str, float | None]) -> str:
    if leading:
        return f"{' and '.join(leading)} led"
    if any(value is not None for value in values.values()):
        return "nobody led"
    return "nobody could say who led"


def question(node: Node) -> str:
    """The PromQL that is 1 if this node leads. Its metrics are told from others' by the label ``instance``."""
    return f'max(({node.leader}) and on(instance) up{{instance="{node.instance}"}})'


# --- what a word stands for ------------------------------------------------------------------------------------------


class _Unclear(ValueError):
    """Half a sentence: why a word stands for nobody."""


@dataclass(frozen=True, slots=True)
class _Place:
    """One field of a fault that names nodes: its key, and the words that stand there."""

    key: str
    field: str
    many: bool
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Pool:
    """Whom the words of one fault may stand for. ``taken``: by key, who is named there already."""

    cluster: Cluster
    seed: int
    fault: str
    within: Collection[str] | None
    taken: dict[str, set[str]]

    def take(self, key: str, word: str) -> Target:
        """The nodes of a role, or those that are drawn; no other word of the fault stands for them again."""
        how, role = _parsed(word)
        whole = _of_role(role, self.cluster)
        elsewhere = {node for other, nodes in self.taken.items() if other != key for node in nodes}
        left = [name for name in whole if name not in elsewhere]
        if how:
            left = self._draw(key, how, whole, left)
        if not left:
            raise _Unclear("the fault names each of them elsewhere already")
        self.taken[key] |= set(left)
        return Target(key, word, tuple(left))

    def _draw(self, key: str, how: str, whole: tuple[str, ...], left: list[str]) -> list[str]:
        """Each node has its own lot, so that more of them are those that fewer would be, and some."""
        count = _count(how, len(whole))
        free = [n for n in left if n not in self.taken[key] and (self.within is None or n in self.within)]
        if count > len(free):
            raise _Unclear(f"that is {count} of {', '.join(whole)}, of which {len(free)} can be taken")
        drawn = sorted(free, key=lambda name: sub_seed(self.seed, self.fault, key, name))[:count]
        return [name for name in whole if name in drawn]


def _is_target(text: str, cluster: Cluster) -> bool:
    """Whether a word stands for nodes; a node's own name goes before any other meaning it may have."""
    if cluster.has(text):
        return False
    return bool(cluster.of_role(text) or SOME.fullmatch(text) or text.isdecimal() or text in _LOOKED_UP)


def _is_looked_up(text: str, cluster: Cluster) -> bool:
    return text.partition(" of ")[0] in _LOOKED_UP and not cluster.of_role(text)


def _parsed(word: str) -> tuple[str, str | None]:
    """How many (or '': all), of what role (or None: any): ``('2', 'node')``, ``('30%', None)``, ``('', 'node')``."""
    if found := SOME.fullmatch(word):
        return found[1] or found[3], found[2]
    return (word, None) if word.isdecimal() or word in _LOOKED_UP else ("", word)


def _of_role(role: str | None, cluster: Cluster) -> tuple[str, ...]:
    found = cluster.names() if role is None else cluster.of_role(role)
    if not found:
        raise _Unclear(f"no node has the role '{role}' (there are {', '.join(cluster.roles())})")
    return found


def _count(how: str, total: int) -> int:
    """How many of ``total`` that is: a share is rounded down, and at least one."""
    if how == "majority":
        return total // 2 + 1
    if how == "minority":
        if total < 3:
            raise _Unclear(f"of {total} no minority can be taken: that needs three at least")
        return (total - 1) // 2
    if how.isdecimal():
        if int(how) == 0:
            raise _Unclear("nobody would be hit; write at least 1")
        return int(how)
    share = units.share(how)
    if share == 0:
        raise _Unclear("nobody would be hit; write more than 0%")
    return max(1, int(round(share * total, 9)))


def _look_up(word: tuple[str, str], cluster: Cluster, found: Mapping[str, str]) -> Target:
    """Who may be meant by ``leader of etcd``: the nodes whose service says how to know it."""
    key, text = word
    which, role = _parsed(text)
    knowing = [name for name in _of_role(role, cluster) if cluster.node(name).leader]
    roles = dict.fromkeys(cluster.node(name).role for name in knowing)
    if not knowing:
        who = f"no service of role '{role}'" if role else "no service of this cluster"
        raise _Unclear(f"{who} says 'leader: METRIC' in its x-harness, so nobody can tell who that is")
    if len(roles) > 1:
        raise _Unclear(f"{', '.join(roles)} have a leader each; write '{which} of ROLE'")
    node = found.get(text)
    return Target(key, text, (node,) if node else (), tuple(knowing))


def _places(fault: Aimed) -> tuple[_Place, ...]:
    """Every field of a fault that the file fills with nodes, and that is filled."""
    found = []
    for field in fields(fault):
        word = word_of(field)
        value = getattr(fault, field.name)
        if word is not None and word.reader is NODE and value:
            found.append(_Place(word.key, field.name, word.many, value if word.many else (value,)))
    return tuple(found)


def _each(words: Iterable[tuple[str, str]], act: Callable[[tuple[str, str]], Target]) -> tuple[list[Target], Problems]:
    """What each word stands for, and what is said of those that stand for nobody."""
    targets: list[Target] = []
    problems: list[tuple[str, str]] = []
    for key, text in words:
        try:
            targets.append(act((key, text)))
        except _Unclear as error:
            problems.append((key, f"is '{text}': {error}"))
    return targets, tuple(problems)


def _rewritten(fault: F, places: Iterable[_Place], targets: Iterable[Target]) -> tuple[F, Problems]:
    """The fault with the names that its words stand for, each once, in the order of the words."""
    stands = {(target.key, target.word): target.nodes for target in targets}
    values: dict[str, Any] = {"targets": tuple(targets)}
    for place in places:
        names = tuple(dict.fromkeys(n for text in place.texts for n in stands.get((place.key, text), (text,))))
        if not place.many and len(names) > 1:
            text = f"is '{place.texts[0]}', which is {', '.join(names)}: write a word for one node"
            return fault, ((place.key, text),)
        values[place.field] = names if place.many else names[0]
    return replace(fault, **values), ()
