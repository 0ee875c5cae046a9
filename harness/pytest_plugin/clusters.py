"""The clusters of one scope: each started when it is first asked for, all of them gone at its end."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from harness.cli.standing import Plan, Standing, join, up
from harness.drivers.joined import Made
from harness.errors import HarnessError
from harness.pytest_plugin.slots import Slots

SLOTS = Slots()  # of this process, whatever the scope


class Clusters:
    """``runs``: the folder of their records. ``said``: what was said while they were started."""

    def __init__(self, runs: Path) -> None:
        self._runs = runs
        self._standing: dict[Plan, Standing] = {}
        self.said: list[str] = []

    def get(self, plan: Plan) -> Standing:
        """Started before, and still whole; or started now."""
        found = self._standing.get(plan)
        if found is not None and found.session.standing:
            return found
        if found is not None:
            del self._standing[plan]
            self._down(found)
        return self._started(plan, lambda: up(plan, self._runs, self.said.append))

    def join(self, plan: Plan, made: Mapping[str, Made]) -> Standing:
        """Containers that are started now, as a cluster."""
        return self._started(plan, lambda: join(made, plan, self._runs, self.said.append))

    def _started(self, plan: Plan, start: Callable[[], Standing]) -> Standing:
        with ExitStack() as stack:
            SLOTS.take(self.said.append)
            stack.callback(SLOTS.release)
            self._standing[plan] = start()
            stack.pop_all()
        return self._standing[plan]

    def close(self) -> None:
        """Raises the first thing that went wrong, after all of them were taken down."""
        errors = []
        while self._standing:
            _, standing = self._standing.popitem()
            try:
                self._down(standing)
            except HarnessError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    @staticmethod
    def _down(standing: Standing) -> None:
        try:
            standing.down()
        finally:
            SLOTS.release()
