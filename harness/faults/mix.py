"""A seeded mix: so many faults, drawn from templates, at times and on nodes that are drawn too, within limits.

Every draw comes from the seed and the identity of what is drawn (``mix``, event 3, template ``kill``) and never from
another draw. So leaving out one event, or one template, moves none of the others: what failed can be made smaller.

For that, the faults phase is cut into equal slots in ``at_once`` lanes, one event in each, and the nodes are dealt out
to the lanes: events of two lanes, which may overlap, can then never meet on one node.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from harness.cluster import Cluster
from harness.faults.base import Fault
from harness.faults.overlap import Act, act
from harness.seeds import sub_seed
from harness.targets import aim, stand_ins
from harness.units import show_planned_s
from harness.words import COUNT, DURATION, NAME, SPAN, word

_COUNT_MAX = 100
_LASTS_MIN_S = 0.1
_NAME_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """``templates``: faults whose name, time and length mean nothing yet."""

    count: int = field(metadata=word("count", COUNT, "how many faults are drawn"))
    lasts_s: tuple[float, float] = field(metadata=word("for", SPAN, "how long each lasts, drawn from this range"))
    name: str = field(default="mix", metadata=word("name", NAME, "what their names begin with: NAME-3-kill"))
    at_once: int = field(default=1, metadata=word("at_once", COUNT, "at most so many at a time"))
    gap_s: float = field(default=0.0, metadata=word("gap", DURATION, "before the next one in its place: to recover"))
    without: tuple[int, ...] = field(
        default=(), metadata=word("without", COUNT, "numbers that are left out; the others stay as they are", many=True)
    )
    templates: tuple[Fault, ...] = ()

    def check(self, faults_s: float) -> Iterator[tuple[str, str]]:
        """What is wrong with its numbers in a faults phase of that length: (key, half a sentence)."""
        if not 1 <= self.count <= _COUNT_MAX:
            yield "count", f"is {self.count}: write one from 1 to {_COUNT_MAX}"
        elif not 1 <= self.at_once <= self.count:
            yield "at_once", f"is {self.at_once}: write one from 1 to {self.count}, which is how many there are"
        if self.lasts_s[0] < _LASTS_MIN_S:
            yield "for", f"begins at {show_planned_s(self.lasts_s[0])}: nobody would notice; write at least 100ms"
        for number in self.without:
            if not 1 <= number <= self.count:
                yield "without", f"names {number}, and they are counted from 1 to {self.count}"
        for template in self.templates:
            name = _name(self, self.count, template)
            if len(name) > _NAME_MAX:
                yield "name", f"makes names such as '{name}': they may have {_NAME_MAX} characters; shorten it"
        if self.at_once and self._turns * (self._longest_ms + self._gap_ms) - self._gap_ms > _ms(faults_s):
            needed_s = (self._turns * (self._longest_ms + self._gap_ms) - self._gap_ms) / 1000
            longest, gap, phase = map(show_planned_s, (self.lasts_s[1], self.gap_s, faults_s))
            row = f"{self._turns} in a row of up to {longest}, {gap} apart, need {show_planned_s(needed_s)}"
            yield "count", f"is {self.count}: {row}, and the faults phase lasts {phase}: write fewer, or lengthen it"

    @property
    def _turns(self) -> int:
        """How many events follow each other in a lane."""
        return -(-self.count // self.at_once)

    @property
    def _longest_ms(self) -> int:
        return _ms(self.lasts_s[1])

    @property
    def _gap_ms(self) -> int:
        return _ms(self.gap_s)

    def time(self, number: int, seed: int, faults_s: float) -> tuple[float, float]:
        """When event ``number`` begins and how long it lasts, in seconds: somewhere in its slot, in whole ms."""
        shortest_ms = _ms(self.lasts_s[0])
        for_ms = shortest_ms + sub_seed(seed, self.name, str(number), "for") % (self._longest_ms - shortest_ms + 1)
        slot_ms = (_ms(faults_s) + self._gap_ms) // self._turns
        spare_ms = slot_ms - self._gap_ms - for_ms
        late_ms = sub_seed(seed, self.name, str(number), "at") % (spare_ms + 1)
        return ((number - 1) // self.at_once * slot_ms + late_ms) / 1000, for_ms / 1000


def expand(mix: Mix, cluster: Cluster, seed: int, faults_s: float, beside: Collection[Act] = ()) -> tuple[Fault, ...]:
    """Ordinary faults, in the order of their numbers. ``check`` has found nothing to say, nor have the templates'.

    ``beside``: what the file's own faults do; nodes that one of them works on meanwhile are drawn by none.
    Raises ``ValueError`` with half a sentence where no template fits the nodes that an event may have.
    """
    lanes = _lanes(mix, cluster, seed)
    numbers = [number for number in range(1, mix.count + 1) if number not in mix.without]
    found = []
    for number in numbers:
        at_s, for_s = mix.time(number, seed, faults_s)
        met = [one for one in beside if at_s < one.end_s and one.start_s < at_s + for_s]
        free = lanes[(number - 1) % mix.at_once].difference(*(one.nodes for one in met))
        found.append(_event(mix, number, (at_s, for_s), free, cluster, seed))
    return tuple(found)


def _event(
    mix: Mix, number: int, time: tuple[float, float], free: frozenset[str], cluster: Cluster, seed: int
) -> Fault:
    at_s, for_s = time
    for template in sorted(mix.templates, key=lambda one: sub_seed(seed, mix.name, str(number), one.name)):
        drawn = replace(template, name=_name(mix, number, template), at_s=at_s, for_s=for_s)
        aimed, problems = aim(drawn, cluster, seed, within=free)
        if not problems and _fits(aimed, free, cluster, seed):
            return aimed
    left, span = ", ".join(sorted(free)) or "no node", f"{show_planned_s(at_s)} to {show_planned_s(at_s + for_s)}"
    raise ValueError(
        f"is {mix.at_once}, which leaves {left} for {mix.name}-{number} ({span}), and none of 'faults' fits that: "
        "name targets such as '1 of ROLE', or lower it"
    )


def _fits(fault: Fault, free: frozenset[str], cluster: Cluster, seed: int) -> bool:
    """Whether a fault is right on this cluster, and works on nodes that are free only (links may be anybody's)."""
    found = stand_ins(fault, cluster, seed)
    right = [one for one in found if not list(one.check(cluster))]
    return bool(right) and act(fault, right, cluster).nodes & {*cluster.names()} <= free


def _lanes(mix: Mix, cluster: Cluster, seed: int) -> list[frozenset[str]]:
    """The nodes, dealt out role by role so that each lane has some of every role where there are enough."""
    dealt: list[set[str]] = [set() for _ in range(mix.at_once)]
    roles = [
        sorted(cluster.of_role(role), key=lambda n: sub_seed(seed, mix.name, "lane", n)) for role in cluster.roles()
    ]
    # The largest role first: it is the one that faults are drawn from.
    for index, name in enumerate(name for role in sorted(roles, key=len, reverse=True) for name in role):
        dealt[index % mix.at_once].add(name)
    return [frozenset(lane) for lane in dealt]


def _name(mix: Mix, number: int, template: Fault) -> str:
    return f"{mix.name}-{number}-{template.name}"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
