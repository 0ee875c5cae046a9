"""A register with compare-and-set, as the search walks it: states are small numbers, one for each value."""

from collections.abc import Iterable, Iterator, Sequence
from math import inf

from harness.consistency.history import Call
from harness.consistency.search import Place

_INITIAL, _UNSEEN = 0, 1
_NONE = -1  # of these tables: not that kind of operation


class Register:
    """The model of one register.

    Values that nobody read and nothing compared with are one state: no answer tells them apart. Timed-out operations
    that do the same are interchangeable, so that of each kind the earliest that is left is used.
    """

    initial = _INITIAL

    def __init__(self, calls: Sequence[Call], initial: str) -> None:
        done = [call for call in calls if not call.open]
        late = [call for call in calls if call.open and call.changes]
        self._states = _states(calls, initial)
        self.began = [call.invoked for call in done]
        self.ended = [call.returned for call in done]
        self._sees = [self._seen(call) for call in done]
        self._needs = [self._needed(call) for call in done]
        self._makes = [self._made(call) for call in done]
        self.loose = len(late)
        self._late_began = [call.invoked for call in late]
        self._late: dict[int, dict[int, list[int]]] = {}  # state made -> state needed -> those that do so
        for number, call in enumerate(late):
            need = self._state(call.old) if call.f == "cas" else _NONE
            self._late.setdefault(self._state(call.value), {}).setdefault(need, []).append(number)
        self._late_needs = {need for kinds in self._late.values() for need in kinds if need != _NONE}
        needed = [see if see >= 0 else need for see, need in zip(self._sees, self._needs, strict=True)]
        self._last_needed = _last(needed)
        self._last_made = _last(self._makes)
        self._possible = self._sources_in_time(needed)

    def possible(self) -> bool:
        return self._possible

    def right(self, number: int, state: int) -> bool:
        see = self._sees[number]
        return see == state or (see < _NONE and see != -2 - state)

    def after(self, number: int, state: int) -> int:
        need = self._needs[number]
        return self._makes[number] if need in (_NONE, state) else _NONE

    def doomed(self, number: int, place: Place, state: int) -> bool:
        begun, window, left, _ = place
        if state == left or self._last_made.get(left, _NONE) >= begun or left in self._late:
            return False
        needed = self._last_needed.get(left, _NONE) >= begun
        for other in window:
            if other != number:
                if self._makes[other] == left:
                    return False
                needed = needed or self._needs[other] == left
        return needed

    def helpful(self, place: Place, deadline: float) -> Iterator[tuple[int, int]]:
        _, window, state, used = place
        wanted = set(self._late_needs)
        for number in window:
            see = self._sees[number]
            if see < _NONE:
                # A compare-and-set that failed, and would not here: any other value makes it right.
                wanted.update(self._late)
            else:
                wanted.add(see if see >= 0 else self._needs[number])
        for made in wanted:
            if made != state and made in self._late:
                kinds = self._late[made]
                for need in (_NONE, state):
                    for number in kinds.get(need, ()):
                        if not used >> number & 1:
                            if self._late_began[number] <= deadline:
                                yield used | 1 << number, made
                            break

    def _state(self, value: str) -> int:
        return self._states.get(value, _UNSEEN)

    def _seen(self, call: Call) -> int:
        """The state it observes; of a compare-and-set that failed, -2 less the one that it was not."""
        if call.f == "read":
            return self._state(call.value)
        if call.f == "cas" and call.answer is False:
            return -2 - self._state(call.old)
        if call.f == "cas" and call.old == call.value:
            return self._state(call.old)
        return _NONE

    def _needed(self, call: Call) -> int:
        return self._state(call.old) if call.f == "cas" and call.changes else _NONE

    def _made(self, call: Call) -> int:
        return self._state(call.value) if call.changes and self._seen(call) == _NONE else _NONE

    def _sources_in_time(self, needed: Sequence[int]) -> bool:
        """Whether everything that was observed could have been written by the end of the observation."""
        first = {_INITIAL: -inf}
        sources = [*zip(self._makes, self.began, strict=True)]
        for made, kinds in self._late.items():
            sources += ((made, self._late_began[number]) for numbers in kinds.values() for number in numbers)
        for made, began in sources:
            first[made] = min(began, first.get(made, inf))
        ends = zip(needed, self.ended, strict=True)
        return all(state == _NONE or first.get(state, inf) <= end for state, end in ends)


def _states(calls: Iterable[Call], initial: str) -> dict[str, int]:
    states = {initial: _INITIAL}
    for call in calls:
        value = call.value if call.f == "read" else call.old
        if call.f in ("read", "cas") and value not in states:
            states[value] = len(states) + 1
    return states


def _last(states: Sequence[int]) -> dict[int, int]:
    """state -> the last number that has it."""
    return {state: number for number, state in enumerate(states) if state != _NONE}
