"""What a real Prometheus answers, and what we make of it."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from harness.drivers.prometheus import Prometheus
from harness.engine import Answer
from harness.objectives.alerts import AlertRule
from harness.objectives.courses import UNSEEN
from harness.weave.scrape import rules
from tests.cluster.experiments import within

CONFIG = """
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 250ms}
rule_files: [rules.yml]
scrape_configs:
  - {job_name: itself, static_configs: [{targets: ["127.0.0.1:9090"]}]}
  - {job_name: nobody, static_configs: [{targets: ["127.0.0.1:1"]}]}
"""


RULES = (
    AlertRule(name="Gone", expr='up{job="nobody"} == 0', for_s=0.5),
    AlertRule(name="Never", expr='up{job="itself"} == 0'),
)


@dataclass(frozen=True)
class Watched:
    monitor: Prometheus
    container: Container


@pytest.fixture(scope="module")
def watched(images: Mapping[str, str]) -> Iterator[Watched]:
    """A Prometheus that has scraped itself, and a target that is not there, and has evaluated alert rules."""
    testcontainers_config.ryuk_disabled = True  # the reaper would mount the engine's socket
    container = DockerContainer(images["prometheus"]).with_env("PROMETHEUS_CONFIG", CONFIG)
    container = container.with_env("PROMETHEUS_RULES", rules(RULES))
    # with_exposed_ports would open it to everyone.
    container.ports.update({"9090/tcp": ("127.0.0.1", None)})  # type: ignore[dict-item]  # docker-py takes an address
    with container as running:
        wrapped = running.get_wrapped_container()
        wrapped.reload()
        bindings = wrapped.ports["9090/tcp"]
        assert bindings
        found = Prometheus(int(bindings[0]["HostPort"]))
        within(20.0, lambda: found.ask("count(up)", time.time()) == Answer(2.0))
        within(20.0, lambda: found.ask("count(ALERTS)", time.time()).value is not None)
        yield Watched(found, wrapped)
        found._session.close()


@pytest.fixture
def monitor(watched: Watched) -> Prometheus:
    return watched.monitor


def the_last(seconds: float, query: str, monitor: Prometheus) -> list[float | None]:
    now_s = round(time.time(), 3)
    found = monitor.range(query, round(now_s - seconds, 3), now_s, 0.1)
    assert found.error is None
    return list(found.values)


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


def test_an_alert_fires_after_its_time_and_one_that_has_no_cause_never_does(monitor: Prometheus) -> None:
    firing = 'max(ALERTS{{alertname="{}",alertstate="firing"}})'
    within(5.0, lambda: monitor.ask(firing.format("Gone"), time.time()) == Answer(1.0))
    assert the_last(0.5, firing.format("Gone"), monitor)[-1] == 1.0
    assert the_last(5.0, firing.format("Never"), monitor) == [None] * 51
    assert monitor.range("max(up", 1.0, 2.0, 0.1).values == ()


def test_for_as_long_as_prometheus_stands_still_its_last_look_grows_old(watched: Watched) -> None:
    within(5.0, lambda: max(value or 9.0 for value in the_last(1.0, UNSEEN, watched.monitor)) < 0.7)
    watched.container.pause()
    time.sleep(1.5)  # as long as it must stand still
    watched.container.unpause()
    within(5.0, lambda: watched.monitor.ask(UNSEEN, time.time()).value is not None)
    assert 1.4 < max(value or 9.0 for value in the_last(3.0, UNSEEN, watched.monitor)) < 4.0
    # What it had seen last stands for all of that time: without its age nobody would know.
    assert None not in the_last(1.5, 'up{job="itself"}', watched.monitor)
