"""Runs inside a sidecar, as text: says whenever what faults leave there changes, and when (CLOCK_MONOTONIC, ns).

One line of JSON each: ``[at_ns, what]``, where ``what`` lists the elements of packet rules, queueing disciplines and
toxics that were not there when it began. Its argument is the port of Toxiproxy's API. It asks the kernel and Toxiproxy,
and nothing of ours. Standard library and python3-nftables only.
"""

import http.client
import itertools
import json
import subprocess
import sys
import time
from typing import Any

EVERY_S = 0.02
QDISCS_EVERY = 10  # looks; each starts a program
_NOT_WHAT = ("expires", "timeout", "counter")


def elements(nft: Any) -> set[str]:
    code, out, _ = nft.cmd("list ruleset")
    found = set()
    if code == 0 and out:
        for item in json.loads(out)["nftables"]:
            for kind in ("set", "map"):
                if kind in item:
                    held = item[kind]
                    for element in held.get("elem", ()):
                        found.add(f"{held['table']} {held['name']} {json.dumps(plain(element))}")
    return found


def plain(element: Any) -> Any:
    """What an element matches: without what time and traffic change of it."""
    if isinstance(element, dict):
        return {key: plain(value) for key, value in element.items() if key not in _NOT_WHAT}
    return [plain(value) for value in element] if isinstance(element, list) else element


def toxics() -> set[str]:
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=1)
    try:
        connection.request("GET", "/proxies")
        proxies = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return set()
    finally:
        connection.close()
    return {f"toxic {toxic['name']}" for proxy in proxies.values() for toxic in proxy["toxics"]}


def qdiscs() -> set[str]:
    try:
        return set(subprocess.run(["tc", "qdisc", "show"], capture_output=True, text=True).stdout.splitlines())
    except OSError:
        return set()


def main() -> None:
    import nftables

    nft = nftables.Nftables()
    nft.set_json_output(True)
    disciplines = qdiscs()
    at_first = elements(nft) | toxics() | disciplines
    said = None
    for number in itertools.count():
        if number % QDISCS_EVERY == 0:
            disciplines = qdiscs()
        now = sorted((elements(nft) | toxics() | disciplines) - at_first)
        if now != said:
            said = now
            sys.stdout.write(json.dumps([time.monotonic_ns(), now]) + "\n")
            sys.stdout.flush()
        time.sleep(EVERY_S)


main()
