"""When a run's zero was on the wall clock: container logs and Prometheus go by that one, everything else does not."""

from datetime import UTC, datetime, timedelta

from harness.recording.evidence import WALL, Evidence


def origin(evidence: Evidence) -> datetime | None:
    """The beginning of the warm-up, UTC: from the first look at the wall clock, else from the run's own first line."""
    if looks := evidence.clocks().get(WALL):
        return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=(evidence.origin_ns + looks[0].offset_ns) / 1000)
    began = evidence.began
    if began is None:
        return None
    try:
        wall = datetime.fromisoformat(began.wall)
    except ValueError:
        return None
    return wall.replace(tzinfo=wall.tzinfo or UTC) + timedelta(seconds=(evidence.origin_ns - began.at_ns) / 1e9)
