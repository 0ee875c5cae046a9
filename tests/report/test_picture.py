from dataclasses import replace

import pytest
from msgspec.structs import replace as changed

from harness.operations import Operation, Outcome
from harness.recording.events import AnyEvent, ContainerChanged, PhaseBegan, Probed
from harness.recording.evidence import Evidence
from harness.report.lanes import lanes
from harness.report.marks import marks
from harness.report.picture import Picture, picture
from tests.report.recordings import CLUSTER, HELD, SCENARIO, at, operations, probes, recording


def drawn(evidence: Evidence) -> Picture:
    found = picture(SCENARIO, evidence, HELD)
    assert found is not None
    return found


def states(evidence: Evidence) -> dict[str, list[tuple[str, float, float]]]:
    """node -> (name, from, to) of every stretch, in seconds."""
    run = evidence.phases["all"]
    scale = run.length_s / 100
    return {
        lane.node: [(s.name, round(s.x * scale, 1), round((s.x + s.width) * scale, 1)) for s in lane.states]
        for lane in lanes(evidence, run, 0.5)
    }


def with_events(evidence: Evidence, *more: AnyEvent) -> Evidence:
    return replace(evidence, events=tuple(sorted((*evidence.events, *more), key=lambda event: event.at_ns)))


def test_phases_faults_and_failures_stand_where_they_were() -> None:
    found = drawn(recording())
    assert [(band.name, band.x, band.width) for band in found.phases] == [
        ("warm-up", 0.0, 16.667),
        ("faults", 16.667, 50.0),
        ("recovery", 66.667, 33.333),
    ]
    assert [(band.name, band.x, band.width, band.planned) for band in found.faults] == [
        ("lost-n1", 25.002, 33.333, (25.0, 33.333))
    ]
    (panel,) = found.panels
    assert [(f.key, f.count, [s.x for s in f.shapes]) for f in panel.failures] == [
        ("timed-out", 5, [25.0, 25.6, 26.2, 26.8, 27.4]),
        ("server-error", 2, [25.3, 26.5]),
    ]
    assert (panel.ok, panel.rate_max, panel.failure_rate_max) == (2993, "50/s", "6/s")


def test_every_good_answer_is_a_dot_however_many_share_a_place() -> None:
    twice = tuple(op for op in operations() for _ in range(2))
    (once,), (doubled,) = drawn(recording()).panels, drawn(replace(recording(), operations={"chat": twice})).panels
    assert sum(path.count("M") for path in once.dots) == sum(path.count("M") for path in doubled.dots)
    assert sum(path.count("M") for path in once.dots) > 2800
    assert doubled.dots[0] == ""


def test_a_bin_is_said_in_words() -> None:
    (panel,) = drawn(recording()).panels
    assert len(panel.bins) == 120
    assert panel.bins[30].startswith("15.00-15.50 s: 25 due · 22 ok · median ")
    assert panel.bins[30].endswith(" · 2 timed-out · 1 server-error · n2 50 % · n3 50 %")


def test_a_run_that_never_began_has_no_picture() -> None:
    assert picture(SCENARIO, Evidence((), {}, ()), HELD) is None


def test_too_many_failures_share_coarser_places() -> None:
    many = tuple(
        Operation(at(n / 2000), at(n / 2000), at(n / 2000 + 0.001 * (1 + n % 977)), 0, Outcome.RESET, 0, "")
        for n in range(100_000)
    )
    (panel,) = drawn(replace(recording(), operations={"chat": many})).panels
    (resets,) = panel.failures
    assert resets.count == 100_000
    assert 5_000 < len(resets.shapes) <= 20_000


def test_a_node_that_nobody_reaches_is_cut_off_and_the_others_are_up() -> None:
    up = [("up", 0.0, 60.0)]
    assert states(recording()) == {
        "gateway": up,
        "n1": [("up", 0.0, 15.0), ("cut off", 15.0, 35.0), ("up", 35.0, 60.0)],
        "n2": up,
        "n3": up,
    }


def test_a_link_cut_one_way_is_seen_on_both_ends() -> None:
    def cut(probe: Probed) -> Probed:
        lost = (probe.node, probe.peer) == ("n1", "n2") and at(20) <= probe.sent_ns < at(30)
        return changed(probe, rtt_s=None if lost else 0.0002)

    found = states(replace(recording(), probes=tuple(map(cut, probes()))))
    assert found["n1"] == [("up", 0.0, 20.0), ("no echo with n2", 20.0, 30.0), ("up", 30.0, 60.0)]
    assert found["n2"] == [("up", 0.0, 20.0), ("no echo with n1", 20.0, 30.0), ("up", 30.0, 60.0)]
    assert found["n3"] == [("up", 0.0, 60.0)]


def test_a_link_that_grew_slow_is_seen_on_both_ends() -> None:
    def slow(probe: Probed) -> Probed:
        late = (probe.node, probe.peer) == ("gateway", "n3") and at(20) <= probe.sent_ns < at(30)
        return changed(probe, rtt_s=0.2 if late else 0.0002)

    found = states(replace(recording(), probes=tuple(map(slow, probes()))))
    assert found["gateway"] == [("up", 0.0, 20.0), ("slow with n3", 20.0, 30.0), ("up", 30.0, 60.0)]
    assert found["n3"] == [("up", 0.0, 20.0), ("slow with gateway", 20.0, 30.0), ("up", 30.0, 60.0)]


def test_one_late_echo_is_not_called_a_slow_link() -> None:
    def late(probe: Probed) -> Probed:
        once = (probe.node, probe.peer) == ("gateway", "n3") and at(20) <= probe.sent_ns < at(20.4)
        return changed(probe, rtt_s=0.2 if once else 0.0002)

    assert states(replace(recording(), probes=tuple(map(late, probes()))))["n3"] == [("up", 0.0, 60.0)]


def test_a_container_that_died_is_down_whatever_its_sidecar_answers() -> None:
    died = (ContainerChanged(at(45), "n2", "die", 137), ContainerChanged(at(50.3), "n2", "start"))
    assert states(with_events(recording(), *died))["n2"] == [
        ("up", 0.0, 45.0),
        ("down", 45.0, 50.0),
        ("up", 50.0, 60.0),
    ]


def test_silence_of_the_probes_is_not_called_up() -> None:
    silent = replace(recording(), probes=tuple(p for p in probes() if not at(40) <= p.sent_ns < at(50)))
    assert states(silent)["n3"] == [("up", 0.0, 43.0), ("not probed", 43.0, 50.0), ("up", 50.0, 60.0)]


def test_a_lane_knows_its_nodes_share_of_the_answers() -> None:
    found = {lane.node: lane for lane in drawn(recording()).lanes}
    assert {node: lane.served for node, lane in found.items()} == {
        "gateway": "",
        "n1": "served 22 % of the answers",
        "n2": "served 39 % of the answers",
        "n3": "served 39 % of the answers",
    }
    assert found["gateway"].shares == ()
    assert not [x for x, _ in found["n1"].shares if 28.5 < x < 58]


def test_marks_are_numbered_in_order_with_error_and_source() -> None:
    died = ContainerChanged(at(45), "n2", "die", 137)
    evidence = with_events(recording(), died)
    found = marks(SCENARIO, evidence, changed(HELD, recoveries=()), evidence.phases["all"])
    assert [(m.number, m.word, m.label, m.source) for m in found] == [
        (
            1,
            "in force",
            "15.001 s ± 0.5 ms: lost-n1 in force on every node it acts on",
            "fault-fired in the journal, 4 nodes",
        ),
        (
            2,
            "restored",
            "16.841 s ± 30 ms: chat restored, 1.84 s ± 30 ms after lost-n1",
            "objective recovery: the operations of chat",
        ),
        (3, "healed", "35.001 s ± 0.2 ms: lost-n1 healed, read back as gone", "fault-healed in the journal, 4 nodes"),
        (4, "died", "45.000 s: n2's container died", "the engine's events"),
    ]


@pytest.mark.parametrize("number", [2, 5, 30])
def test_no_mark_covers_another(number: int) -> None:
    deaths = tuple(ContainerChanged(at(60 * n / number), "n2", "die") for n in range(number))
    evidence = with_events(recording(), *deaths)
    found = marks(SCENARIO, evidence, changed(HELD, recoveries=()), evidence.phases["all"])
    assert len(found) == number + 3
    rooms = [(mark.row, *mark.room) for mark in found]
    for row, left, right in rooms:
        assert sum(row == other and left < end and start < right for other, start, end in rooms) == 1


def test_a_run_that_was_cut_short_is_drawn_as_far_as_it_went() -> None:
    events = tuple(e for e in recording().events if e.at_ns < at(12) and not isinstance(e, PhaseBegan))
    began = tuple(e for e in recording().events if isinstance(e, PhaseBegan) and e.at_ns < at(12))
    short = Evidence((*events, *began), {"chat": tuple(operations(600))}, ())
    found = picture(SCENARIO, short, changed(HELD, findings=(), faults=()))
    assert found is not None
    assert [band.name for band in found.phases] == ["warm-up", "faults"]
    assert [lane.node for lane in found.lanes] == list(CLUSTER.names())
    assert {s.key for lane in found.lanes for s in lane.states} == {"unknown"}
