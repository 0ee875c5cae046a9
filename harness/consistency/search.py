"""The search for an order: Wing and Gong (1993), with Lowe's memory of what was tried (2017).

Depth first over which operation takes effect next. A place in the search is what was already ordered and the state
this leads to; no place is entered twice. What was ordered is everything that began before some operation except the
*window*: those that have begun, and not yet taken effect. Nothing may begin before all that ended earlier took effect,
so that a window is hardly longer than there are clients.

Three rules leave out orders without losing an answer:

* An operation that only observes, and is right in this state, takes effect at once: it is in nobody's way.
* An operation that timed out (it is in no window: nothing waits for it) takes effect only where something in the
  window is right thanks to it. Later is always as good, and what nobody needs need not have happened at all.
* A state is not left while something still needs it and nothing can bring it back.

An operation that timed out must not be forgotten because nobody read its value: beside a compare-and-set that failed
any other value will do, so that the models say who needs what.
"""

from collections.abc import Iterable, Iterator
from math import inf
from typing import Protocol

Place = tuple[int, tuple[int, ...], int, int]
"""(operations begun, the window, the state, bits of the timed-out operations that took effect)"""


class Model(Protocol):
    """Operations of one object by number, in the order in which they began, and what they do to a state.

    ``began``, ``ended``: of those that ended; those that timed out (``loose``: how many) are numbered by themselves.
    """

    initial: int
    began: list[float]
    ended: list[float]
    loose: int

    def possible(self) -> bool:
        """False: some answer can be told to be wrong without any search."""

    def right(self, number: int, state: int) -> bool:
        """Whether this operation only observes, and observes this state."""

    def after(self, number: int, state: int) -> int:
        """The state it leads to; -1: it cannot take effect here."""

    def doomed(self, number: int, place: Place, state: int) -> bool:
        """Whether nothing can come of it that operation ``number`` (-1: one that timed out) leads on to ``state``."""

    def helpful(self, place: Place, deadline: float) -> Iterable[tuple[int, int]]:
        """What timed-out operations that began by ``deadline`` can do for the window: (all used then, state after)."""


class Search:
    """``found``: True, an order explains all; False, none does; None: given up after ``steps``."""

    def __init__(self, model: Model, steps_max: int) -> None:
        self._model = model
        self.steps = 0
        self.found = self._run(steps_max) if model.possible() else False

    def _run(self, steps_max: int) -> bool | None:
        start = self._close(0, (), self._model.initial, 0)
        if not start[1]:
            return True
        seen, stack = {start}, [self._next(start)]
        while stack:
            if self.steps >= steps_max:
                return None
            place = next(stack[-1], None)
            if place is None:
                stack.pop()
                continue
            self.steps += 1
            if not place[1]:
                return True
            if place in seen:
                continue
            seen.add(place)
            stack.append(self._next(place))
        return False

    def _next(self, place: Place) -> Iterator[Place]:
        """Where each operation of the window leads, and then each timed-out one that helps."""
        begun, window, state, used = place
        model = self._model
        for number in window:
            after = model.after(number, state)
            if after >= 0 and not model.doomed(number, place, after):
                yield self._close(begun, tuple([other for other in window if other != number]), after, used)
        if model.loose:
            deadline = min([model.ended[number] for number in window])
            for used_then, after in model.helpful(place, deadline):
                if not model.doomed(-1, place, after):
                    yield self._close(begun, window, after, used_then)

    def _close(self, begun: int, window: tuple[int, ...], state: int, used: int) -> Place:
        """Let everything take effect that observes this state, and begin what can begin then."""
        model, began, ended = self._model, self._model.began, self._model.ended
        right, count = model.right, len(began)
        left = [number for number in window if not right(number, state)]
        deadline = min([ended[number] for number in left], default=inf)
        while begun < count and began[begun] <= deadline:
            if not right(begun, state):
                left.append(begun)
                if ended[begun] < deadline:  # noqa: PLR1730  a call of min() for each takes longer
                    deadline = ended[begun]
            begun += 1
        return begun, tuple(left), state, used
