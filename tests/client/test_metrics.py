import socket
import subprocess
import sys
import time
import urllib.request

from harness.wire import Failed, Hello, Lines, LoadDone, decode_from_client
from tests.client.peer import Reply, serving, whole
from tests.client.talk import alone, load


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def scraped(port: int) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (li.rpartition(" ") for li in lines if not li.startswith("#"))}


def scraped_in_an_outage(port: int, least_s: float) -> dict[str, float]:
    until_s = time.monotonic() + 3
    while time.monotonic() < until_s:
        found = scraped(port)
        if found.get('harness_outage_seconds{traffic="chat"}', 0) > least_s:
            return found
    raise AssertionError("no outage was shown")


def test_prometheus_is_told_counts_latencies_and_exact_outages() -> None:
    def behaviour(number: int, body: bytes) -> Reply:
        return Reply(whole(body)) if not 6 <= number < 14 else Reply(then="close")

    port = free_port()
    with serving(behaviour) as seen, alone(port) as (talk, _):
        talk.say(load(seen.port, rate_per_s=20.0, for_s=1.0))
        during = scraped_in_an_outage(port, 0.15)
        talk.next(LoadDone)
        after = scraped(port)
    chat = '{traffic="chat"}'
    assert during[f"harness_last_recovery_seconds{chat}"] < 0.15
    assert after[f"harness_outage_seconds{chat}"] == 0.0
    assert 0.399 < after[f"harness_last_recovery_seconds{chat}"] < 0.6
    assert after[f"harness_in_flight{chat}"] == 0.0
    assert after['harness_operations_total{outcome="ok",traffic="chat"}'] == 12.0
    assert after['harness_operations_total{outcome="closed",traffic="chat"}'] == 8.0
    assert after['harness_operations_total{outcome="wrong",traffic="chat"}'] == 0.0
    assert after['harness_operation_seconds_bucket{le="+Inf",traffic="chat"}'] == 20.0
    assert after[f"harness_operation_seconds_count{chat}"] == 20.0
    assert 0 < after[f"harness_operation_seconds_sum{chat}"] < 4
    assert after[f"harness_settled_failed_total{chat}"] == 8.0
    assert after['harness_settled_seconds_bucket{le="10.0",traffic="chat"}'] == 12.0
    assert after['harness_settled_seconds_bucket{le="+Inf",traffic="chat"}'] == 20.0
    assert abs(after[f"harness_settled_until_seconds{chat}"] - time.monotonic()) < 10


def test_a_metrics_port_that_is_taken_is_told_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [
            sys.executable,
            "-m",
            "harness.client",
            "--metrics-address",
            "127.0.0.1",
            "--metrics-port",
            str(port),
        ]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=5)
    hello, failed = map(decode_from_client, Lines().feed(ended.stdout))
    assert isinstance(hello, Hello)
    text = f"metrics cannot be served on port {port} ([Errno 98] Address already in use); free it or choose another"
    assert (failed, ended.returncode) == (Failed(text), 3)
