"""What this machine's engine and kernel can do, found out by doing it once in a throw-away sidecar."""

import json
import os
import queue
import shutil
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import docker
import docker.errors
import requests
from docker.models.containers import Container

from harness.clock import monotonic_ns
from harness.drivers import doctor_probe, provision
from harness.drivers.command import run
from harness.drivers.docker import DockerCluster, connect
from harness.drivers.images import Images
from harness.drivers.provision import Found, Say
from harness.drivers.streams import ExecStream
from harness.errors import AgentError, EngineError, HarnessError
from harness.weave import pods
from harness.wire import ECHO_PORT, Heartbeat, Hello, Pulse, Stop, decode_from_agent

Outcome = Literal["ok", "absent", "failed"]
SIDECAR = "sidecar"
_PROBES_S = 20
_ANSWER_S = 5.0
_ROUND_TRIPS = 20
_DISK_BYTES_MIN = 4 << 30  # all images and what their builds keep


@dataclass(frozen=True, slots=True)
class Mechanism:
    """``today``: needed by faults there are now. ``serves``: what rests on it. ``remedy``: what to do without it."""

    name: str
    title: str
    today: bool
    serves: str
    remedy: str


MECHANISMS = (
    Mechanism("publishing", "port on 127.0.0.1", True, "promql objectives", "use an engine on this host"),
    Mechanism("nftables", "nftables", True, "partition", "load nf_tables; the engine must grant NET_ADMIN"),
    Mechanism("timeout", "set time-out", True, "partition, its lease", "needs nftables with set time-outs (Linux 4.1)"),
    Mechanism(
        "reject", "nftables reject", True, "partition, reject", "load nft_reject_inet (Linux 5.9 for prerouting)"
    ),
    Mechanism("sockets", "socket destroy", True, "partition, reject", "needs a kernel with INET_DIAG_DESTROY"),
    Mechanism("redirect", "nftables redirect", True, "latency", "load nft_redir and nft_nat"),
    Mechanism("toxiproxy", "Toxiproxy", True, "latency", "remove the sidecar's image, so that it is built again"),
    Mechanism(
        "agent", "agent over an exec", True, "every fault", "remove the sidecar's image, so that it is built again"
    ),
    Mechanism("clock", "one clock", True, "every fault", "use an engine on this host"),
    Mechanism("kill", "kill and start", True, "kill", "see the engine's log"),
    Mechanism("queue", "packet queue", True, "loss, reorder, corrupt, ...", "load nfnetlink_queue and xt_NFQUEUE"),
    Mechanism("htb", "HTB", True, "bandwidth", "load sch_htb"),
    Mechanism("ptrace", "ptrace", True, "clock-skew, disk-error", "the engine must grant SYS_PTRACE"),
    Mechanism("netem", "netem", False, "not needed: packet queue", ""),
)


@dataclass(frozen=True, slots=True)
class Trial:
    mechanism: Mechanism
    outcome: Outcome
    seen: str

    @property
    def follows(self) -> str:
        serves, remedy = self.mechanism.serves, self.mechanism.remedy
        return f"not here: {serves}" if remedy and self.outcome != "ok" else serves

    @property
    def well(self) -> bool:
        return self.outcome == "ok" or not self.mechanism.today


@dataclass(frozen=True, slots=True)
class Examination:
    """``facts``: (what, how it is). ``problem``: why nothing could be tried, and what to do; empty if it could."""

    facts: tuple[tuple[str, str], ...]
    trials: tuple[Trial, ...]
    problem: str = ""

    @property
    def well(self) -> bool:
        """Everything that today's faults need works."""
        return not self.problem and all(trial.well for trial in self.trials)


def examine(images: Images, names: Collection[str], labels: pods.Labels, say: Say) -> Examination:
    """Look, then try. Whatever was started for it carries ``labels`` and is gone when this returns or raises."""
    found = provision.find()
    if not found.complete:
        return Examination(_parts(found), (), _what_to_do(found))
    facts: tuple[tuple[str, str], ...] = ()
    try:
        with closing(connect()) as client:
            facts = _facts(client, images, names)
            image = images.ensure([SIDECAR])[SIDECAR]
            say(f"trying {len(MECHANISMS)} mechanisms in a throw-away sidecar")
            return Examination(facts, _try_all(client, image, labels))
    except HarnessError as error:
        return Examination(facts, (), str(error))
    except (docker.errors.DockerException, requests.RequestException) as error:
        return Examination(facts, (), f"The engine refused the throw-away sidecar: {error}")


# --- what is there ----------------------------------------------------------------------------------------------------


def _parts(found: Found) -> tuple[tuple[str, str], ...]:
    parts = (("engine", found.server), ("compose", found.compose), ("buildx", found.buildx))
    why = {"engine": f" ({found.problem})" if found.problem else ""}
    return tuple((name, "there" if there else "does not answer" + why.get(name, "")) for name, there in parts)


def _what_to_do(found: Found) -> str:
    context = run(("docker", "context", "show"), timeout_s=_ANSWER_S).out.strip()
    if not found.server and (elsewhere := provision.chosen_elsewhere(os.environ, context)):
        return f"The engine of {elsewhere} does not answer: start it or choose another."
    try:
        todo = provision.plan(found, provision.this_release())
    except EngineError as error:
        return str(error)
    return f"No complete container engine answers: run '{'' if os.geteuid() == 0 else 'sudo '}make engine' to {todo}."


def _facts(client: docker.DockerClient, images: Images, names: Collection[str]) -> tuple[tuple[str, str], ...]:
    engine, info = provision.facts(), client.info()
    return (
        ("engine", f"docker {engine.server}, API {engine.api} (client {engine.client})"),
        ("compose", engine.compose),
        ("buildx", engine.buildx),
        ("cgroup", f"v{engine.cgroup}"),
        ("kernel", engine.kernel),
        ("host", engine.os),
        ("cores", str(info["NCPU"])),
        ("memory", f"{info['MemTotal'] / (1 << 30):.1f} GiB"),
        ("disk", _disk(Path(info["DockerRootDir"]))),
        ("images", _images(client, images, names)),
    )


def _disk(folder: Path) -> str:
    try:
        free_bytes = shutil.disk_usage(folder).free
    except OSError:
        return f"unknown: {folder} cannot be seen from here"
    few = "" if free_bytes >= _DISK_BYTES_MIN else f", too little to build all images ({_DISK_BYTES_MIN >> 30} GiB)"
    return f"{free_bytes / (1 << 30):.1f} GiB free in {folder}{few}"


def _images(client: docker.DockerClient, images: Images, names: Collection[str]) -> str:
    there = {tag for image in client.images.list() for tag in image.tags}
    missing = [name for name in sorted(names) if images.reference(name) not in there]
    of = f"{len(names) - len(missing)} of {len(names)} there"
    return of + (f"; the first run builds {', '.join(missing)}" if missing else "")


# --- what works -------------------------------------------------------------------------------------------------------


def _try_all(client: docker.DockerClient, image: str, labels: pods.Labels) -> tuple[Trial, ...]:
    by_name = {mechanism.name: mechanism for mechanism in MECHANISMS}
    seen: dict[str, tuple[Outcome, str]] = {}
    with _throw_away(client, image, labels) as sidecar:
        seen["publishing"] = _attempt(lambda: _reach(sidecar))
        seen |= _inside(client, image, sidecar, labels, list(by_name))
        seen |= _talk(client, sidecar)
        seen["kill"] = _attempt(lambda: _kill(sidecar))  # the last: nothing in it lives on
    return tuple(Trial(mechanism, *seen[name]) for name, mechanism in by_name.items())


def try_some(client: docker.DockerClient, image: str, labels: pods.Labels, names: Collection[str]) -> tuple[Trial, ...]:
    """Only these mechanisms, of those that are tried inside a sidecar or beside it."""
    wanted = [mechanism for mechanism in MECHANISMS if mechanism.name in names]
    with _throw_away(client, image, labels) as sidecar:
        seen = _inside(client, image, sidecar, labels, [mechanism.name for mechanism in wanted])
    return tuple(Trial(mechanism, *seen[mechanism.name]) for mechanism in wanted)


def _inside(
    client: docker.DockerClient, image: str, sidecar: Container, labels: pods.Labels, names: Sequence[str]
) -> dict[str, tuple[Outcome, str]]:
    inside = [name for name in names if name in doctor_probe.TRIALS and name != "ptrace"]
    beside = [name for name in names if name == "ptrace"]
    seen = _probe(inside, lambda: _said(sidecar, inside)) if inside else {}
    return seen | (_probe(beside, lambda: _held(client, image, sidecar, labels)) if beside else {})


@contextmanager
def _throw_away(client: docker.DockerClient, image: str, labels: pods.Labels) -> Iterator[Container]:
    """A sidecar with the very rights that weave gives one, on a network of its own."""
    spec, label = pods.sidecar("doctor", ["doctor"], {}, image, labels), labels.of("pod", "doctor")
    try:
        client.networks.create(labels.project, labels=label)
        yield client.containers.run(
            image,
            name=f"{labels.project}-sidecar",
            network=labels.project,
            ports={f"{ECHO_PORT}/tcp": ("127.0.0.1", 0)},
            cap_drop=spec["cap_drop"],
            cap_add=spec["cap_add"],
            security_opt=spec["security_opt"],
            init=spec["init"],
            labels=label,
            detach=True,
        )
    finally:
        if left := DockerCluster(client, labels.project).stop().left:
            raise EngineError(f"what doctor started could not be removed: {', '.join(left)}; run 'harness heal'.")


def _attempt(trial: Callable[[], str]) -> tuple[Outcome, str]:
    try:
        return "ok", trial()
    except (HarnessError, docker.errors.DockerException, requests.RequestException, OSError) as error:
        return "failed", " ".join(str(error).split()) or type(error).__name__


def _reach(sidecar: Container) -> str:
    sidecar.reload()
    port, deadline_s = loopback_port(sidecar.ports.get(f"{ECHO_PORT}/tcp")), time.monotonic() + _ANSWER_S
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1.0) as connection:
                began_s = time.monotonic()
                connection.sendall(b"?")
                if connection.recv(1) == b"?":
                    return f"an echo takes {(time.monotonic() - began_s) * 1000:.1f} ms"
        except OSError as error:
            if time.monotonic() > deadline_s:
                raise EngineError(f"127.0.0.1:{port} does not answer: {error}") from error
        if time.monotonic() > deadline_s:
            raise EngineError(f"127.0.0.1:{port} accepts and does not answer")
        time.sleep(0.05)  # the sidecar may not listen yet


def loopback_port(bindings: Sequence[Mapping[str, str]] | None) -> int:
    """Pure: the port on 127.0.0.1 of one published port; anything else the engine may have done is an error."""
    hosts = [binding["HostIp"] for binding in bindings or ()]
    if hosts != ["127.0.0.1"]:
        raise EngineError(f"the port is published on {', '.join(hosts) or 'nothing'}, not on 127.0.0.1 alone")
    return int((bindings or ())[0]["HostPort"])


def _source() -> str:
    return Path(doctor_probe.__file__).read_text()


def _said(sidecar: Container, names: Sequence[str]) -> str:
    argv = ["timeout", str(_PROBES_S), "python3", "-c", _source(), *names]
    _, output = sidecar.exec_run(argv)
    return output.decode(errors="replace") if isinstance(output, bytes) else ""


def _held(client: docker.DockerClient, image: str, sidecar: Container, labels: pods.Labels) -> str:
    helper = client.containers.run(
        image,
        ["-c", _source(), "ptrace"],
        entrypoint=["python3"],
        name=f"{labels.project}-helper",
        pid_mode=f"container:{sidecar.id}",
        network_mode="none",
        cap_drop=["ALL"],
        cap_add=["SYS_PTRACE"],
        labels=labels.of("helper", "doctor"),
        detach=True,
    )
    helper.wait(timeout=_ANSWER_S)
    return helper.logs().decode(errors="replace")


def _probe(names: Sequence[str], ask: Callable[[], str]) -> dict[str, tuple[Outcome, str]]:
    """What the probe said of each; a mechanism it said nothing of failed, and the rest of its output says why."""
    outcome, text = _attempt(ask)
    return read_probe(names, text if outcome == "ok" else "", "" if outcome == "ok" else text)


def read_probe(names: Sequence[str], text: str, why: str = "") -> dict[str, tuple[Outcome, str]]:
    """Pure: the lines of ``doctor_probe``, and what else stood there."""
    found: dict[str, tuple[Outcome, str]] = {}
    for line in text.splitlines():
        try:
            answer = json.loads(line)
            found[answer["name"]] = (answer["outcome"], answer["seen"])
        except (ValueError, TypeError, KeyError):
            why = line.strip() or why
    silent: tuple[Outcome, str] = ("failed", why or "the probe did not come to it")
    return {name: found.get(name, silent) for name in names}


def _talk(client: docker.DockerClient, sidecar: Container) -> dict[str, tuple[Outcome, str]]:
    """Heartbeats to a real agent over an exec: how quick the way is, and whether its clock is ours."""
    try:
        offset_ns, rtt_ns = _best_round_trip(client, sidecar)
    except (HarnessError, docker.errors.DockerException, requests.RequestException) as error:
        return {"agent": ("failed", str(error)), "clock": ("failed", "no agent answered")}
    same = abs(offset_ns) <= rtt_ns
    away = f"{abs(offset_ns) / 1e6:.2f} ms from ours, round trip {rtt_ns / 1e6:.2f} ms"
    return {
        "agent": ("ok", f"answers a heartbeat in {rtt_ns / 1e6:.2f} ms"),
        "clock": (
            "ok" if same else "failed",
            f"CLOCK_MONOTONIC is {away}" if same else f"{offset_ns / 1e9:.3f} s away",
        ),
    }


def _best_round_trip(client: docker.DockerClient, sidecar: Container) -> tuple[int, int]:
    """(its clock minus ours, round trip) of the quickest of some heartbeats, in nanoseconds."""
    stream = ExecStream(client.api, sidecar.name or "", ["python3", "-m", "harness.agent"])
    heard: queue.SimpleQueue[bytes | Exception] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(stream, heard), daemon=True).start()
    try:
        if not isinstance(hello := _next(heard), Hello):
            raise AgentError(f"the agent began with {hello}")
        best = (0, 1 << 62)
        for number in range(_ROUND_TRIPS):
            sent_ns = monotonic_ns()
            stream.send(Heartbeat(number))
            while not isinstance(pulse := _next(heard), Pulse):
                pass
            rtt_ns = monotonic_ns() - sent_ns
            best = min(best, (pulse.now_ns - sent_ns - rtt_ns // 2, rtt_ns), key=lambda seen: seen[1])
        stream.send(Stop())
    finally:
        stream.close()
    return best


def _listen(stream: ExecStream, heard: "queue.SimpleQueue[bytes | Exception]") -> None:
    try:
        for line in stream.lines():
            heard.put(line)
        heard.put(AgentError("the agent ended without a word"))
    except HarnessError as error:
        heard.put(error)


def _next(heard: "queue.SimpleQueue[bytes | Exception]") -> object:
    try:
        item = heard.get(timeout=_ANSWER_S)
    except queue.Empty:
        raise AgentError(f"the agent says nothing within {_ANSWER_S:.0f} s") from None
    if isinstance(item, Exception):
        raise item
    return decode_from_agent(item)


def _kill(sidecar: Container) -> str:
    began_s = time.monotonic()
    sidecar.kill()
    code = sidecar.wait(timeout=_ANSWER_S)["StatusCode"]
    killed_s = time.monotonic()
    sidecar.start()
    sidecar.reload()
    if (code, sidecar.status) != (137, "running"):
        raise EngineError(f"after kill its exit code was {code}, after start it is {sidecar.status}")
    return f"gone after {(killed_s - began_s) * 1000:.0f} ms, back after {(time.monotonic() - killed_s) * 1000:.0f} ms"
