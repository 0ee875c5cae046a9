"""What Prometheus scrapes in a run, and which alert rules it evaluates."""

from collections.abc import Sequence

import yaml

from harness.cluster import Cluster
from harness.objectives.alerts import AlertRule
from harness.objectives.courses import RULES
from harness.wire import CLIENT_METRICS_PORT, METRICS_PORT

SCRAPE_EVERY_S = 0.25
_AGENT_EVERY_S = 0.5  # an agent says everything in the journal too: what it costs the node's network counts for more
LOAD_HOST = "chaos-client"  # the load's pod in the users' networks: a service of theirs may well be called client


def targets(cluster: Cluster) -> tuple[tuple[str, str, str], ...]:
    """(job, instance address, path): the load, the agents, and what ``x-harness`` names."""
    pods = dict.fromkeys([node.pod for node in cluster.nodes])
    found = [("client", f"{LOAD_HOST}:{CLIENT_METRICS_PORT}", "/metrics")]
    found += [("agent", f"{pod}:{METRICS_PORT}", "/metrics") for pod in (*pods, LOAD_HOST)]
    for node in cluster.nodes:
        if node.metrics:
            port, _, path = node.metrics.partition("/")
            found.append((node.role, f"{node.name}:{port}", "/" + (path or "metrics")))
    return tuple(dict.fromkeys(found))


def every_s(job: str) -> float:
    """How often the targets of a job are scraped."""
    return _AGENT_EVERY_S if job == "agent" else SCRAPE_EVERY_S


def config(cluster: Cluster, *, alerts: bool = False) -> str:
    """The text of ``prometheus.yml``; ``alerts``: there is a ``rules.yml`` beside it."""
    jobs = [
        {
            "job_name": f"{job}/{instance}",
            "metrics_path": path,
            **({"scrape_interval": _text(every_s(job))} if every_s(job) != SCRAPE_EVERY_S else {}),
            "static_configs": [{"targets": [instance], "labels": {"job": job}}],
        }
        for job, instance, path in targets(cluster)
    ]
    every = _text(SCRAPE_EVERY_S)
    whole = {
        "global": {
            "scrape_interval": every,
            "scrape_timeout": every,
            **({"evaluation_interval": every} if alerts else {}),
        },
        **({"rule_files": ["rules.yml"]} if alerts else {}),
        "scrape_configs": jobs,
    }
    return yaml.safe_dump(whole, sort_keys=False)


def _text(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def rules(alerts: Sequence[AlertRule]) -> str:
    """The text of ``rules.yml``; "" where there are none. Beside the alerts a trace that they were evaluated at all."""
    if not alerts:
        return ""
    asked = [{"alert": one.name, "expr": one.expr, "for": f"{round(one.for_s * 1000)}ms"} for one in alerts]
    trace = {"record": RULES, "expr": "vector(1)"}
    return yaml.safe_dump({"groups": [{"name": "harness", "rules": [trace, *asked]}]}, sort_keys=False)
