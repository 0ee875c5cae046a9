"""Tried inside a throw-away sidecar: ``python3 -c <the text of this file> NAME...`` tries mechanisms, for real.

One line of JSON for each, ``{"name": ..., "outcome": "ok" | "absent" | "failed", "seen": "..."}``. Standard library
only: what is tried is the kernel and the sidecar, not the code of the agent.
"""

import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ECHO_PORT = 17071  # as in ``wire``; a test compares them
TOXIPROXY_PORT = 17074
TOXIPROXY_UID = 4242
_UNUSED_PORT = 9
_QUEUED_PORT = 4999
_QUEUE = 7
_PATIENCE_S = 3.0
_CONNECT_S = 0.1


class Absent(Exception):
    """The kernel does not have it."""


class Failed(Exception):
    """It is there, and does not do what it must."""


# --- packet rules -----------------------------------------------------------------------------------------------------


def _run(*argv: str) -> str:
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE_S)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()
        # An unknown expression is reported as a missing file, an unknown discipline by name.
        missing = any(sign in line for line in said for sign in ("No such file", "kind is unknown", "not supported"))
        raise (Absent if missing else Failed)(f"{argv[0]}: {said[0].removeprefix('Error: ')}")
    return done.stdout


@contextmanager
def _table(text: str) -> Iterator[None]:
    """A table of our own for as long as it is needed; that it went away again is checked as well."""
    _run("nft", f"table ip doctor {{ {text} }}")
    try:
        yield
    finally:
        _run("nft", "delete table ip doctor")
        if "doctor" in _run("nft", "list tables"):
            raise Failed("a deleted table is still listed")


def _incoming(rule: str, sets: str = "set cut { type ipv4_addr; flags timeout; }") -> str:
    return f"{sets}; chain in {{ type filter hook prerouting priority raw; {rule}; }};"


def _echo(port: int, timeout_s: float = _CONNECT_S) -> float:
    """Seconds for one byte there and back over a fresh connection on loopback."""
    began_s = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=timeout_s) as connection:
        connection.sendall(b"?")
        if connection.recv(1) != b"?":
            raise Failed("the echo ended without an answer")
    return time.monotonic() - began_s


def _is_cut() -> bool:
    try:
        _echo(ECHO_PORT)
    except TimeoutError:
        return True
    return False


def nftables() -> str:
    with _table(_incoming(f"ip saddr @cut tcp dport {ECHO_PORT} counter drop")):
        if _is_cut():
            raise Failed("an empty set cuts")
        _run("nft", "add element ip doctor cut { 127.0.0.1 timeout 30s }")
        if "127.0.0.1 timeout 30s" not in _run("nft", "list set ip doctor cut"):
            raise Failed("the element cannot be read back")
        if not _is_cut():
            raise Failed("the rule is there, and a connection it names goes through")
        _run("nft", "flush set ip doctor cut")
        healed_s = _echo(ECHO_PORT, _PATIENCE_S)
    return f"cut connections time out; healed in {healed_s * 1000:.1f} ms"


def timeout() -> str:
    asked_s = 0.5
    with _table(_incoming(f"ip saddr @cut tcp dport {ECHO_PORT} drop")):
        began_s = time.monotonic()
        _run("nft", f"add element ip doctor cut {{ 127.0.0.1 timeout {asked_s * 1000:.0f}ms }}")
        if not _is_cut():
            raise Failed("an element with a time-out does not cut")
        while _is_cut():
            if time.monotonic() - began_s > _PATIENCE_S:
                raise Failed(f"an element of {asked_s} s still cuts after {_PATIENCE_S:.0f} s")
        took_s = time.monotonic() - began_s
    return f"an element of {asked_s} s was gone after {took_s:.2f} s"


def reject() -> str:
    with _table(_incoming(f"tcp dport {ECHO_PORT} reject with tcp reset", sets="")):
        try:
            _echo(ECHO_PORT)
        except ConnectionRefusedError:
            return "a rejected connection is refused at once"
    raise Failed("a rejected connection goes through")


def redirect() -> str:
    elements = f"127.0.0.1 . {_UNUSED_PORT} : {ECHO_PORT}"
    redirects = f"map to {{ type ipv4_addr . inet_service : inet_service; elements = {{ {elements} }}; }}; "
    chain = f"meta skuid {TOXIPROXY_UID} return; meta l4proto tcp redirect to :ip daddr . tcp dport map @to;"
    with _table(f"{redirects} chain out {{ type nat hook output priority -100; {chain} }};"):
        _echo(_UNUSED_PORT)
    return "a connection to another port arrived at ours"


def sockets() -> str:
    with socket.create_connection(("127.0.0.1", ECHO_PORT), timeout=1.0) as connection:
        port = connection.getsockname()[1]
        filters = f"( sport = :{port} )"
        _run("ss", "--no-header", "--kill", "--tcp", "--numeric", "state", "synchronized", filters)
        try:
            connection.sendall(b"?")
            connection.recv(1)
        except ConnectionError:
            return "an established connection was reset"
    raise Absent("ss --kill leaves the connection as it is: the kernel lacks INET_DIAG_DESTROY")


# --- the packet queue, in raw netlink: nft may lack a word for it where the kernel has it -----------------------------


def _attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def _nest(kind: int, data: bytes) -> bytes:
    return _attribute(kind | 0x8000, data)


def _netlink(kind: int, flags: int, family: int, number: int, data: bytes) -> bytes:
    """One netfilter message: nlmsghdr, nfgenmsg (its resource id in network order), attributes."""
    body = struct.pack("=BB", family, 0) + struct.pack(">H", number) + data
    return struct.pack("=IHHII", len(body) + 16, kind, flags, 1, 0) + body


def _netfilter() -> socket.socket:
    found = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)  # NETLINK_NETFILTER
    found.bind((0, 0))
    found.settimeout(1.0)
    return found


def _acknowledged(connection: socket.socket, message: bytes) -> None:
    connection.send(message)
    answer = connection.recv(65536)
    if struct.unpack_from("=H", answer, 4)[0] == 2 and (code := struct.unpack_from("=i", answer, 16)[0]):
        raise (Absent if -code in (2, 93, 95) else Failed)(f"the kernel says {os.strerror(-code)}")


def _target_rule() -> None:
    """``queue flags bypass to 7`` as the older NFQUEUE target, revision 3: (queue, queues, flags)."""
    info = struct.pack("=HHHH", _QUEUE, 1, 1, 0)
    target = _attribute(1, b"NFQUEUE\0") + _attribute(2, struct.pack(">I", 3)) + _attribute(3, info)
    expression = _nest(1, _attribute(1, b"target\0") + _nest(2, target))
    rule = _attribute(1, b"doctor\0") + _attribute(2, b"queued\0") + _nest(4, expression)
    batch = _netlink(0x10, 1, 0, 10, b"")  # request
    batch += _netlink(10 << 8 | 6, 0x1 | 0x4 | 0x400 | 0x800, 2, 0, rule)  # request, acknowledge, create, append
    with _netfilter() as connection:
        _acknowledged(connection, batch + _netlink(0x11, 1, 0, 10, b""))


def _queue_rule() -> str:
    try:
        _run("nft", f"add rule ip doctor queued queue flags bypass to {_QUEUE}")
    except (Absent, Failed):
        _target_rule()
        return "xt NFQUEUE"
    return "nft queue"


def _serve_one(queue: socket.socket, hold_s: float) -> None:
    """Receive one packet, hold it, let it go."""
    packet = queue.recv(65536)
    time.sleep(hold_s)
    accept = _attribute(2, struct.pack(">I", 1) + packet[24:28])  # the packet's id is in its first attribute
    queue.send(_netlink(3 << 8 | 1, 1, 0, _QUEUE, accept))


def queue() -> str:
    hold_s = 0.05
    base = f"chain queued {{ }}; chain in {{ type filter hook prerouting priority -310; udp dport {_QUEUED_PORT} "
    with _table(f"{base} jump queued; }};"), _netfilter() as queued:
        how = _queue_rule()
        configure = 3 << 8 | 2
        for words in (_attribute(1, struct.pack("=BBH", 1, 0, 0)), _attribute(2, struct.pack(">IB", 0, 1))):
            _acknowledged(queued, _netlink(configure, 0x1 | 0x4, 0, _QUEUE, words))  # bind; copy no payload
        server = threading.Thread(target=_serve_one, args=(queued, hold_s), daemon=True)
        server.start()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
            here.bind(("127.0.0.1", _QUEUED_PORT))
            here.settimeout(1.0)
            began_s = time.monotonic()
            here.sendto(b"?", ("127.0.0.1", _QUEUED_PORT))
            here.recv(1)
            took_s = time.monotonic() - began_s
        server.join(1.0)
    if took_s < hold_s:
        raise Failed(f"a packet held for {hold_s * 1000:.0f} ms came after {took_s * 1000:.1f} ms")
    return f"{how}; held {hold_s * 1000:.0f} ms, came after {took_s * 1000:.1f} ms"


# --- queueing disciplines, Toxiproxy, ptrace --------------------------------------------------------------------------


def _device() -> str:
    names = sorted(path.name for path in Path("/sys/class/net").iterdir() if path.name != "lo")
    if not names:
        raise Failed("the sidecar has no network device but lo")
    return names[0]


@contextmanager
def _discipline(*words: str) -> Iterator[str]:
    device = _device()
    _run("tc", "qdisc", "add", "dev", device, "root", *words)
    try:
        yield device
    finally:
        _run("tc", "qdisc", "del", "dev", device, "root")


def htb() -> str:
    with _discipline("handle", "1:", "htb", "default", "10") as device:
        _run("tc", "class", "add", "dev", device, "parent", "1:", "classid", "1:10", "htb", "rate", "10mbit")
        if "rate 10Mbit" not in _run("tc", "class", "show", "dev", device):
            raise Failed("the class cannot be read back")
    return "a class of 10 Mbit/s, read back"


def netem() -> str:
    with _discipline("netem", "delay", "10ms") as device:
        if "netem" not in _run("tc", "qdisc", "show", "dev", device):
            raise Failed("the discipline cannot be read back")
    return "a delay of 10 ms, read back"


def _toxiproxy(method: str, path: str, body: object = None) -> bytes:
    url = f"http://127.0.0.1:{TOXIPROXY_PORT}{path}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, method=method)
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            with direct.open(request, timeout=1.0) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            raise Failed(f"{method} {path} is answered by {error.code}") from error
        except OSError as error:  # it may have been started a moment ago
            if time.monotonic() > deadline_s:
                raise Failed(f"its API does not answer: {error}") from error
            time.sleep(0.05)


def toxiproxy() -> str:
    delay_ms = 100
    text = _toxiproxy("GET", "/version").decode()
    version = json.loads(text)["version"] if text.startswith("{") else text.strip()
    proxy = {"name": "doctor", "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{ECHO_PORT}"}
    port = int(json.loads(_toxiproxy("POST", "/proxies", proxy))["listen"].rpartition(":")[2])
    try:
        toxic = {"name": "slow", "type": "latency", "stream": "upstream", "attributes": {"latency": delay_ms}}
        before_s = _echo(port, 1.0)
        _toxiproxy("POST", "/proxies/doctor/toxics", toxic)
        held = json.loads(_toxiproxy("GET", "/proxies/doctor/toxics/slow"))["attributes"]
        if held["latency"] != delay_ms:
            raise Failed(f"a toxic of {delay_ms} ms reads back as {held}")
        after_s = _echo(port, 1.0)
    finally:
        _toxiproxy("DELETE", "/proxies/doctor")
    if after_s * 1000 < delay_ms:
        raise Failed(f"with a toxic of {delay_ms} ms an echo takes {after_s * 1000:.1f} ms")
    return f"{version}; echo {before_s * 1000:.1f} ms, with {delay_ms} ms toxic {after_s * 1000:.0f} ms"


def ptrace() -> str:
    """In a helper that shares the sidecar's process ids: hold its first process, and let it go."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    seize, interrupt, detach, any_child = 0x4206, 0x4207, 17, 0x40000000

    def call(request: int) -> None:
        if libc.ptrace(request, 1, None, None) == -1:
            raise Failed(f"ptrace is refused: {os.strerror(ctypes.get_errno())}")

    began_s = time.monotonic()
    call(seize)
    call(interrupt)
    os.waitpid(1, any_child)
    clock_page = "[vdso]" in Path("/proc/1/maps").read_text()
    call(detach)
    took_ms = (time.monotonic() - began_s) * 1000
    return f"a node's process was held for {took_ms:.1f} ms" + ("" if clock_page else "; no vDSO")


TRIALS: dict[str, Callable[[], str]] = {
    trial.__name__: trial
    for trial in (nftables, timeout, reject, redirect, sockets, queue, htb, netem, toxiproxy, ptrace)
}


def attempt(name: str) -> dict[str, str]:
    try:
        return {"name": name, "outcome": "ok", "seen": TRIALS[name]()}
    except Absent as error:
        return {"name": name, "outcome": "absent", "seen": str(error)}
    except (Failed, OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
        return {"name": name, "outcome": "failed", "seen": str(error) or type(error).__name__}


if __name__ == "__main__":
    for wanted in sys.argv[1:]:
        sys.stdout.write(json.dumps(attempt(wanted)) + "\n")
        sys.stdout.flush()
