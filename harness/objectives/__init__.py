"""What can be asked of a run: one class per figure, one line in the table."""

from harness.objectives.base import Bound, Finding, Objective, Outcome

OBJECTIVES: dict[str, type[Objective]] = {}

__all__ = ["OBJECTIVES", "Bound", "Finding", "Objective", "Outcome"]
