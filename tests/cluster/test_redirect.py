"""Names that lie and links that tamper, in a real pod: the mechanism runs in a sidecar as an agent would run it."""

import json
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import docker
import pytest
from docker.models.containers import Container

pytestmark = pytest.mark.cluster
CAPABILITIES = ["NET_ADMIN", "KILL", "SETUID", "SETGID"]
PORT, OTHER_PORT = 8000, 8001

_PRELUDE = """
import http.client, json, os, signal, socket, subprocess, sys, time
from harness.agent.kernel import Kernel, library
from harness.agent.redirect import messages, nat
from harness.agent.redirect.redirects import Redirects
from harness.primitives import Resolve, Tamper

PORT, OTHER_PORT = 8000, 8001
IP = socket.gethostbyname("n2")
kernel = Kernel(library())
redirects = Redirects(kernel, lambda node: (IP,))

def until(holds, timeout_s=5.0):
    end_s = time.monotonic() + timeout_s
    while not (found := holds()):
        if time.monotonic() > end_s:
            sys.exit("it never came")
        time.sleep(0.005)
    return found

def seen(name):
    return until(lambda: name in redirects.readings("f")) and redirects.readings("f")

def fire(change, sign):
    redirects.arm("f", [change], 20.0)
    before = seen(sign)
    until(lambda: redirects._ready["f"].child.listens)
    start_s = time.monotonic()
    redirects.fire("f")
    took_s = time.monotonic() - start_s
    redirects.confirm_fired("f")
    return {"before": before, "took_s": took_s, "elements": redirects.elements()}

def heal():
    redirects.heal("f")
    return list(redirects.left("f"))

def look(name="n2"):
    try:
        return socket.gethostbyname(name)
    except socket.gaierror as error:
        return error.errno
"""

_NAMES = """
asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # one that stays open, as c-ares and HAProxy have it
asker.connect((open("/etc/resolv.conf").read().split("nameserver")[1].split()[0], 53))
asker.settimeout(0.4)

def ask(name="n2"):
    asker.send(messages.question(7, name))
    try:
        heard = messages.heard(asker.recv(4096))
    except TimeoutError:
        return "silence"
    return heard.addresses[0] if heard.addresses else heard.code

out = {"true": IP}
for answer, more in {"nxdomain": {}, "address": {"address": "127.0.0.9"}, "delay": {"delay_s": 0.2},
                     "silence": {}}.items():
    assert ask() == IP
    found = out[answer] = fire(Resolve("n1", ("n2",), answer, **more), "answered")
    start_s = time.monotonic()
    found["open"] = ask()
    found["asked_s"] = time.monotonic() - start_s
    found["other"] = look("n1.")
    found["fresh"] = look() if answer in ("nxdomain", "address") else None
    found["during"] = seen("answered")
    found["left"], found["after"], found["after_open"] = heal(), look(), ask()
    found["met"] = redirects.met("f").packets
    redirects.forget("f")
redirects.leave()
print(json.dumps(out))
"""

_LINKS = """
def get(connection):
    try:
        connection.request("GET", "/")
        answer = connection.getresponse()
        return [line["response"] for line in map(json.loads, answer.read().split(b"\\n")[:-1])]
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return type(error).__name__

out = {}
for how, more in {"flip": {}, "truncate": {}, "forge": {"put": '{"response": "no {n}"}\\n', "every": 2}}.items():
    kept, control = http.client.HTTPConnection(IP, PORT, 5), http.client.HTTPConnection(IP, OTHER_PORT, 5)
    assert get(kept) == get(control)
    found = out[how] = fire(Tamper("n1", "n2", PORT, how, **more), "changed_share")
    found["ended"] = get(kept)
    found["tampered"], found["control"] = get(kept), get(control)
    found["during"] = until(lambda: (r := redirects.readings("f")).get("changed_share") and r)
    found["left"] = heal()
    found["met"] = redirects.met("f").packets
    fresh = http.client.HTTPConnection(IP, PORT, 5)
    found["after"] = get(fresh)
    found["after_share"] = seen("changed_share")["changed_share"]
    if kept.sock:
        found["closed"] = kept.sock.recv(1) == b""  # by the proxy, as it fell idle
    redirects.forget("f")
redirects.leave()
print(json.dumps(out))
"""

_CHILD_DIES = """
fire(Resolve("n1", (), "nxdomain"), "answered")
lied = look()
start_s = time.monotonic()
os.kill(redirects._ready["f"].child._process.pid, signal.SIGKILL)
until(lambda: not redirects.elements())
out = {"lied": lied, "gone_s": time.monotonic() - start_s, "after": look(), "true": IP,
       "running": redirects.readings("f")["running"], "left": heal()}
redirects.leave()
print(json.dumps(out))
"""

_DIES = """
fire(Resolve("n1", (), "nxdomain"), "answered")
print(json.dumps(look()), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

_AGENT_DIES = f"""
agent = subprocess.run([sys.executable, "-c", {_PRELUDE + _DIES!r}], stdout=subprocess.PIPE, text=True)
start_s = time.monotonic()
until(lambda: not kernel.held(nat.TABLE).rules)
gone_s = time.monotonic() - start_s

def children():
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            argv = open(f"/proc/{{pid}}/cmdline", "rb").read().split(b"\\0")
            found += [pid] * (b"harness.agent.redirect.program" in argv)
        except OSError:
            continue
    return found

until(lambda: not children())
print(json.dumps({{"lied": json.loads(agent.stdout), "gone_s": gone_s, "after": look(), "true": IP}}))
"""

_SERVER = """
import http.server, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number in range(4):
            line = b'{"at": "2026-11-21T10:00:00.1Z", "response": "n1-030%d"}\\n' % number
            self.wfile.write(b"%x\\r\\n%b\\r\\n" % (len(line), line))
        self.wfile.write(b"0\\r\\n\\r\\n")

    def log_message(self, *_):
        pass

servers = [http.server.ThreadingHTTPServer(("", port), Handler) for port in (8000, 8001)]
for server in servers:
    threading.Thread(target=server.serve_forever).start()
"""
TRUE = ["n1-0300", "n1-0301", "n1-0302", "n1-0303"]


@dataclass(frozen=True, slots=True)
class Pod:
    container: Container

    def run(self, code: str) -> Any:
        """What a program prints there, in JSON."""
        status, output = self.container.exec_run(["python3", "-c", _PRELUDE + code])
        assert isinstance(output, bytes)
        assert status == 0, output.decode()
        return json.loads(output)


@pytest.fixture(scope="module")
def pod(engine: docker.DockerClient, images: Mapping[str, str]) -> Iterator[Pod]:
    """n1, in whose network all is done, and beside it n2, which serves."""
    run = f"try-redirect-{uuid.uuid4().hex[:8]}"
    network = engine.networks.create(run)

    def start(name: str) -> Container:
        container = engine.containers.create(
            images["sidecar"], name=f"{run}-{name}", cap_drop=["ALL"], cap_add=CAPABILITIES
        )
        network.connect(container, aliases=[name])
        container.start()
        return container

    with ThreadPoolExecutor() as threads:
        n1, n2 = threads.map(start, ("n1", "n2"))
        n2.exec_run(["python3", "-c", _SERVER], detach=True)
        yield Pod(n1)
        list(threads.map(lambda container: container.remove(force=True, v=True), (n1, n2)))
    network.remove()


def test_whoever_asks_for_the_name_hears_the_lie_and_the_truth_again_after_the_heal(pod: Pod) -> None:
    found = pod.run(_NAMES)
    true = found.pop("true")
    heard = {answer: (it["open"], it["fresh"]) for answer, it in found.items()}
    assert heard == {
        "nxdomain": ("nxdomain", -2),
        "address": ("127.0.0.9", "127.0.0.9"),
        "delay": (true, None),
        "silence": ("silence", None),
    }
    assert found["delay"]["asked_s"] >= 0.2
    for it in found.values():
        assert it["before"]["answered"] == 1.0
        assert (it["elements"], it["left"]) == (1, [])
        assert (it["after"], it["after_open"]) == (true, true)
        assert isinstance(it["other"], str)
        assert it["met"] >= 1
    during = {answer: it["during"] for answer, it in found.items()}
    assert during["nxdomain"]["nxdomain"] == 1.0
    assert during["address"]["wrong_address"] == 1.0
    assert during["delay"]["lookup_s"] >= 0.2
    assert during["silence"]["heard"] == 0.0


def test_answers_on_the_link_are_tampered_with_and_still_well_formed_and_no_others(pod: Pod) -> None:
    found = pod.run(_LINKS)
    assert {how: it["tampered"] for how, it in found.items()} == {
        "flip": ["n1-0301", "n1-0300", "n1-0303", "n1-0302"],
        "truncate": "IncompleteRead",
        "forge": ["n1-0300", "no 1", "n1-0302", "no 2"],
    }
    for it in found.values():
        assert it["before"]["changed_share"] == it["after_share"] == 0.0
        assert it["ended"] == "ConnectionAbortedError"  # softly: nothing was asked on it
        assert it["control"] == it["after"] == TRUE
        assert (it["elements"], it["left"]) == (2, [])
        assert it["during"]["changed"] >= 1
        assert it["met"] >= 1
        assert it.get("closed", True)


def test_when_the_child_dies_in_force_the_redirect_goes_at_once(pod: Pod) -> None:
    found = pod.run(_CHILD_DIES)
    assert found["lied"] == -2
    assert found["after"] == found["true"]
    assert found["gone_s"] < 1
    assert (found["running"], found["left"]) == (0.0, [])


def test_when_the_agent_is_killed_its_child_takes_the_redirect_away_and_ends(pod: Pod) -> None:
    found = pod.run(_AGENT_DIES)
    assert found["lied"] == -2
    assert found["after"] == found["true"]
    assert found["gone_s"] < 1
