"""Whether any term had two leaders, as the members of the store say themselves."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

from harness.members import Status
from harness.objectives.base import Bound, Finding
from harness.objectives.told import Told, told
from harness.objectives.yes import yes
from harness.recording.evidence import Evidence
from harness.units import show_s
from harness.words import word

_BOUND = yes("<=", 1.0)
_LOOKS_MIN = 30  # at each member, as for a history: what shows in one of ten is missed by so many with less than 5 %


@dataclass(frozen=True, slots=True, kw_only=True)
class OneLeader(Told):
    """Raft elects at most one leader in a term. Each member is asked whom it takes for its leader, and in which term.

    Two of one term are a violation, whoever says so. None seen proves only what was looked at: a leader that nobody
    was asked about while it led is not seen, and so each member must have answered 30 times or nothing is held.
    """

    key: ClassVar[str] = "one-leader"
    about: ClassVar[str] = "whether no term had two leaders, in all that the members were asked"
    unit: ClassVar[str] = "at most in one term"

    bound: Bound = field(metadata=word("one-leader", _BOUND, "yes"))

    @property
    def source(self) -> str:
        return f"the leader and the term that each member named when {self.traffic} asked it"

    def take(self, evidence: Evidence) -> Finding:
        found = told(evidence, self.traffic)
        if isinstance(found, str):
            return self.finding("inconclusive", found)
        looks = [one for one in found if isinstance(one, Status)]
        answered = {node: [one for one in looks if one.node == node and not one.error] for node in _nodes(looks)}
        seen = sum(map(len, answered.values()))
        leaders, details = _leaders(answered), tuple(_details(answered))
        most = max(map(len, leaders.values()), default=0)
        if most > 1:
            return self.finding("violated", _broken(leaders, evidence), float(most), details=details)
        if few := [f"{node} {len(its)}" for node, its in answered.items() if len(its) < _LOOKS_MIN]:
            reason = f"too few looks to tell ({', '.join(few)} answered): each member must have answered {_LOOKS_MIN}"
            return self.finding("inconclusive", reason, float(most), details=details)
        if not leaders:
            return self.finding("inconclusive", f"no member named a leader in {seen:,} looks", details=details)
        reason = f"no term with two leaders seen in {seen:,} looks at {len(answered)} members"
        return self.finding("held", reason, 1.0, details=details)


def _nodes(looks: Sequence[Status]) -> tuple[str, ...]:
    return tuple(sorted({one.node for one in looks}))


def _leaders(answered: Mapping[str, Sequence[Status]]) -> Mapping[int, Mapping[str, list[Status]]]:
    """By term and by the leader's number: who named it."""
    found: dict[int, dict[str, list[Status]]] = defaultdict(lambda: defaultdict(list))
    for one in (one for looks in answered.values() for one in looks if one.lead):
        found[one.term][one.lead].append(one)
    return found


def _broken(leaders: Mapping[int, Mapping[str, list[Status]]], evidence: Evidence) -> str:
    """The first term with two, and when and by whom each of its leaders was named first."""
    term = min(term for term, of in leaders.items() if len(of) > 1)
    named = {one.member: one.node for of in leaders.values() for looks in of.values() for one in looks}
    said = []
    for lead, looks in leaders[term].items():
        first = min(looks, key=lambda one: one.at_ns)
        since = f"{evidence.since_s(first.at_ns):.1f} s into the run"
        said.append(f"{named.get(lead, lead)} (named by {first.node} {since})")
    return f"term {term} had {len(said)} leaders: {' and '.join(sorted(said))}"


def _details(answered: Mapping[str, Sequence[Status]]) -> Iterator[tuple[str, str]]:
    yield "looks", ", ".join(f"{node} {len(looks):,}" for node, looks in answered.items())
    terms = {one.term for looks in answered.values() for one in looks if one.lead}
    yield "terms with a leader", f"{len(terms):,}"
    gaps_s = [(b.at_ns - a.at_ns) / 1e9 for looks in answered.values() for a, b in pairwise(looks)]
    yield "longest time without a look at a member", show_s(max(gaps_s, default=0.0))
