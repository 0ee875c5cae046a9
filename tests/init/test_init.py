"""What a compose file says, and what its cluster showed, in; two files with a reason in every line out."""

from dataclasses import replace
from textwrap import dedent

import pytest
import yaml

from harness.drivers import look_probe
from harness.errors import ClusterError
from harness.init import declared, texts
from harness.init.declared import Declared, known_port
from harness.init.propose import HELLOS, Line, Port, Proposal, Sight, Victim, entrance, propose
from harness.loader import bind, parse
from harness.weave.weave import describe
from harness.wire import CLIENT_METRICS_PORT, ECHO_PORT, METRICS_PORT, TOXIPROXY_PORT

SHOP = """
    services:
      my_db:
        image: registry.example/library/postgres:16@sha256:0
        healthcheck: {test: [CMD-SHELL, pg_isready]}
      api:
        build: {context: /src}
        deploy: {replicas: 2}
        expose: ["9000"]
        healthcheck: {test: "curl -f http://localhost:9000/healthz || exit 1"}
        depends_on: {my_db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}
      migrate: {image: i}
      gateway:
        image: nginx
        ports: [{target: 80, published: "8080"}, {target: 80, published: "8081"}]
        depends_on: {api: {condition: service_started}}
      mine: {image: i, x-harness: {port: 7}}
"""
SIGHTS = {
    "my_db": Sight("my_db", (Port(5432),), met=40),
    "api": Sight("api", (Port(9000, root=404, health="/healthz", metrics="/metrics"),), met=90),
    "migrate": Sight("migrate", exit_code=0),
    "gateway": Sight("gateway", (Port(80, root=200), Port(8405, root=404)), udp=(53,)),
    "mine": Sight("mine", (Port(7),)),
}


def resolved() -> str:
    return dedent(SHOP)


def proposed(sights: dict[str, Sight]) -> Proposal:
    services = declared.read(resolved())
    return propose(services, sights, entrance(services, sights))


def blocks(proposal: Proposal) -> dict[str, dict[str, str]]:
    return {service.name: {line.key: line.value for line in lines} for service, lines in proposal.blocks}


def test_what_a_file_says_of_its_services_is_read() -> None:
    assert tuple(replace(service, runs="") for service in declared.read(resolved())) == (
        Declared("my_db", "my-db", kind="postgres", checked=True),
        Declared(
            "api",
            "api-{i}",
            count=2,
            ports=(9000,),
            waits_for=("my_db", "migrate"),
            checked=True,
            check_path="/healthz",
        ),
        Declared("migrate", "migrate", kind="i", job=True),
        Declared("gateway", "gateway", ports=(80,), published=(80,), kind="nginx", waits_for=("api",)),
        Declared("mine", "mine", kind="i", own=True),
    )


@pytest.mark.parametrize(("service", "node"), [("client", "the-client"), ("web-pod", "web"), ("A_b.C", "a-b-c")])
def test_a_service_whose_name_no_node_may_have_gets_another(service: str, node: str) -> None:
    (found,) = declared.read(yaml.safe_dump({"services": {service: {"image": "i"}}}))
    assert found.node == node
    named = declared.named(yaml.safe_dump({"services": {service: {"image": "i"}}}))
    assert describe("t", named).names() == (node,)


def test_a_file_without_services_is_refused() -> None:
    with pytest.raises(ClusterError) as refused:
        declared.read("services: {}")
    assert "profiles" in str(refused.value)


def test_what_was_seen_stands_in_the_blocks() -> None:
    assert blocks(proposed(SIGHTS)) == {
        "my_db": {"name": "my-db", "port": "5432", "ready": "{client: healthcheck}"},
        "api": {"port": "9000", "ready": "{client: http, path: /healthz}", "metrics": "9000/metrics"},
        "migrate": {"job": "true"},
        "gateway": {"port": "[80, 8405]", "ready": "{client: http, path: /}"},
    }


def test_what_is_guessed_says_so_in_every_line() -> None:
    found = proposed({})
    assert blocks(found) == {
        "my_db": {"name": "my-db", "port": "5432", "ready": "{client: healthcheck}"},
        "api": {"port": "9000", "ready": "{client: healthcheck}"},
        "migrate": {"job": "true"},
        "gateway": {"port": "80"},
    }
    guesses = [line.why for _, lines in found.blocks for line in lines if line.key in ("port", "ready")]
    assert all(why.startswith("guessed: ") for why in guesses)
    assert found.load is not None and found.load.why.startswith("guessed")
    assert found.victim == Victim("api-1", True, "guessed: the file says that gateway waits for it")


def test_users_ask_the_gateway_and_who_serves_them_and_has_a_stand_in_is_cut_off() -> None:
    found = proposed(SIGHTS)
    assert found.load is not None
    assert (found.load.service.name, found.load.client, found.load.words) == ("gateway", "http", (("path", "/"),))
    assert found.victim == Victim("api-1", True, "seen: 90 packets reached api-1 while gateway was asked 20 times")


def test_a_service_that_runs_the_same_as_another_has_a_stand_in() -> None:
    file = """
        services:
          gate: {build: ./gate, ports: [{target: 80}]}
          db: {image: i}
          web1: {build: ./web, command: [serve]}
          web2: {build: ./web, command: [serve]}
          jobs: {build: ./web, command: [work]}
    """
    services = declared.read(dedent(file))
    sights = {s.name: Sight(s.name, (Port(80, root=200),), met=9 if s.name == "gate" else 90) for s in services}
    found = propose(services, sights, entrance(services, sights))
    assert found.victim is not None and (found.victim.node, found.victim.spared) == ("web1", True)


def test_where_nobody_was_needed_the_entrance_itself_is_cut_off() -> None:
    services = (Declared("app", "app", ports=(80,), published=(80,)), Declared("db", "db"))
    sights = {"app": Sight("app", (Port(80, root=200),)), "db": Sight("db", (Port(5432),))}
    found = propose(services, sights, entrance(services, sights))
    assert found.victim == Victim("app", False, "seen: / of app needed nobody else, so it is cut off itself")


def test_a_page_that_is_not_there_is_asked_for_with_its_status_until_its_owner_names_another() -> None:
    service = Declared("app", "app", ports=(80,), published=(80,))
    load = entrance([service], {"app": Sight("app", (Port(80, root=404),))})
    assert load is not None and load.words == (("path", "/"), ("status", "404"))
    load = entrance([service], {"app": Sight("app", (Port(80, root=404, health="/up"),))})
    assert load is not None and load.words == (("path", "/up"),)


def test_a_cluster_that_only_speaks_redis_is_asked_for_pongs() -> None:
    service = Declared("cache", "cache", kind="redis")
    for sights in ({}, {"cache": Sight("cache", (Port(6379, hello="redis"),))}):
        load = entrance([service], sights)
        assert load is not None and load.client == "tcp"
        assert load.words == (("send", "PING"), ("expect", '"+PONG"'))


def test_where_nothing_can_be_asked_there_is_no_scenario() -> None:
    service = Declared("db", "db", kind="postgres")
    found = propose([service], {"db": Sight("db", (Port(5432),))}, None)
    assert (found.load, found.victim) == (None, None)


@pytest.mark.parametrize("sights", [SIGHTS, {}])
def test_what_is_written_is_read_by_the_house_without_a_complaint(sights: dict[str, Sight]) -> None:
    found = proposed(sights)
    assert found.load is not None and found.victim is not None
    beside = yaml.safe_load(texts.addition("compose.yaml", found))["services"]
    document = yaml.safe_load(resolved())
    for name, service in beside.items():
        document["services"][name] |= service
    cluster = describe("compose.yaml", yaml.safe_dump(document))
    text = texts.scenario("compose.yaml", "first", found, found.load, found.victim, [("TAG", "off")])
    scenario = bind(parse(text.encode(), "first.yaml"), cluster)
    assert (scenario.cluster, scenario.variables) == ("compose.yaml", (("TAG", "off"),))
    assert [fault.name for fault in scenario.faults] == ["lost-api-1"]
    assert all(len(line) <= 120 for line in text.splitlines())
    assert all("#" in line for line in texts.addition("compose.yaml", found).splitlines() if line.startswith("      "))


def test_no_block_is_longer_than_ten_lines() -> None:
    assert max(len(lines) for _, lines in proposed(SIGHTS).blocks) <= 10


def test_a_name_that_yaml_would_take_for_something_else_is_quoted() -> None:
    found = Proposal(((Declared("off", "off"), (Line("port", "80", "seen"),)),), None, None, started=True)
    assert yaml.safe_load(texts.addition("c.yml", found)) == {"services": {"off": {"x-harness": {"port": 80}}}}
    nothing = Proposal((), None, None, started=True)
    assert yaml.safe_load(texts.addition("c.yml", nothing)) == {"services": {}}


def test_the_probe_knows_our_ports_and_greetings() -> None:
    assert set(look_probe.OURS) == {ECHO_PORT, METRICS_PORT, CLIENT_METRICS_PORT, TOXIPROXY_PORT}
    assert look_probe.HELLOS == HELLOS
    assert known_port("redis") == 6379
