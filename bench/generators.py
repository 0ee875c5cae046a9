"""Our load generator beside what others use: how exactly it sends, what it sees of a known outage, how much it can."""

import csv
import io
import json
from collections.abc import Sequence
from contextlib import suppress
from math import ceil
from statistics import median

from bench.rows import Measured
from bench.yard import NGINX, Yard
from harness.clock import monotonic_ns, to_ns
from harness.errors import AgentError
from harness.operations import Operation, Outcome
from harness.stats import P99, first_well, latencies, quantile, send_error_p99_s
from harness.wire import Load

_RATE_PER_S = 2000
_FOR_S = 4.0
_SPEED_S = 3.0
_USERS = 32
_STALL_S, _STALL_RATE_PER_S, _STALL_RUN_S = 2.0, 1000, 10.0
_OUTAGE_S, _OUTAGE_RATE_PER_S, _OUTAGE_RUN_S = 2.0, 500, 9.0
_HOLD_S, _SLOW_S = 1.0, 0.25
_K6 = """\
import http from "k6/http";
export const options = {{
  discardResponseBodies: true, systemTags: ["status"],
  scenarios: {{ load: {{ executor: "constant-arrival-rate", rate: {rate}, timeUnit: "1s", duration: "{for_s}s",
    preAllocatedVUs: {users}, maxVUs: {users}, gracefulStop: "5s" }} }},
}};
export default function () {{ http.get("http://127.0.0.1:{port}/"); }}
"""
# Closed loop on one connection for each user, as wrk does it.
_AIOHTTP = """
import asyncio, sys, time, aiohttp
async def main(url, users, for_s):
    count, until = 0, time.monotonic() + for_s
    async def user(session):
        nonlocal count
        while time.monotonic() < until:
            async with session.get(url) as answer:
                await answer.read()
            count += 1
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=users)) as session:
        began = time.monotonic()
        await asyncio.gather(*(user(session) for _ in range(users)))
        print((time.monotonic() - began) / count)
asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
"""
_RECORD = """
import timeit
{before}
print(min(timeit.repeat("{once}", number=200000, repeat=5, globals=globals())) / 200000)
"""
_HDR = _RECORD.format(
    before="from hdrh.histogram import HdrHistogram; record = HdrHistogram(1, 60_000_000, 3).record_value",
    once="record(4321)",
)
_OURS = _RECORD.format(
    before="from harness.operations import Operation, Outcome; kept = []; keep = kept.append; ok = Outcome.OK",
    once="keep(Operation(1, 2, 3, 4, ok, 2, ''))",
)
_ASK = """
import json, sys, urllib.parse, urllib.request
query = urllib.parse.urlencode(dict(zip(("query", "start", "end", "step"), sys.argv[1:])))
print(urllib.request.urlopen("http://127.0.0.1:9090/api/v1/query_range?" + query, timeout=10).read().decode())
"""
_NOW = "import time; print(time.time_ns() - time.monotonic_ns())"


def _load(name: str, port: int, rate_per_s: float, for_s: float, users: int = 0) -> Load:
    return Load(
        traffic=name,
        client="http",
        host="127.0.0.1",
        port=port,
        rate_per_s=rate_per_s,
        timeout_s=10.0,
        start_ns=0,
        end_ns=to_ns(for_s),
        connection="keep-alive",
        in_flight_max=20_000,
        seed=7,
        options=(("path", "/"),),
        users=users,
    )


# --- how exactly it sends ---------------------------------------------------------------------------------------------


def send_errors(yard: Yard, rounds: int) -> dict[str, Measured]:
    """Each sends 2,000 a second to nginx. The peers say only when they began, so theirs count from the luckiest one."""
    ours: list[float] = []
    k6: list[float] = []
    hey: list[float] = []
    for number in range(rounds):
        sent = yard.load(_load(f"exact-{number}", NGINX, _RATE_PER_S, _FOR_S))
        if (error_s := send_error_p99_s(sent)) is not None:
            ours.append(error_s)
        k6.append(_late_p99_s([began_s for began_s, _ in _by_k6(yard, NGINX, _RATE_PER_S, _FOR_S)]))
        hey.append(_late_p99_s([began_s for began_s, _ in _by_hey(yard, NGINX, _RATE_PER_S, _FOR_S, workers=1)]))
    best, who = min((median(k6), "k6"), (median(hey), "hey"))
    said = f"p99 of {rounds} loads of {_FOR_S:g} s: k6 {median(k6) * 1e3:.2f} ms, hey {median(hey) * 1e3:.2f} ms"
    note = f"{said}; beside {who}, the better one ({best * 1e3:.2f} ms); wrk2 and vegeta cannot be had"
    return {"send-error-2000": Measured(tuple(ours), tuple(k6 if who == "k6" else hey), note)}


def _late_p99_s(began_s: Sequence[float]) -> float:
    """How late the sends of a constant rate were, if the one that was the least late was not late at all."""
    slots = [at_s - number / _RATE_PER_S for number, at_s in enumerate(sorted(began_s))]
    return quantile(sorted(slot - min(slots) for slot in slots), P99)


def _by_k6(yard: Yard, port: int, rate: int, for_s: float) -> list[tuple[float, float]]:
    """Each request of a constant arrival rate: when it began, and how long it took, in seconds."""
    script = _K6.format(rate=rate, for_s=int(for_s), users=max(100, rate // 5), port=port)
    said = yard.run(
        yard.peer,
        *(
            "sh",
            "-c",
            "K6_CSV_TIME_FORMAT=unix_micro k6 run -q --no-usage-report --out csv=/tmp/k6.csv - && cat /tmp/k6.csv",
        ),
        given=script,
    )
    rows = csv.reader(io.StringIO(said[said.index("metric_name,") :]))
    found = [(float(row[1]) / 1e6, float(row[2]) / 1e3) for row in rows if row[0] == "http_req_duration"]
    return [(ended_s - took_s, took_s) for ended_s, took_s in found]


def _by_hey(yard: Yard, port: int, rate: int, for_s: float, workers: int) -> list[tuple[float, float]]:
    words = ["-z", f"{for_s:g}s", "-c", str(workers), "-q", str(rate // workers), "-o", "csv"]
    said = yard.run(yard.peer, "hey", *words, f"http://127.0.0.1:{port}/")
    rows = csv.DictReader(io.StringIO(said))
    return [(float(row["offset"]), float(row["response-time"])) for row in rows]


# --- what it sees of a known outage -----------------------------------------------------------------------------------


def stalls(yard: Yard, rounds: int) -> dict[str, Measured]:
    """p99 at 1,000/s over 10 s in which the server answers nothing for 2 s, against what it must be."""
    errors_s: list[float] = []
    dropped: list[float] = []
    for number in range(rounds):
        with yard.outage(9101 + number, 3.0, _STALL_S, "stall") as server:
            operations = yard.load(_load(f"stall-{number}", 9101 + number, _STALL_RATE_PER_S, _STALL_RUN_S))
            true_s = _span_s(server.stdout.readline() if server.stdout else "") - 0.01 * _STALL_RUN_S
        errors_s.append(abs(quantile(latencies(operations), P99) - true_s))
        wanted = _STALL_RATE_PER_S * _STALL_RUN_S
        dropped.append(wanted - sum(op.outcome is Outcome.OK for op in operations))
    others = [f"{name} says {_others_s(yard, name) * 1e3:.0f} ms" for name in ("hey", "k6")]
    true_ms = (_STALL_S - 0.01 * _STALL_RUN_S) * 1e3
    note = f"it must be {true_ms:.0f} ms; {', '.join(others)}"
    return {
        "stall": Measured(tuple(errors_s), note=note),
        "stall-dropped": Measured(
            tuple(dropped), note=f"of {_STALL_RATE_PER_S * _STALL_RUN_S:,.0f} in each of {rounds}"
        ),
    }


def _others_s(yard: Yard, name: str) -> float:
    """The p99 that a peer tells of the same stall."""
    port = 9151 if name == "hey" else 9152
    with yard.outage(port, 3.0, _STALL_S, "stall"):
        if name == "hey":
            found = _by_hey(yard, port, _STALL_RATE_PER_S, _STALL_RUN_S, workers=50)
        else:
            found = _by_k6(yard, port, _STALL_RATE_PER_S, _STALL_RUN_S)
    return quantile(sorted(took_s for _, took_s in found), P99)


def _span_s(line: str) -> float:
    try:
        began_ns, ended_ns = json.loads(line)
    except ValueError as error:
        raise AgentError("the server did not say when its outage was") from error
    return float(ended_ns - began_ns) / 1e9


def recoveries(yard: Yard, rounds: int) -> dict[str, Measured]:
    """How long a server was away that refuses everything for 2 s: by our operations, and by rate() in Prometheus."""
    ours: list[float] = []
    theirs: list[float] = []
    for number in range(rounds):
        name, port = f"away-{number}", 9201 + number
        with yard.outage(port, 4.0 + number * 0.37, _OUTAGE_S, "refuse") as server:
            before_ns = monotonic_ns()
            operations = yard.load(_load(name, port, _OUTAGE_RATE_PER_S, _OUTAGE_RUN_S))
            true_s = _span_s(server.stdout.readline() if server.stdout else "")
        ours.append(abs(_away_s(operations) - true_s))
        with suppress(AgentError):
            theirs.append(abs(_by_rate_s(yard, name, before_ns) - true_s))
    note = f"at {_OUTAGE_RATE_PER_S}/s; what is asked falls due every {1e3 / _OUTAGE_RATE_PER_S:g} ms"
    asked = f"{note}; rate() over 2 s of scrapes each second, in a real Prometheus"
    return {
        "recovery": Measured(tuple(ours), note=note),
        "recovery-rate": Measured(tuple(ours), tuple(theirs), asked),
    }


def _away_s(operations: Sequence[Operation]) -> float:
    """From the first that failed to the first window in which all was well."""
    failed_ns = next((op.due_ns for op in operations if op.outcome is not Outcome.OK), None)
    if failed_ns is None:
        raise AgentError("the load met no outage")
    found = first_well(operations, failed_ns, operations[-1].due_ns, to_ns(_HOLD_S), _SLOW_S)
    if found.found_ns is None:
        raise AgentError("the load did not see the server come back")
    return (found.found_ns - failed_ns) / 1e9


def _by_rate_s(yard: Yard, name: str, before_ns: int) -> float:
    """For how long the rate was below 99 % of the load's."""
    wall_ns = int(yard.run(yard.ours, "python3", "-c", _NOW))
    start_s, end_s = (before_ns + wall_ns) / 1e9 + 3.5, (monotonic_ns() + wall_ns) / 1e9 - 1.0
    query = f'rate(harness_operations_total{{traffic="{name}",outcome="ok"}}[2s])'
    said = yard.run(yard.ours, "python3", "-c", _ASK, query, f"{start_s:.3f}", f"{end_s:.3f}", "0.05")
    found = json.loads(said)["data"]["result"]
    if not found:
        raise AgentError(f"Prometheus has no rate of {name}")
    return 0.05 * sum(float(value) < 0.99 * _OUTAGE_RATE_PER_S for _, value in found[0]["values"])


# --- how much it can --------------------------------------------------------------------------------------------------


def speeds(yard: Yard, rounds: int) -> dict[str, Measured]:
    """Seconds for one request in a closed loop of 32 connections, each generator on one core."""
    ours: list[float] = []
    wrk: list[float] = []
    aiohttp: list[float] = []
    url = f"http://127.0.0.1:{NGINX}/"
    for number in range(rounds):
        operations = yard.load(_load(f"speed-{number}", NGINX, 1.0, _SPEED_S, users=_USERS))
        right = sum(op.outcome is Outcome.OK for op in operations)
        ours.append(_SPEED_S / max(1, right))
        said = yard.run(yard.peer, "wrk", "-t1", f"-c{_USERS}", f"-d{ceil(_SPEED_S)}s", url)
        wrk.append(1 / float(said.split("Requests/sec:")[1].split()[0]))
        aiohttp.append(float(yard.run(yard.peer, "python3", "-c", _AIOHTTP, url, str(_USERS), str(_SPEED_S))))
    each = (("ours", ours), ("wrk", wrk), ("aiohttp", aiohttp))
    note = "requests/s: " + ", ".join(f"{name} {1 / median(took_s):,.0f}" for name, took_s in each)
    return {
        "request-wrk": Measured(tuple(ours), tuple(wrk), note),
        "request-aiohttp": Measured(tuple(ours), tuple(aiohttp), note),
    }


def records(yard: Yard, rounds: int) -> dict[str, Measured]:
    """What it takes to keep one operation, beside one value in a histogram of three figures."""
    pairs = [
        (float(yard.run(yard.ours, "python3", "-c", _OURS)), float(yard.run(yard.peer, "python3", "-c", _HDR)))
        for _ in range(rounds)
    ]
    ours, theirs = zip(*pairs, strict=True)
    return {"record": Measured(ours, theirs, "all of an operation: instants, size, outcome, status and node")}
