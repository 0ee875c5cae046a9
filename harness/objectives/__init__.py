"""What can be asked of a run: one class per figure, one line in the table."""

from harness.objectives.alerts import Alert
from harness.objectives.amplification import Amplification
from harness.objectives.answers import Lost, Success, TimedOut, Wrong
from harness.objectives.availability import Throughput, Unavailable
from harness.objectives.base import Bound, Finding, Objective, Outcome
from harness.objectives.claimed import Claimed
from harness.objectives.crashes import Crashes
from harness.objectives.duplicated import Duplicated
from harness.objectives.lie import Lie
from harness.objectives.linearizable import Linearizable
from harness.objectives.logged import Logged
from harness.objectives.messages import Reordered, Undelivered
from harness.objectives.one_leader import OneLeader
from harness.objectives.overhead import Overhead
from harness.objectives.promql import Promql
from harness.objectives.quantiles import P50, P90, P95, P99, P999, Max
from harness.objectives.ready import Ready
from harness.objectives.restored import Detected, FailedOver, Repaired, Restored
from harness.objectives.revisions import RevisionsGrow
from harness.objectives.same_data import SameData
from harness.objectives.used import Cpu, Descriptors, Memory, MemoryGrowth
from harness.objectives.when import WINDOWS, Moment

OBJECTIVES: dict[str, type[Objective]] = {
    kind.key: kind
    for kind in (
        *(Success, Wrong, Lost, TimedOut, Duplicated, Undelivered, Reordered, Throughput, Unavailable),
        *(P50, P90, P95, P99, P999, Max),
        *(Detected, Claimed, FailedOver, Restored, Repaired),
        *(Memory, MemoryGrowth, Cpu, Descriptors, Overhead),
        *(Amplification, Linearizable, RevisionsGrow, OneLeader, SameData, Logged, Crashes, Ready, Promql, Lie, Alert),
    )
}

__all__ = ["OBJECTIVES", "WINDOWS", "Bound", "Finding", "Moment", "Objective", "Outcome", "Promql"]
