"""What a real Prometheus answers, and what we make of it."""

import time
from collections.abc import Iterator, Mapping

import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from harness.drivers.prometheus import Prometheus
from harness.engine import Answer
from tests.cluster.experiments import within

CONFIG = """
global: {scrape_interval: 250ms, scrape_timeout: 250ms}
scrape_configs:
  - {job_name: itself, static_configs: [{targets: ["127.0.0.1:9090"]}]}
  - {job_name: nobody, static_configs: [{targets: ["127.0.0.1:1"]}]}
"""


@pytest.fixture(scope="module")
def monitor(images: Mapping[str, str]) -> Iterator[Prometheus]:
    """A Prometheus that has scraped itself, and a target that is not there."""
    testcontainers_config.ryuk_disabled = True  # the reaper would mount the engine's socket
    container = DockerContainer(images["prometheus"]).with_env("PROMETHEUS_CONFIG", CONFIG)
    # with_exposed_ports would open it to everyone.
    container.ports.update({"9090/tcp": ("127.0.0.1", None)})  # type: ignore[dict-item]  # docker-py takes an address
    with container as running:
        wrapped = running.get_wrapped_container()
        wrapped.reload()
        bindings = wrapped.ports["9090/tcp"]
        assert bindings
        found = Prometheus(int(bindings[0]["HostPort"]))
        within(20.0, lambda: found.ask("count(up)", time.time()) == Answer(2.0))
        yield found


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ('up{job="itself"}', Answer(1.0)),
        ('up{job="nobody"}', Answer(0.0)),
        ("scalar(count(up))", Answer(2.0)),
        ("up", Answer(None, "it gives 2 series; aggregate them to one, for instance with max()")),
        ("there_is_no_such_metric", Answer(None, "Prometheus has no data for it at that time")),
        ("0 / 0", Answer(None, "it gives NaN, which is not a number to compare")),
    ],
)
def test_an_answer_is_one_number_or_the_reason_why_there_is_none(
    monitor: Prometheus, query: str, answer: Answer
) -> None:
    assert monitor.ask(query, time.time()) == answer


def test_a_query_that_cannot_be_read_is_refused_with_the_place_of_the_mistake(monitor: Prometheus) -> None:
    answer = monitor.ask("max(up", time.time())
    assert answer.value is None
    assert str(answer.error).startswith("Prometheus refused the query:")
    assert "parse error" in str(answer.error)


def test_the_past_is_asked_at_its_own_instant(monitor: Prometheus) -> None:
    assert monitor.ask("count(up)", time.time() - 3600) == Answer(None, "Prometheus has no data for it at that time")
