"""What Prometheus is told: computed from the tallies when it asks, so that counting costs the load nothing."""

from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from harness.client.tally import Tally
from harness.clock import monotonic_ns, to_s
from harness.errors import AgentError
from harness.operations import LATENCY_BOUNDS_S, Outcome

_LE = (*(str(bound) for bound in LATENCY_BOUNDS_S), "+Inf")


class Tallies(Collector):
    """Traffic name -> tally, as Prometheus metrics."""

    def __init__(self, tallies: Mapping[str, Tally]) -> None:
        self._tallies = tallies

    def collect(self) -> Iterator[Metric]:
        operations = CounterMetricFamily(
            "harness_operations", "Operations that ended, by outcome.", labels=("traffic", "outcome")
        )
        seconds = HistogramMetricFamily(
            "harness_operation_seconds", "Seconds from the due time to the end.", labels=("traffic",)
        )
        outage = _gauge("harness_outage_seconds", "The current outage: 0 while operations succeed.")
        recovery = _gauge("harness_last_recovery_seconds", "Length of the last outage that ended.")
        in_flight = _gauge("harness_in_flight", "Operations that have begun and not ended.")
        until = _gauge("harness_settled_until_seconds", "CLOCK_MONOTONIC: none due before is in flight.")
        settled = HistogramMetricFamily(
            "harness_settled_seconds", "Of those due before: latencies, failures beyond all.", labels=("traffic",)
        )
        failed = CounterMetricFamily("harness_settled_failed", "Of those due before: failures.", labels=("traffic",))
        now_ns = monotonic_ns()
        for name, tally in tuple(self._tallies.items()):  # the loop may add one meanwhile
            for outcome in Outcome:
                operations.add_metric((name, outcome.name.lower()), tally.outcomes[outcome])
            buckets = list(zip(_LE, map(float, accumulate(tally.latencies)), strict=True))
            seconds.add_metric((name,), buckets, tally.latency_sum_s)
            outage.add_metric((name,), tally.outage_s(now_ns))
            recovery.add_metric((name,), tally.last_recovery_s)
            in_flight.add_metric((name,), tally.in_flight)
            seen = tally.settling.seen
            counts = list(map(float, accumulate(seen.answered)))
            counts[-1] += seen.failed
            until.add_metric((name,), to_s(seen.until_ns))
            settled.add_metric((name,), list(zip(_LE, counts, strict=True)), None)
            failed.add_metric((name,), seen.failed)
        yield from (operations, seconds, outage, recovery, in_flight, until, settled, failed)


def _gauge(name: str, about: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, labels=("traffic",))


def serve(tallies: Mapping[str, Tally], address: str | None, port: int) -> None:
    """Answer on ``/metrics`` from threads of its own, until the process ends; ``address`` None: on every interface.

    Raises ``AgentError`` when the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(Tallies(tallies))
    try:
        if address is None:
            start_http_server(port, registry=registry)
        else:
            start_http_server(port, addr=address, registry=registry)
    except OSError as error:
        raise AgentError(f"metrics cannot be served on port {port} ({error}); free it or choose another") from error
