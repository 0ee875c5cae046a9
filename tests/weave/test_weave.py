"""A resolved compose file in, the same cluster in pods out; everything compared whole."""

import os
import subprocess
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cluster import Cluster, Node
from harness.errors import ClusterError
from harness.objectives.alerts import AlertRule
from harness.weave import Readiness, Woven, weave
from harness.weave.block import read_block
from harness.weave.pods import Labels
from harness.weave.redact import redacted
from harness.weave.scrape import config as prometheus_config
from harness.weave.weave import describe, our_images

LABELS = Labels("chaos-t-abcde", "/records/t")
IMAGES = {"sidecar": "s:1", "client": "c:1", "prometheus": "p:1", "ollama": "o:1", "gateway": "g:1"}
LOGGING = {"driver": "json-file", "options": {"max-size": "5m", "max-file": "2"}}


def woven(text: str) -> Woven:
    return weave("t", dedent(text), IMAGES, LABELS)


def services(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(woven(text).text)["services"]
    return found


def label(part: str, node: str) -> dict[str, str]:
    return {
        "chaos-harness.run": "chaos-t-abcde",
        "chaos-harness.part": part,
        "chaos-harness.node": node,
        "chaos-harness.record": "/records/t",
    }


def refusal(text: str) -> str:
    """What both ``check`` and ``run`` say of it."""
    with pytest.raises(ClusterError) as checked:
        describe("t", dedent(text))
    with pytest.raises(ClusterError) as run:
        woven(text)
    assert str(checked.value) == str(run.value)
    return str(run.value)


EVERYTHING = """
    name: chaos
    services:
      a:
        container_name: old-a
        depends_on: {b: {condition: service_healthy, required: true, restart: true}}
        dns: [127.0.0.1]
        dns_opt: ["ndots:1"]
        dns_search: [x.example]
        domainname: d.example
        environment: {P: pa$$word, N: null}
        expose: ["9000"]
        external_links: ["o:oo"]
        extra_hosts: [h=127.0.0.1]
        hostname: ha
        image: busybox
        labels: {mine: "1"}
        links: ["b:bee", b]
        mac_address: 02:42:ac:11:00:02
        networks: {front: {aliases: [x]}, back: {priority: 5}}
        ports: [{mode: ingress, target: 80, published: "8080", protocol: tcp}, {target: 81, host_ip: all}]
        profiles: [always]
        restart: always
        sysctls: {kernel.msgmax: "65536", net.core.somaxconn: "10"}
        volumes: [{type: volume, source: d, target: /d}]
        x-harness: {name: n1, role: front, port: 80}
      b:
        image: busybox
        deploy: {replicas: 2, resources: {limits: {cpus: 1}}}
        networks: {front: null}
    networks: {front: {name: chaos_front}, back: {name: chaos_back, internal: true}}
    volumes: {d: {name: chaos_d}}
"""


def test_what_belongs_to_the_namespace_moves_to_the_sidecar() -> None:
    assert services(EVERYTHING)["n1-pod"] == {
        "networks": {
            "front": {"aliases": ["x", "n1", "a", "old-a"]},
            "back": {"priority": 5, "aliases": ["n1", "a", "old-a"]},
        },
        "ports": [
            {"target": 80, "protocol": "tcp", "host_ip": "127.0.0.1", "mode": "ingress"},
            {"target": 81, "protocol": "tcp", "host_ip": "127.0.0.1", "mode": "ingress"},
        ],
        "expose": ["9000"],
        "hostname": "ha",
        "domainname": "d.example",
        "dns": ["127.0.0.1"],
        "dns_search": ["x.example"],
        "dns_opt": ["ndots:1"],
        "extra_hosts": ["h=127.0.0.1"],
        "links": ["b-1-pod:bee", "b-1-pod:b"],
        "external_links": ["o:oo"],
        "mac_address": "02:42:ac:11:00:02",
        "image": "s:1",
        "init": False,
        "cpu_shares": 8192,
        "cap_drop": ["ALL"],
        "cap_add": ["NET_ADMIN", "KILL", "SETUID", "SETGID"],
        "security_opt": ["no-new-privileges:true"],
        "stop_grace_period": "1s",
        "logging": LOGGING,
        "labels": label("pod", "n1"),
        "sysctls": {"net.core.somaxconn": "10"},
    }


def test_the_node_keeps_everything_else_as_the_user_wrote_it() -> None:
    waits = {"condition": "service_healthy", "required": True}
    assert services(EVERYTHING)["n1"] == {
        "depends_on": {"b-1": waits, "b-2": waits},
        "environment": {"P": "pa$$word", "N": None, "HARNESS_NODE": "n1"},
        "image": "busybox",
        "restart": "always",
        "volumes": [{"type": "volume", "source": "d", "target": "/d"}],
        "sysctls": {"kernel.msgmax": "65536"},
        "network_mode": "service:n1-pod",
        "labels": {"mine": "1", **label("node", "n1")},
    }


def test_replicas_become_nodes_with_a_pod_each_and_keep_their_limits() -> None:
    found = services(EVERYTHING)
    assert [found[f"b-{i}-pod"]["networks"] for i in (1, 2)] == [
        {"front": {"aliases": ["b-1", "b"]}},
        {"front": {"aliases": ["b-2", "b"]}},
    ]
    assert found["b-2"] == {
        "image": "busybox",
        "deploy": {"resources": {"limits": {"cpus": 1}}},
        "environment": {"HARNESS_NODE": "b-2"},
        "network_mode": "service:b-2-pod",
        "labels": label("node", "b-2"),
    }


def test_the_load_and_prometheus_join_the_users_networks_after_the_pods() -> None:
    found = services(EVERYTHING)
    after = {pod: {"condition": "service_started"} for pod in ("n1-pod", "b-1-pod", "b-2-pod")}
    idle = {"stop_grace_period": "1s", "logging": LOGGING, "cap_drop": ["ALL"]}
    assert found["chaos-client-pod"]["networks"] == {
        network: {"aliases": ["chaos-client"]} for network in ("front", "back")
    }
    assert found["chaos-client-pod"]["depends_on"] == after
    assert found["chaos-client"] == {
        **idle,
        "image": "c:1",
        "cpu_shares": 8192,
        "network_mode": "service:chaos-client-pod",
        "labels": label("client", "client"),
    }
    prometheus = found["chaos-prometheus"]
    configuration = yaml.safe_load(prometheus.pop("environment")["PROMETHEUS_CONFIG"].replace("$$", "$"))
    assert configuration["global"] == {"scrape_interval": "250ms", "scrape_timeout": "250ms"}
    assert prometheus == {
        **idle,
        "image": "p:1",
        "networks": {"front": None, "back": None, "chaos-metrics": None},
        "ports": [{"target": 9090, "host_ip": "127.0.0.1", "protocol": "tcp", "mode": "ingress"}],
        "depends_on": after,
        "labels": label("prometheus", "prometheus"),
    }


def test_sidecars_load_and_prometheus_start_before_any_node() -> None:
    found = woven(EVERYTHING)
    assert found.first == ("n1-pod", "b-1-pod", "b-2-pod", "chaos-client-pod", "chaos-client", "chaos-prometheus")
    assert found.then == ("n1", "b-1", "b-2")
    assert found.images == ("busybox", "c:1", "p:1", "s:1")
    assert found.cluster == Cluster(
        "t",
        (
            Node("n1", "a", "front", "n1", ports=(80,), volumes=("/d",)),
            Node("b-1", "b", "b", "b-1", 1),
            Node("b-2", "b", "b", "b-2", 2),
        ),
    )


def test_pinned_names_are_the_runs_own_and_everything_carries_its_label() -> None:
    document = yaml.safe_load(woven(EVERYTHING).text)
    run = {"chaos-harness.run": "chaos-t-abcde", "chaos-harness.record": "/records/t"}
    del document["services"]
    assert document == {
        "name": "chaos-t-abcde",
        "networks": {
            "front": {"labels": run},
            "back": {"internal": True, "labels": run},
            "chaos-metrics": {"labels": run},
        },
        "volumes": {"d": {"labels": run}},
    }


def test_an_external_volume_keeps_its_name() -> None:
    text = """
        services: {a: {image: i, networks: {default: null}}}
        networks: {default: {name: chaos_default, labels: {mine: "1"}}}
        volumes: {data: {name: prod-data, external: true}}
        secrets: {s: {name: chaos_s, file: /s}}
        x-anything: {is: left out}
    """
    document = yaml.safe_load(woven(text).text)
    assert document["volumes"] == {"data": {"name": "prod-data", "external": True}}
    assert document["secrets"] == {"s": {"name": "chaos_s", "file": "/s"}}
    assert document["networks"]["default"]["labels"]["mine"] == "1"
    assert "x-anything" not in document


def test_our_images_are_replaced_and_built_ones_have_one_name_for_all_nodes() -> None:
    text = """
        services:
          gateway: {image: chaos-harness/gateway}
          tagged: {image: chaos-harness/gateway:mine}
          built: {build: {context: /src}, scale: 2}
          both: {image: mine:1, build: {context: /src}, pull_policy: always}
          same: {image: mine:1}
          theirs: {image: busybox, pull_policy: always}
    """
    found = services(text)
    named = ("gateway", "tagged", "built-1", "built-2", "both", "same", "theirs")
    assert {name: (found[name]["image"], found[name].get("pull_policy")) for name in named} == {
        "gateway": ("g:1", None),
        "tagged": ("chaos-harness/gateway:mine", None),
        "built-1": ("chaos-built/built:2763164db35f", None),
        "built-2": ("chaos-built/built:2763164db35f", None),
        "both": ("chaos-built/both:2763164db35f", None),
        "same": ("chaos-built/both:2763164db35f", None),
        "theirs": ("busybox", "always"),
    }
    assert found["built-2"]["build"] == {"context": "/src"}
    assert woven(text).built == ("built-1", "both")
    assert woven(text).foreign == (("chaos-harness/gateway:mine", "tagged"), ("busybox", "theirs"))
    assert our_images(dedent(text)) == {"gateway"}


def test_two_host_ports_of_one_container_port_are_one() -> None:
    text = """
        services:
          a:
            image: i
            ports:
              - {target: 80, published: "8080", protocol: tcp}
              - {target: 80, published: "8081", protocol: tcp}
              - {target: 80, published: "8080", protocol: udp}
    """
    assert [(port["target"], port["protocol"]) for port in services(text)["a-pod"]["ports"]] == [
        (80, "tcp"),
        (80, "udp"),
    ]


def test_what_is_waited_for_to_end_is_a_job_and_so_is_what_says_so() -> None:
    text = """
        services:
          app: {image: i, depends_on: {migrate: {condition: service_completed_successfully}}}
          migrate: {image: i}
          seed: {image: i, x-harness: {job: true}}
    """
    assert [(node.name, node.job) for node in woven(text).cluster.nodes] == [
        ("app", False),
        ("migrate", True),
        ("seed", True),
    ]


def test_a_health_check_of_the_file_is_waited_for_where_nothing_else_is_asked() -> None:
    text = """
        services:
          checked: {image: i, healthcheck: {test: [CMD, "true"]}, scale: 2}
          asked: {image: i, healthcheck: {test: [CMD, "true"]}, x-harness: {port: 1, ready: {client: http}}}
          disabled: {image: i, healthcheck: {disable: true}}
          none: {image: i, healthcheck: {test: [NONE]}}
          baked: {image: i, x-harness: {ready: {client: healthcheck}}}
    """
    assert woven(text).ready == (
        Readiness("checked-1", "healthcheck", ()),
        Readiness("checked-2", "healthcheck", ()),
        Readiness("asked", "http", ()),
        Readiness("baked", "healthcheck", ()),
    )


def test_services_of_one_namespace_share_a_pod_under_all_their_names() -> None:
    text = """
        services:
          app: {image: i, ports: [{target: 80, protocol: tcp}], networks: {default: null}}
          proxy: {image: i, network_mode: "service:app", x-harness: {name: envoy, port: 15001}}
          log: {image: i, network_mode: "service:proxy"}
    """
    found = woven(text)
    assert [(node.name, node.pod) for node in found.cluster.nodes] == [("app", "app"), ("envoy", "app"), ("log", "app")]
    tree = yaml.safe_load(found.text)["services"]
    assert set(tree) == {*found.first, *found.then}
    assert [tree[name]["network_mode"] for name in found.then] == ["service:app-pod"] * 3
    assert tree["app-pod"]["networks"] == {"default": {"aliases": ["app", "envoy", "log"]}}
    assert found.first == ("app-pod", "chaos-client-pod", "chaos-client", "chaos-prometheus")


def test_what_points_at_another_service_points_at_the_node_it_became() -> None:
    text = """
        services:
          a: {image: i, pid: "service:b", ipc: "service:b", volumes_from: ["b:ro", "container:x"], links: [b]}
          b: {image: i, x-harness: {name: n1}}
    """
    found = services(text)
    assert (found["a"]["pid"], found["a"]["ipc"], found["a"]["volumes_from"], found["a-pod"]["links"]) == (
        "service:n1",
        "service:n1",
        ["n1:ro", "container:x"],
        ["n1-pod:b"],
    )


def test_a_service_that_is_called_client_is_not_taken_for_the_load() -> None:
    found = services("services: {client: {image: i, x-harness: {name: web}}}")
    assert found["web-pod"]["networks"] == {"default": {"aliases": ["web", "client"]}}
    assert found["chaos-client-pod"]["networks"] == {"default": {"aliases": ["chaos-client"]}}


def test_what_x_harness_says_is_read_and_what_it_leaves_out_is_the_services_own() -> None:
    text = """
        services:
          gateway:
            image: i
            ports: [{target: 8080, protocol: tcp}, {target: 8080, protocol: udp}]
            expose: ["9000/tcp", "9100-9102"]
          node:
            image: i
            x-harness:
              {name: "n{i}", count: "2", port: [11434, 9], role: r, metrics: 9/m, ready: {client: http, path: /up}}
          apart:
            image: i
            x-harness: {port: [80, 81], ready: {client: http, port: 81, path: /up}}
    """
    found = woven(text)
    assert found.cluster == Cluster(
        "t",
        (
            Node("gateway", "gateway", "gateway", "gateway", ports=(8080, 9000)),
            Node("n1", "node", "r", "n1", 1, (11434, 9), "9/m"),
            Node("n2", "node", "r", "n2", 2, (11434, 9), "9/m"),
            Node("apart", "apart", "apart", "apart", ports=(80, 81)),
        ),
    )
    up = (("path", "/up"),)
    assert found.ready == (Readiness("n1", "http", up), Readiness("n2", "http", up), Readiness("apart", "http", up, 81))


def test_an_answer_may_take_as_long_as_its_question_says() -> None:
    text = """
        services:
          a: {image: i, x-harness: {ready: {client: ollama-generate, model: m, timeout: 90s}}}
    """
    assert woven(text).ready == (Readiness("a", "ollama-generate", (("model", "m"),), timeout_s=90.0),)


def test_a_question_may_have_dollars_in_it_though_compose_doubles_them() -> None:
    tree = {"x-harness": {"port": "80", "ready": {"client": "http", "json": '$$.health == "true"'}}}
    assert read_block("member", tree).ready == (("client", "http"), ("json", '$.health == "true"'))


def test_prometheus_scrapes_the_load_the_agents_and_what_is_named() -> None:
    cluster = Cluster("t", (Node("n1", "n", "node", "n1", metrics="8405"), Node("n2", "m", "m", "n2", metrics="9/a/b")))
    jobs = [
        ("client", "chaos-client:17073", "/metrics"),
        ("agent", "n1:17072", "/metrics"),
        ("agent", "n2:17072", "/metrics"),
        ("agent", "chaos-client:17072", "/metrics"),
        ("node", "n1:8405", "/metrics"),
        ("m", "n2:9", "/a/b"),
    ]
    assert yaml.safe_load(prometheus_config(cluster)) == {
        "global": {"scrape_interval": "250ms", "scrape_timeout": "250ms"},
        "scrape_configs": [
            {
                "job_name": f"{job}/{address}",
                "metrics_path": path,
                **({"scrape_interval": "500ms"} if job == "agent" else {}),
                "static_configs": [{"targets": [address], "labels": {"job": job}}],
            }
            for job, address, path in jobs
        ],
    }


def test_prometheus_gets_the_alert_rules_as_a_file_and_leaves_a_trace_of_each_evaluation() -> None:
    rule = AlertRule(name="NodeDown", expr='up{job="$a"} == 0', for_s=0.25)
    text = weave("t", "services: {a: {image: i}}", IMAGES, LABELS, (rule,)).text
    environment = yaml.safe_load(text)["services"]["chaos-prometheus"]["environment"]
    configuration = yaml.safe_load(environment["PROMETHEUS_CONFIG"])
    assert (configuration["global"]["evaluation_interval"], configuration["rule_files"]) == ("250ms", ["rules.yml"])
    assert yaml.safe_load(environment["PROMETHEUS_RULES"].replace("$$", "$")) == {
        "groups": [
            {
                "name": "harness",
                "rules": [
                    {"record": "harness_alert_rules", "expr": "vector(1)"},
                    {"alert": "NodeDown", "expr": 'up{job="$a"} == 0', "for": "250ms"},
                ],
            }
        ]
    }


def test_secrets_of_the_environment_are_not_recorded() -> None:
    text = "services: {a: {environment: {DB_PASSWORD: x, ApiKey: y, HOST: z, TOKEN: null}}, b: {}}"
    hidden = {"DB_PASSWORD": "(not recorded)", "ApiKey": "(not recorded)", "HOST": "z", "TOKEN": None}
    assert yaml.safe_load(redacted(text, Path("/x"))) == {"services": {"a": {"environment": hidden}, "b": {}}}


def test_where_the_users_files_and_the_record_lie_is_not_recorded() -> None:
    text = "services: {a: {volumes: [/home/me/x/data:/data], labels: {chaos-harness.record: /home/me/x/runs/1, k: v}}}"
    kept = {"services": {"a": {"volumes": ["./data:/data"], "labels": {"k": "v"}}}}
    assert yaml.safe_load(redacted(text, Path("/home/me/x"))) == kept


BLOCK = "services: {a: {image: i, x-harness: %s}}"
NO_NAMESPACE = "service a: network_mode %s leaves no namespace of its own to break; give it a network."


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("services: {}", "the compose file has no services (or all of them are in profiles that are not active)."),
        ("", "the compose file has no services (or all of them are in profiles that are not active)."),
        (BLOCK % "[1]", "service a: x-harness is not a mapping; write keys such as 'port: 8080' below it."),
        (BLOCK % "{prt: 1}", "service a: x-harness has no key 'prt'; did you mean 'port'?"),
        (
            "services: {a: {image: i, x-harness: {leader: is_leader}}}",
            "service a: x-harness leader is 'is_leader', and nothing of it is scraped; add 'metrics: PORT/PATH'.",
        ),
        (
            BLOCK % "{zzz: 1}",
            "service a: x-harness has no key 'zzz'; "
            "it knows role, port, name, count, most, metrics, leader, volumes, ready, job.",
        ),
        (BLOCK % "{count: 4, most: 3}", "service a: 4 nodes; write a count from 1 to 3."),
        (BLOCK % "{port: http}", "service a: x-harness port is 'http'; write a whole number."),
        (BLOCK % "{count: -1}", "service a: -1 nodes; write a count from 1 to 100."),
        (BLOCK % "{count: 0}", "service a: 0 nodes; write a count from 1 to 100."),
        (BLOCK % "{count: 1000}", "service a: 1000 nodes; write a count from 1 to 100."),
        ("services: {a: {image: i, deploy: {replicas: 0}}}", "service a: 0 nodes; write a count from 1 to 100."),
        ("services: {a: {image: i, scale: 1000}}", "service a: 1000 nodes; write a count from 1 to 100."),
        (BLOCK % "{job: 3}", "service a: x-harness job is '3'; write true where it ends by itself."),
        (
            BLOCK % "{ready: {client: htp}}",
            "service a: x-harness ready: 'htp' is not a client; did you mean 'http'?",
        ),
        (
            "services: {My_app: {image: i}}",
            "service My_app: 'My_app' cannot name a node; use a-z, 0-9 and '-': write x-harness: {name: my-app}.",
        ),
        (
            "services: {_a: {image: i, scale: 2}}",
            "service _a: '_a-1' cannot name a node; use a-z, 0-9 and '-': write x-harness: {name: a-{i}}.",
        ),
        (
            "services: {a: {image: i, volumes: [{type: bind, source: /var/run/docker.sock, target: /s}]}}",
            "service a: it mounts the engine's socket, and could reach what is not of the run; leave that volume out.",
        ),
        (
            "services: {a: {image: i, scale: 2, networks: {n: {ipv4_address: 192.0.2.7}}}}",
            "service a: its nodes cannot all have the one address that is written for network n; leave it out.",
        ),
        ("services: {a: {image: i, network_mode: none}}", NO_NAMESPACE % "none"),
        ("services: {a: {image: i, network_mode: bridge}}", NO_NAMESPACE % "bridge"),
        ("services: {a: {image: i, network_mode: 'container:x'}}", NO_NAMESPACE % "container:x"),
        (BLOCK % "{count: many}", "service a: x-harness count is 'many'; write a whole number."),
        (BLOCK % "{count: 101}", "service a: 101 nodes; write a count from 1 to 100."),
        (BLOCK % "{count: 2, name: n}", "service a: 2 nodes cannot all be called 'n'; write 'n{i}'."),
        (BLOCK % "{name: N1}", "service a: 'N1' cannot name a node; use a-z, 0-9 and '-'."),
        (BLOCK % "{name: client}", "service a: 'client' is the load's own pod; write x-harness: {name: ...}."),
        (
            BLOCK % "{ready: {client: http, port: health}}",
            "service a: x-harness ready: port is 'health'; write a whole number.",
        ),
        (
            BLOCK % "{ready: /up}",
            "service a: x-harness ready needs a client; write {client: http, path: /healthz}.",
        ),
        (
            BLOCK % "{name: chaos-x}",
            "node chaos-x: names that start with 'chaos-' or end with '-pod' are the harness's own; "
            "give it another x-harness name.",
        ),
        (
            "services: {web-pod: {image: i}}",
            "node web-pod: names that start with 'chaos-' or end with '-pod' are the harness's own; "
            "give it another x-harness name.",
        ),
        (BLOCK % "{port: 17071}", "node a: port 17071 is its sidecar's own; move the node's."),
        (
            "services: {chaos-a: {image: i}}",
            "service chaos-a: names that start with 'chaos-' are the harness's own; rename it.",
        ),
        (
            "services: {a: {image: i}, b: {image: i, x-harness: {name: a}}}",
            "two nodes are called 'a'; give one service another x-harness name.",
        ),
        (
            "services: {a: {image: i, scale: 2}, b: {image: i, network_mode: 'service:a'}}",
            "service b: network_mode service:a needs one node on either side; give it networks.",
        ),
        (
            "services: {a: {image: i, network_mode: host}}",
            "service a: network_mode host leaves no namespace of its own to break; give it a network.",
        ),
        (
            "services: {a: {image: i, privileged: true}}",
            "service a: privileged containers are not started; name its cap_add instead.",
        ),
        (
            "services: {a: {image: i}}\nnetworks: {n: {name: lan, external: true}}",
            "network n is external: faults stay in a run's own networks; drop 'external'.",
        ),
    ],
)
def test_what_cannot_be_woven_is_refused_in_one_sentence(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


# --- properties -------------------------------------------------------------------------------------------------------

NAMESPACE = {
    "ports": st.lists(
        st.fixed_dictionaries(
            {"target": st.integers(1, 9999), "protocol": st.sampled_from(["tcp", "udp"])},
            optional={"published": st.integers(1, 9999).map(str), "host_ip": st.sampled_from(["127.0.0.1", "all"])},
        ),
        max_size=3,
    ),
    "networks": st.dictionaries(
        st.sampled_from(["front", "back", "default"]),
        st.none() | st.fixed_dictionaries({"aliases": st.lists(st.sampled_from(["x", "y"]), max_size=2)}),
        min_size=1,
    ),
    "expose": st.lists(st.integers(1, 9999).map(str), max_size=2),
    "hostname": st.sampled_from(["h", "db"]),
    "domainname": st.just("d.example"),
    "dns": st.just(["127.0.0.1"]),
    "dns_search": st.just(["x.example"]),
    "dns_opt": st.just(["ndots:1"]),
    "extra_hosts": st.just(["h=127.0.0.1"]),
    "external_links": st.just(["o"]),
    "mac_address": st.just("02:42:ac:11:00:02"),
}
OWN = {
    "command": st.just(["sleep", "9"]),
    "restart": st.just("always"),
    "volumes": st.just([{"type": "tmpfs", "target": "/t"}]),
    "scale": st.integers(1, 3),
    "profiles": st.just(["p"]),
    "labels": st.just({"mine": "1"}),
}
SERVICE = st.fixed_dictionaries({"image": st.just("i")}, optional={**NAMESPACE, **OWN})
MODEL = st.dictionaries(st.sampled_from(["a", "b", "web", "db"]), SERVICE, min_size=1)


@given(MODEL)
@settings(max_examples=60, deadline=None)
def test_every_models_namespace_is_its_sidecars_and_nobody_elses(model: dict[str, dict[str, Any]]) -> None:
    found = weave("t", yaml.safe_dump({"services": model}), IMAGES, LABELS)
    document = yaml.safe_load(found.text)
    for node in found.cluster.nodes:
        asked, pod, inhabitant = (
            model[node.service],
            document["services"][f"{node.name}-pod"],
            document["services"][node.name],
        )
        for key in NAMESPACE:
            assert key not in inhabitant
            if key not in ("ports", "networks"):
                assert pod.get(key) == asked.get(key)
        published = [(port["target"], port["protocol"]) for port in pod.get("ports", ())]
        assert published == [*dict.fromkeys((port["target"], port["protocol"]) for port in asked.get("ports", ()))]
        assert set(pod["networks"]) == set(asked.get("networks") or {"default"})
        assert all({node.name, node.service} <= set(options["aliases"]) for options in pod["networks"].values())
        assert {key: inhabitant.get(key) for key in ("command", "restart", "volumes")} == {
            key: asked.get(key) for key in ("command", "restart", "volumes")
        }
        assert not {"scale", "profiles", "container_name"} & (pod.keys() | inhabitant.keys())
    for service in document["services"].values():
        assert service["labels"]["chaos-harness.run"] == "chaos-t-abcde"
        assert all(port["host_ip"] == "127.0.0.1" and "published" not in port for port in service.get("ports", ()))
        assert "privileged" not in service
    assert set(found.first) | set(found.then) == set(document["services"])
    assert all(thing["labels"]["chaos-harness.run"] == "chaos-t-abcde" for thing in document["networks"].values())


@pytest.mark.cluster
def test_the_compose_plugin_reads_what_was_woven_and_gives_the_environment_back(tmp_path: Path) -> None:
    """Needs the plugin, not the engine."""
    (tmp_path / "s").write_text("secret")
    (tmp_path / "compose.yaml").write_text(
        dedent("""
        services:
          a:
            image: busybox
            environment: {PAID: "5$$", WITH: "${FROM_OUTSIDE:-none}"}
            ports: ["80", "127.0.0.1:81:81/udp"]
            dns: 127.0.0.1
            domainname: d.example
            hostname: ha
            extra_hosts: ["h:127.0.0.1"]
            links: ["b:bee"]
            volumes: ["data:/d", "kept:/k", "./x:/x"]
            volumes_from: [b]
            pid: service:b
            depends_on: [b]
            secrets: [s]
            networks: {front: {aliases: [x]}}
            x-harness: {name: n1}
          b: {build: ./src, networks: [front], x-harness: {name: n2}}
          c: {image: busybox, network_mode: "service:a"}
          d: {image: busybox, deploy: {replicas: 2}, networks: [front]}
          never: {image: busybox, profiles: [never]}
        networks: {front: }
        volumes: {data: , kept: {external: true, name: prod-data}}
        secrets: {s: {file: ./s}}
        """)
    )
    config = _compose(tmp_path / "compose.yaml", FROM_OUTSIDE="7$8")
    found = weave("t", config, IMAGES, LABELS)
    (tmp_path / "woven.yaml").write_text(found.text)
    again = yaml.safe_load(_compose(tmp_path / "woven.yaml"))
    first = yaml.safe_load(config)["services"]["a"]["environment"]
    assert again["services"]["n1"]["environment"] == {**first, "HARNESS_NODE": "n1"}
    assert first == {"PAID": "5$$", "WITH": "7$$8"}, "compose doubles what it will read again"
    assert found.then == ("n1", "n2", "c", "d-1", "d-2")
    assert again["volumes"]["kept"] == {"name": "prod-data", "external": True}


def _compose(file: Path, **variables: str) -> str:
    command = ["docker", "compose", "-p", "chaos", "-f", str(file), "config"]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_who_leads_and_where_volumes_are_is_known_of_every_node() -> None:
    cluster = describe(
        "t",
        """
        services:
          db:
            image: i
            x-harness: {count: 2, name: "d{i}", metrics: 9/metrics, leader: is_leader}
            tmpfs: [/run, "/tmp:size=1m"]
            volumes:
              - {type: volume, source: d, target: /data}
              - {type: bind, source: /etc, target: /host}
        volumes: {d: {}}
        """,
    )
    assert [(n.name, n.leader, n.instance, n.volumes) for n in cluster.nodes] == [
        ("d1", "is_leader", "d1:9", ("/data", "/run", "/tmp")),
        ("d2", "is_leader", "d2:9", ("/data", "/run", "/tmp")),
    ]
