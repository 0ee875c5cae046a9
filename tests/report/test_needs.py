"""What nodes used is drawn as it was seen: nothing is drawn where nobody looked."""

from dataclasses import replace

from harness.recording.events import AnyEvent, Used, UseUnseen
from harness.report.needs import Need, needs
from tests.report.recordings import at, recording


def seen(*more: AnyEvent) -> tuple[Need, ...]:
    evidence = recording()
    told = replace(evidence, events=(*evidence.events, *more))
    return needs(told, told.phases["all"])


def used(node: str, second: float, megabytes: float, cpu_s: float, descriptors: int | None = None) -> Used:
    return Used(at(second), node, round(megabytes * 1e6), cpu_s, 3, descriptors)


def test_memory_is_a_line_and_cpu_an_area_on_one_scale_for_all_nodes() -> None:
    found = seen(
        *(used("n1", second, 50, second * 0.25, 20 + second) for second in (0, 1, 2)),
        *(used("n2", second, 100, second * 0.5) for second in (0, 1, 2)),
    )
    assert found == (
        Need(
            "n1",
            "M0 27.5L33 27.5L67 27.5",
            "M0 40V27.5H33V40ZM33 40V27.5H67V40Z",
            "50 MB at most · 0.25 CPUs · 22 descriptors",
        ),
        Need(
            "n2",
            "M0 15.0L33 15.0L67 15.0",
            "M0 40V15.0H33V40ZM33 40V15.0H67V40Z",
            "100 MB at most · 0.5 CPUs",
        ),
    )


def test_nothing_is_drawn_where_nobody_looked_or_the_container_began_anew() -> None:
    (found,) = seen(
        used("n3", 10, 80, 5.0),
        UseUnseen(at(11), "n3", False, "the engine did not answer"),
        used("n3", 20, 80, 6.0),
        used("n3", 21, 40, 0.5),
        UseUnseen(at(22), "n3", True, "n3 does not run"),
    )
    assert found == Need("n3", "M333 15.0M667 15.0L700 27.5", "", "80 MB at most · 1 looks failed")


def test_nodes_that_nobody_looked_at_are_left_out() -> None:
    assert seen() == ()
