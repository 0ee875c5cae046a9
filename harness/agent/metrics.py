"""What Prometheus reads from an agent."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from harness.errors import AgentError
from harness.wire import METRICS_PORT


@dataclass(frozen=True, slots=True)
class FaultFigures:
    in_force: bool
    packets: int


class Metrics(Collector):
    """The agent's thread replaces ``faults`` as a whole; the thread that answers Prometheus only reads it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.faults: Mapping[str, FaultFigures] = {}
        labels, registry = ["peer"], self.registry
        self.rtt = Gauge("harness_agent_probe_rtt_seconds", "The last echo; NaN: lost", labels, registry=registry)
        self.lost = Counter("harness_agent_probe_lost", "Echoes without an answer", labels, registry=registry)
        self.registry.register(self)

    def collect(self) -> Iterator[Metric]:
        in_force = GaugeMetricFamily("harness_agent_fault_in_force", "1 while the fault is in force", labels=["fault"])
        packets = CounterMetricFamily("harness_agent_fault_packets", "Packets that met the fault", labels=["fault"])
        for fault, figures in self.faults.items():
            in_force.add_metric([fault], float(figures.in_force))
            packets.add_metric([fault], float(figures.packets))
        yield in_force
        yield packets

    def probed(self, peer: str, rtt_s: float | None) -> None:
        self.rtt.labels(peer).set(float("nan") if rtt_s is None else rtt_s)
        self.lost.labels(peer).inc(rtt_s is None)

    def serve(self) -> None:
        try:
            start_http_server(METRICS_PORT, registry=self.registry)
        except OSError as error:
            raise AgentError(
                f"port {METRICS_PORT} of the sidecar is taken ({error.strerror}): is another agent running in it?"
            ) from error
