"""Run inside a sidecar by ``harness init``: ``python3 -c <the text of this file> listen | ask ... | load ...``.

What listens in this network namespace, and what it answers. One line of JSON. Standard library only: the text is all
that reaches the sidecar.
"""

import http.client
import json
import socket
import sys
from contextlib import suppress
from pathlib import Path

OURS = (17071, 17072, 17073, 17074)  # as in ``wire``; a test compares them
HEALTH = ("/healthz", "/health", "/readyz", "/ready", "/livez", "/-/ready", "/-/healthy", "/api/health", "/ping", "/up")
METRICS = ("/metrics", "/metrics/prometheus", "/stats/prometheus", "/actuator/prometheus")
HELLOS = {"redis": ("PING", "+PONG"), "memcached": ("version", "VERSION ")}
_NOBODY = "/nobody-has-a-page-of-this-name"
_TIMEOUT_S = 2.0
_BODY_BYTES = 1 << 20
_LISTENS, _UDP_OPEN = "0A", "07"


def listen() -> dict[str, list[list[object]]]:
    """Protocol -> [port, address to ask it at], of what can be reached from other pods."""
    found: dict[str, dict[int, str]] = {"tcp": {}, "udp": {}}
    for protocol, state in (("tcp", _LISTENS), ("udp", _UDP_OPEN)):
        for family in ("", "6"):
            with suppress(OSError):
                for line in Path(f"/proc/net/{protocol}{family}").read_text().splitlines()[1:]:
                    row = line.split()
                    address, port = _address(row[1])
                    remote_port = int(row[2].rpartition(":")[2], 16)
                    if row[3] == state and not remote_port and port not in OURS and _is_reachable(address):
                        found[protocol].setdefault(port, "127.0.0.1" if address in ("0.0.0.0", "::") else address)
    return {protocol: [[port, ports[port]] for port in sorted(ports)] for protocol, ports in found.items()}


def _address(text: str) -> tuple[str, int]:
    """``0100007F:1F90`` -> (127.0.0.1, 8080); the kernel writes every four bytes in its own order."""
    host, _, port = text.partition(":")
    raw = bytes.fromhex(host)
    packed = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)


def _is_reachable(address: str) -> bool:
    return not (address.startswith("127.") or address in ("::1", "::ffff:127.0.0.1"))


def get(host: str, address: str, port: int, path: str) -> tuple[int, bytes] | None:
    """Status and body; None where it does not speak HTTP."""
    connection = http.client.HTTPConnection(address, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Host": f"{host}:{port}", "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, answer.read(_BODY_BYTES)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def ask(host: str, port: int, address: str, hints: list[str]) -> dict[str, object]:
    """What one port answers. ``hints``: paths that the compose file itself names."""
    said: dict[str, object] = {"port": port, "http": False, "root": 0, "health": "", "metrics": "", "hello": ""}
    root = get(host, address, port, "/")
    if root is None:
        said["hello"] = next((name for name in HELLOS if _greets(address, port, name)), "")
        return said
    nobody = get(host, address, port, _NOBODY) or (0, b"")
    said |= {"http": True, "root": root[0]}
    for path in dict.fromkeys((*hints, *HEALTH)):
        found = get(host, address, port, path)
        # A server that answers everything alike has no page for its health.
        if found and found[0] == 200 and (path in hints or (nobody[0] != 200 or found[1] != nobody[1])):
            said["health"] = path
            break
    for path in METRICS:
        found = get(host, address, port, path)
        if found and found[0] == 200 and (b"# TYPE " in found[1] or b"# HELP " in found[1]):
            said["metrics"] = path
            break
    return said


def _greets(address: str, port: int, name: str) -> bool:
    send, expect = HELLOS[name]
    try:
        with socket.create_connection((address, port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(f"{send}\n".encode())
            return connection.recv(200).startswith(expect.encode())
    except OSError:
        return False


def load(host: str, port: int, address: str, path: str, count: int) -> int:
    """How many of ``count`` requests were answered."""
    return sum(get(host, address, port, path) is not None for _ in range(count))


def main(verb: str, *words: str) -> object:
    listening = listen()
    if verb == "listen":
        return listening
    at = {int(str(port)): str(address) for port, address in listening["tcp"]}
    if verb == "load":
        host, port, path, count = words
        return load(host, int(port), at.get(int(port), "127.0.0.1"), path, int(count))
    host, *hints = words
    return [ask(host, port, address, hints) for port, address in at.items()]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])) + "\n")
