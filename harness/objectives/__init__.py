"""What can be asked of a run: one class per figure, one line in the table."""

from harness.objectives.answers import Success, Wrong
from harness.objectives.base import Bound, Finding, Objective, Outcome
from harness.objectives.promql import Promql
from harness.objectives.quantiles import P50, P90, P95, P99, P999, Max
from harness.objectives.restored import Restored
from harness.objectives.when import WINDOWS, Moment

OBJECTIVES: dict[str, type[Objective]] = {
    kind.key: kind for kind in (Success, Wrong, P50, P90, P95, P99, P999, Max, Restored, Promql)
}

__all__ = ["OBJECTIVES", "WINDOWS", "Bound", "Finding", "Moment", "Objective", "Outcome", "Promql"]
