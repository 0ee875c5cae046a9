"""The table of the bench: its arithmetic, its words, and the plain compose file it compares with."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bench import schedules
from bench.clock_skew import Jump, figures
from bench.generators import _away_s, _late_p99_s
from bench.peer import plain
from bench.rows import SPECS, Measured, Row, encode, render, rows
from harness.cluster import Cluster, Node
from harness.errors import AgentError
from harness.operations import Operation, Outcome
from harness.weave.pods import LABEL_RUN, Labels

READY = next(spec for spec in SPECS if spec.key == "ready")
SKEW = next(spec for spec in SPECS if spec.key == "skew")
COMPOSE = Path(__file__).parents[1] / "compose" / "ollama.yaml"
CLUSTER = Cluster(
    "ollama",
    (
        Node("gateway", "gateway", "gateway", "gateway", ports=(8080,)),
        *(Node(f"n{i}", "node", "node", f"n{i}", index=i, ports=(11434,)) for i in (1, 2, 3)),
    ),
)
SECONDS = st.lists(st.floats(min_value=1e-6, max_value=1e3), min_size=1, max_size=300)


def lines(row: Row) -> list[str]:
    return [line.plain for line in render([row], 120)]


def test_a_row_with_a_peer_is_judged_by_its_ratio() -> None:
    row = Row(READY, Measured((3.0, 9.0, 6.0), (5.0, 4.0, 3.0)))
    assert (row.ours_s, row.peer_s, row.ratio, row.outcome) == (6.0, 4.0, 1.5, "met")
    assert Row(READY, Measured((3.0, 9.0), (5.0, 4.0))).ours_s == 6.0
    slower = Row(READY, Measured((6.1,), (4.0,)))
    assert slower.outcome == "missed"


def test_a_row_without_a_peer_is_judged_by_its_own_goal() -> None:
    row = Row(SKEW, Measured(tuple([0.001] * 99 + [0.5])))
    assert (row.ours_s, row.outcome) == (0.001, "met")
    assert Row(SKEW, Measured((0.001,) * 98 + (0.0031,) * 2)).outcome == "missed"


@given(SECONDS, SECONDS)
def test_a_row_is_met_exactly_when_ours_is_within_goal_times_peer(ours_s: list[float], peer_s: list[float]) -> None:
    row = Row(READY, Measured(tuple(ours_s), tuple(peer_s)))
    assert row.ours_s is not None and row.peer_s is not None
    assert (row.outcome == "met") is (row.ours_s / row.peer_s <= READY.goal)
    assert min(ours_s) <= row.ours_s <= max(ours_s)


@pytest.mark.parametrize("measured", [Measured(), Measured((1.0,)), Measured((), (1.0,))])
def test_a_row_without_both_sides_is_not_measured(measured: Measured) -> None:
    assert (Row(READY, measured).ratio, Row(READY, measured).outcome) == (None, "not measured")


def test_no_row_is_left_out_and_one_that_was_not_measured_says_why() -> None:
    found = rows({"skew": Measured(note="the engine is gone")})
    assert [row.spec for row in found] == list(SPECS)
    assert {row.outcome for row in found} == {"not measured"}
    assert [row.measured.note for row in found if row.spec == SKEW] == ["the engine is gone"]
    assert {row.measured.note for row in found if row.spec != SKEW} == {"it was not asked for"}


def test_a_missed_goal_is_said_in_its_row_with_the_spread_below_it() -> None:
    row = Row(SKEW, Measured((0.001, 0.004), note="2 cuts"))
    _, words, spread = lines(row)
    cells = [cell.strip() for cell in words.split("  ") if cell.strip()]
    assert cells == [SKEW.title, "p99 4.0 ms", "-", "1.33", "≤ 3.0 ms", "missed"]
    assert spread.strip() == "ours 1.0 ms to 4.0 ms, median 2.5 ms of 2; 2 cuts"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(2.5e-9, "2.5 ns"), (-31e-6, "-31 us"), (0.0005, "500 us"), (0.001, "1.0 ms"), (0, "0.0 ms")]
)
def test_what_is_quick_is_shown_in_finer_units(seconds: float, shown: str) -> None:
    (_, words, *_) = lines(Row(SKEW, Measured((seconds,))))
    assert f"p99 {shown} " in words


def test_a_clock_bites_when_the_program_reads_it_and_a_call_costs_what_it_did_not_before() -> None:
    asked_ns = [1_000_000, 9_000_000]
    jumps = [Jump(2_000_000, True, 50.0), Jump(5_000_000, False, 55.0), Jump(9_500_000, True, 51.0)]
    found = figures(asked_ns, jumps)
    assert found["clock-bites"].ours_s == (0.001, 0.0005)
    assert found["clock-call"].ours_s == pytest.approx((5e-9,))
    assert {one.note for one in figures(asked_ns, []).values()} == {"the node's clock was not seen to jump"}


def test_a_scenario_of_many_faults_is_one_that_can_be_played() -> None:
    assert set(schedules.planned(CLUSTER, 1)) == {"plan"}


def test_the_file_has_every_row_and_every_sample() -> None:
    document = json.loads(encode(rows({"ready": Measured((3.0,), (2.0,), "how")}), {"mode": "quick"}))
    assert (document["schema"], document["mode"]) == (1, "quick")
    assert [row["key"] for row in document["rows"]] == [spec.key for spec in SPECS]
    assert document["rows"][0] == {
        "key": "ready",
        "title": "ready",
        "figure": "median",
        "ours_s": 3.0,
        "peer": "docker compose up --wait",
        "peer_s": 2.0,
        "ratio": 1.5,
        "goal": 1.5,
        "goal_unit": "ratio",
        "outcome": "met",
        "note": "how",
        "ours_samples_s": [3.0],
        "peer_samples_s": [2.0],
    }


def test_a_goal_of_nothing_at_all_is_met_by_nothing_and_missed_by_one() -> None:
    dropped = next(spec for spec in SPECS if spec.key == "stall-dropped")
    assert [Row(dropped, Measured((count,))).outcome for count in (0.0, 1.0)] == ["met", "missed"]
    words = "\n".join(lines(Row(dropped, Measured((3.0,)))))
    assert "median 3 " in words and "≤ 0 " in words


def test_a_peer_is_as_late_as_its_sends_are_behind_the_one_that_was_the_least_late() -> None:
    exact = [7.0 + number / 2000 for number in range(1000)]
    assert _late_p99_s(exact) == pytest.approx(0.0, abs=1e-9)
    late = [at_s + 0.0003 * (number % 50 == 0) for number, at_s in enumerate(exact)]
    assert _late_p99_s(late) == pytest.approx(0.0003)
    assert _late_p99_s([at_s + 0.005 * (at_s > 7.4) for at_s in exact]) == pytest.approx(0.005)


def test_an_outage_is_as_long_as_from_the_first_that_failed_to_when_all_was_well() -> None:
    outcomes = [Outcome.OK] * 500 + [Outcome.REFUSED] * 1000 + [Outcome.OK] * 1500
    operations = [
        Operation(number * 2_000_000, number * 2_000_000, number * 2_000_000 + 1_000_000, 0, outcome, 2, "")
        for number, outcome in enumerate(outcomes)
    ]
    assert _away_s(operations) == pytest.approx(2.0, abs=0.03)  # one in a hundred may fail where all is well
    with pytest.raises(AgentError, match="met no outage"):
        _away_s(operations[:400])


def test_goals_are_those_of_the_issue() -> None:
    goals = {spec.key: (spec.figure, spec.goal) for spec in SPECS}
    assert goals == {
        "ready": ("median", 1.5),
        "down": ("median", 1.5),
        "in-force": ("p99", 0.005),
        "in-force-median": ("median", 0.001),
        "beside-pause": ("median", 0.1),
        "skew": ("p99", 0.003),
        "skew-median": ("median", 0.0005),
        "fresh": ("p99", 0.1),
        "plan": ("median", 1.5),
        "arm": ("median", 1.5),
        "unfaulted": ("median", 1.1),
        "queue": ("median", 0.0001),
        "stream": ("median", 1.0),
        "clock-bites": ("median", 0.01),
        "clock-call": ("median", 15e-9),
        "send-error": ("median", 0.002),
        "skew-threads": ("median", 0.1),
        "send-error-2000": ("median", 0.5),
        "stall": ("median", 0.02 * (2.0 - 0.1)),
        "stall-dropped": ("median", 0.0),
        "request-wrk": ("median", 1 / 0.5),
        "request-aiohttp": ("median", 1 / 8),
        "record": ("median", 0.15),
        "recovery": ("median", 0.010),
        "recovery-rate": ("median", 0.01),
        "linear-distinct": ("median", 1 / 10),
        "linear-hot": ("median", 1 / 1000),
        "linear-cas": ("median", 4.0),
        "judge": ("median", 5.0),
        "judge-linear": ("median", 1.5),
        "first-request": ("median", 12.0),
        "whole": ("median", 80.0),
    }


def test_the_peer_has_the_same_nodes_on_loopback_and_nothing_of_ours() -> None:
    config = COMPOSE.read_text().replace('ports: ["8080"]', "ports: [{target: 8080}]").replace("${NODE_COUNT:-3}", "3")
    document = yaml.safe_load(plain(config, {"gateway": "g:1", "ollama": "o:1"}, Labels("bench", "/record")))
    services = document["services"]
    assert {name: service["image"] for name, service in services.items()} == {
        "gateway": "g:1",
        "n1": "o:1",
        "n2": "o:1",
        "n3": "o:1",
    }
    assert services["gateway"]["ports"] == [{"target": 8080, "host_ip": "127.0.0.1"}]
    assert [name for name, service in services.items() if "healthcheck" in service] == ["gateway"]
    assert services["n2"]["environment"]["HARNESS_NODE"] == "n2"
    labels = [thing["labels"][LABEL_RUN] for thing in (*services.values(), *document["networks"].values())]
    assert set(labels) == {"bench"}
