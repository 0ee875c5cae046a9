"""A compose file that was not written for us, with ten lines added: it is broken, seen, judged and gone."""

from pathlib import Path

import docker
import pytest

from harness.recording import events
from tests.cluster.experiments import Experiment, left_of

COMPOSE = """
x-service: &service
  image: chaos-harness/client
  entrypoint: ["python3", "-m", "http.server", "--directory", "/srv", "8000"]
  environment: {GREETING: "100 $$ of $${HOME}"}
services:
  shop:
    <<: *service
    container_name: the-shop
    hostname: shop.example
    ports: ["8000:8000"]
    depends_on: [stock]
    networks: {front: , back: {aliases: [till]}}
    x-harness: {port: 8000, ready: {client: http, path: /}}
  stock:
    <<: *service
    networks: [back]
    volumes: ["goods:/srv"]
    deploy: {replicas: 2}
    x-harness: {port: 8000, ready: {client: http, path: /}}
networks: {front: {}, back: {internal: true}}
volumes: {goods: {name: pinned-goods}}
"""

SCENARIO = """
scenario: closing
about: The shop is killed for 4 s and nothing stands in for it. Its users notice at once.
cluster: mine
seed: 1
with: {}
phases: {warmup: 3s, faults: 6s, recovery: 6s}
traffic:
  - {name: visits, client: http, to: shop, rate: 40/s, timeout: 2s, path: /}
  - {name: orders, client: http, to: stock-2, rate: 20/s, timeout: 2s, path: /}
faults:
  - {fault: kill, name: closed, at: 1s, for: 4s, nodes: [shop]}
  - {fault: partition, name: lost-stock, at: 1s, for: 4s, links: [client -> stock-1], style: reject}
objectives:
  - {name: open, of: visits, success: ">= 99%", in: all}
  - {name: stocked, of: orders, success: ">= 99%", in: all}
expect: {violated: [open]}
"""


@pytest.mark.usefixtures("images")
def test_any_compose_file_is_broken_seen_judged_and_gone(tmp_path: Path, engine: docker.DockerClient) -> None:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "mine.yaml").write_text(COMPOSE)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "closing.yaml").write_text(SCENARIO)
    run = Experiment.start(tmp_path / "scenarios" / "closing.yaml", tmp_path / "runs")
    code, output = run.finish()
    verdict = run.verdict()
    assert code in (0, 3), output
    outcomes = {finding.objective: finding.outcome for finding in verdict.findings}
    assert outcomes["open"] == "violated", output
    killed, cut = verdict.faults
    assert (killed.seen, killed.exercised, killed.healed) == (True, True, True), output
    assert cut.seen and cut.healed and not cut.exercised, output  # nobody orders from stock-1: it proves nothing
    assert left_of(engine, run.project()) == []
    told = run.events()
    used = {event.node for event in told if isinstance(event, events.Used) and event.memory_bytes and event.cpu_s}
    assert used == {"shop", "stock-1", "stock-2"}
    assert {e.node for e in told if isinstance(e, events.UseUnseen)} == {"shop"}, "it was down for 4 s"
    assert {(e.node, e.right) for e in told if isinstance(e, events.AnsweredItself)} == {(n, True) for n in used}
    ours = [event.counters.own_bytes for event in told if isinstance(event, events.Counted) and event.node == "stock-1"]
    assert ours[-1] and ours[0] is not None and ours[0] < ours[-1], "echoes and scrapes of it were counted"
