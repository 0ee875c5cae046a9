"""What every objective is: one bound on one measured figure in one window, and the finding it comes to."""

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import msgspec
from msgspec.structs import replace as changed

from harness.cluster import Cluster
from harness.objectives.when import unknown
from harness.recording.events import Trouble
from harness.recording.evidence import Evidence
from harness.words import NAME, Reader, word, words_of

Outcome = Literal["held", "violated", "inconclusive"]

BASELINE = "baseline"  # what a bound calls the figure that was saved from earlier runs
_LEEWAY = {"<": 1.2, "<=": 1.2, ">": 0.8, ">=": 0.8}  # of a bound that names the baseline and no multiple of it

_BOUND = re.compile(r"(<=|>=|==|<|>)\s*(\S.*)")
_MULTIPLE = re.compile(rf"(\d{{1,6}}(?:\.\d{{1,6}})?) ?x ({NAME.pattern})", re.ASCII)
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Bound:
    """``<= 3s``: a comparison and its limit. ``text`` is what the file said.

    ``control``: the limit is so many times what the same figure was there (``<= 1.2 x warmup``); "": it is a figure.
    """

    comparison: str
    limit: float
    text: str
    control: str = ""

    def against(self, figure: float) -> "Bound":
        """The bound with a limit of its own, where the control's figure was this one."""
        return replace(self, limit=self.limit * figure, control="")

    def met_by(self, value: float) -> bool:
        return _COMPARE[self.comparison](value, self.limit)

    def outcome(self, value: float, error: float = 0.0) -> Outcome:
        """Held or violated only if the whole interval ``value ± error`` says so; else inconclusive."""
        return self.among(value - error, value, value + error)

    def among(self, *values: float) -> Outcome:
        """Held or violated only if every one of the values that it may have been says so; else inconclusive."""
        met = {self.met_by(value) for value in values}
        return "inconclusive" if len(met) > 1 else "held" if met.pop() else "violated"


def bound(of: Reader) -> Reader:
    """The reader of a bound whose limit ``of`` reads (``<= 3s``), or of a multiple (``<= 1.2 x warmup``).

    ``<= baseline`` is ``<= 1.2 x baseline``, and ``>= baseline`` is ``>= 0.8 x baseline``.
    """

    def read(text: str) -> Bound:
        found = _BOUND.fullmatch(text.strip())
        if not found:
            raise ValueError(f"is '{text}': write a comparison and a limit, such as '<= {of.example}'")
        if multiple := _MULTIPLE.fullmatch(found[2]):
            return Bound(found[1], float(multiple[1]), text.strip(), multiple[2])
        if found[2] == BASELINE:
            if found[1] not in _LEEWAY:
                raise ValueError(f"is '{text}': two runs never are the same; write '<= {BASELINE}' or '>= {BASELINE}'")
            return Bound(found[1], _LEEWAY[found[1]], text.strip(), BASELINE)
        limit = of.read(found[2])
        if not isinstance(limit, int | float):
            raise TypeError(f"{of.noun} is not a number")
        return Bound(found[1], float(limit), text.strip())

    pattern = rf"(<=|>=|==|<|>)\s*(({of.pattern})|{_MULTIPLE.pattern}|{BASELINE})" if of.pattern else ""
    return Reader(f"bound on a {of.noun}", f"<= {of.example}", read, pattern=pattern)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be asked of Prometheus, and when: at the end, or when ``fault`` was healed."""

    query: str
    fault: str | None


class Finding(msgspec.Struct, frozen=True):
    """One objective's outcome. ``measured`` in ``unit`` (None: there is no figure); ``error`` its plus or minus.

    ``figure``: what stands before it in words (``p99``), or "". ``bound`` is the file's own word. ``reason`` is a
    sentence for a person; ``source`` says where the figure came from.
    ``details``: figures beside it, in the order they are to be read, as (what, value in words).
    ``doubted``: the measurement itself is in doubt, so that its figure counts for nothing.
    """

    objective: str
    outcome: Outcome
    measured: float | None
    error: float | None
    bound: str
    unit: str
    reason: str
    source: str
    details: tuple[tuple[str, str], ...] = ()
    figure: str = ""
    doubted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective(ABC):
    """``key``: the word that says what is measured, and so which class it is (``success``, ``p99`` ...)."""

    key: ClassVar[str]
    about: ClassVar[str]
    unit: ClassVar[str]
    figure: ClassVar[str] = ""  # what stands before the figure, where its unit does not say it all
    example: ClassVar[Mapping[str, str]] = {}  # words that ``harness list objectives`` could not think of
    by_prometheus: ClassVar[bool] = False  # its figure is what Prometheus saw, and no better than that
    notices: ClassVar[bool] = False  # somebody is to notice a fault, and nobody can where there is none

    name: str = field(metadata=word("name", NAME, "what the verdict calls it"))
    needs: str | None = field(
        default=None, metadata=word("needs", NAME, "a fault without which it is not asked (under --no-faults)")
    )
    bound: Bound  # every class gives it its own word

    @property
    def asked_without_faults(self) -> bool:
        """Does it say anything of a run under ``--no-faults``?"""
        return self.needs is None and not self.notices

    def check(self, traffic: Collection[str], faults: Collection[str]) -> Iterator[tuple[str, str]]:
        """What is wrong with it in this scenario, by names: (key, half a sentence that says what to do)."""
        if self.bound.control:
            (key,) = (key for key, filled in words_of(type(self)).items() if filled.name == "bound")
            yield from unknown(key, self.bound.control, self.controls(faults), "figure to compare it with")
        yield from unknown("needs", self.needs, faults, "fault")

    def check_on(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        """What is wrong with it on this cluster: (key, half a sentence)."""
        yield from ()

    def check_alerts(self, alerts: Collection[str]) -> Iterator[tuple[str, str]]:
        """What is wrong with it beside the scenario's own alert rules, by their names: (key, half a sentence)."""
        yield from ()

    def notes(self, due: Callable[[str, str], float | None]) -> Iterator[str]:
        """What is worth knowing before the run. ``due``: how many operations of a traffic a window has, if known."""
        yield from ()

    def controls(self, faults: Collection[str]) -> tuple[str, ...]:
        """What its bound may be a multiple of."""
        return (BASELINE,)

    @abstractmethod
    def faults(self) -> frozenset[str]:
        """The faults it speaks of: were they not seen, it proves nothing."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Where its figure comes from, for a person."""

    @property
    def traffic_name(self) -> str | None:
        """The traffic its figure is taken from; None where it is not taken from traffic."""
        return None

    def tells(self, trouble: Trouble, evidence: Evidence) -> bool:
        """Whether that trouble is what it asks about: a finding then, and no doubt."""
        return False

    def question(self) -> Question | None:
        """What the runner must ask Prometheus for it while the cluster still stands; None: nothing."""
        return None

    def courses(self) -> tuple[str, ...]:
        """Queries that the runner must ask Prometheus for the whole of the run."""
        return ()

    def contradicted(self, evidence: Evidence) -> str | None:
        """Why its figure cannot be: another source, as good as its own, says something else; None: nobody does."""
        return None

    def measure(self, evidence: Evidence) -> Finding:
        """The figure and what it comes to, taking the recording at its word; the judge says what spoils it."""
        if not self.bound.control:
            return self.take(evidence)
        control = self.control(evidence)
        if control.measured is None:
            reason = f"there is nothing to compare it with: {control.reason}"
            return self.finding("inconclusive", reason, self._against(0.0).take(evidence).measured)
        error = control.error or 0.0
        found = self._against(control.measured).take(evidence)
        edges = {self._against(control.measured + off).take(evidence).outcome for off in (-error, error)}
        reason = f"{found.reason} (in {self.bound.control}: {control.reason})"
        if edges != {found.outcome}:
            return changed(found, outcome="inconclusive", reason=f"{reason}: too close to tell")
        return changed(found, reason=reason)

    def control(self, evidence: Evidence) -> Finding:
        """What the figure was where its bound looks for comparison; its ``outcome`` says nothing."""
        saved = evidence.baseline.get(self.name)
        if saved is not None:
            return self.finding("inconclusive", f"{saved:g}", saved)
        how = "keep one of good runs with --save-baseline NAME and give it with --baseline NAME"
        lacks = "the baseline of this run has no such figure" if evidence.baseline else "this run was given no baseline"
        return self.finding("inconclusive", f"{lacks}: {how}")

    def _against(self, figure: float) -> "Objective":
        return replace(self, bound=self.bound.against(figure))

    @abstractmethod
    def take(self, evidence: Evidence) -> Finding:
        """The figure, held against a limit of its own."""

    def finding(
        self,
        outcome: Outcome,
        reason: str,
        measured: float | None = None,
        *,
        error: float | None = None,
        details: tuple[tuple[str, str], ...] = (),
    ) -> Finding:
        """A finding of this objective; figures are rounded to a millionth, so that they read the same everywhere."""
        return Finding(
            objective=self.name,
            outcome=outcome,
            measured=None if measured is None else round(measured, 6),
            error=None if error is None else round(error, 6),
            bound=self.bound.text,
            unit=self.unit,
            figure=self.figure,
            reason=reason,
            source=self.source,
            details=details,
        )
