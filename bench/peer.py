"""What a user has without us: plain ``docker compose`` on the same nodes, up until ready and down again."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.clock import monotonic_ns, to_s
from harness.drivers.command import run
from harness.errors import EngineError
from harness.weave.block import read_block
from harness.weave.pods import Labels
from harness.weave.weave import OURS

_TIMEOUT_S = 120.0
# The readiness that our own runs ask for: the gateway has had the right answer of every node.
_ASK = 'exec 3<>/dev/tcp/127.0.0.1/8080; printf "GET /readyz HTTP/1.0\\r\\n\\r\\n" >&3; grep -q " 200 " <&3'
_HEALTH = {"test": ["CMD", "bash", "-c", _ASK], "interval": "250ms", "timeout": "2s", "retries": 200}
# HAProxy as the first process of a container does not hear SIGTERM; ten seconds of waiting would flatter us.
_GATEWAY = {"healthcheck": _HEALTH, "stop_signal": "SIGUSR1"}


@dataclass(frozen=True, slots=True)
class Peer:
    """Seconds until ``docker compose up --wait`` and ``docker compose down`` returned."""

    up_s: float
    down_s: float


def plain(config: str, images: Mapping[str, str], labels: Labels) -> str:
    """The user's own file with our images' full names and its nodes unrolled; no pods, no Prometheus, no load."""
    services: dict[str, dict[str, Any]] = {}
    for service, tree in yaml.safe_load(config)["services"].items():
        block = read_block(service, tree)
        image = images[str(tree["image"]).removeprefix(OURS)]
        for node in block.names():
            services[node] = {
                "image": image,
                "environment": {**(tree.get("environment") or {}), "HARNESS_NODE": node},
                "logging": tree.get("logging") or {},
                "labels": labels.of("node", node),
                "ports": [{**port, "host_ip": "127.0.0.1"} for port in tree.get("ports") or ()],
                **(_GATEWAY if block.role == "gateway" else {}),
            }
    network = {"default": {"labels": labels.of("node", "default")}}
    return yaml.safe_dump({"name": labels.project, "services": services, "networks": network}, sort_keys=False)


def measure(text: str) -> Peer:
    """Up and down once. Raises ``EngineError``; whatever happens, everything is down when this returns."""
    with tempfile.TemporaryDirectory(prefix="chaos-harness-bench-") as folder:
        file = Path(folder) / "compose.yaml"
        file.write_text(text)
        try:
            up_s = _timed(file, "up", "--detach", "--wait", "--quiet-pull")
        finally:
            down_s = _timed(file, "down", "--volumes")
    return Peer(up_s, down_s)


def _timed(file: Path, *words: str) -> float:
    argv: Sequence[str] = ("docker", "compose", "--file", str(file), "--progress", "plain", *words)
    began_ns = monotonic_ns()
    done = run(argv, timeout_s=_TIMEOUT_S)
    if not done.ok:
        raise EngineError(f"plain docker compose {words[0]} failed: {done.reason}")
    return to_s(monotonic_ns() - began_ns)
