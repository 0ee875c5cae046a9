"""What nodes used, held against bounds: the worst node decides, and what nobody saw keeps no bound."""

from collections.abc import Callable, Iterator
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.objectives import Finding
from harness.objectives.base import Outcome
from harness.objectives.slope import slope
from harness.recording.events import AnyEvent, Used, UseUnseen
from tests.objectives.test_words import FAULTS, TRAFFIC, written
from tests.recording.builder import CLUSTER, Story, at

MB = 1_000_000


def flat(node: str, second: float) -> float:
    return 40.0


def looked(
    megabytes: Callable[[str, float], float] = flat,
    *,
    cpus: float = 0.25,
    blind: tuple[str, float, float] = ("", 0, 0),
    down: tuple[str, float, float] = ("", 0, 0),
    descriptors: int | None = 20,
) -> tuple[AnyEvent, ...]:
    """A look at every node each second of 60; ``blind``, ``down``: nobody saw it, or it did not run, from and to."""

    def tell() -> Iterator[AnyEvent]:
        for second in range(60):
            for node in CLUSTER.names():
                now, began_s = at(second + 0.5), down[2] if node == down[0] and second >= down[2] else 0.0
                if node == down[0] and down[1] <= second < down[2]:
                    yield UseUnseen(now, node, True, f"{node} does not run")
                elif node == blind[0] and blind[1] <= second < blind[2]:
                    yield UseUnseen(now, node, False, "the engine did not answer")
                else:
                    cpu_s = cpus * (second - began_s)
                    yield Used(now, node, round(megabytes(node, second) * MB), cpu_s, 3, descriptors)

    return tuple(tell())


def measured(key: str, bound: str, events: tuple[AnyEvent, ...], **words: str) -> Finding:
    return written(key, name="it", **{key: bound}, **words).measure(Story(more=events).evidence())


def test_memory_is_the_most_that_the_worst_node_held() -> None:
    events = looked(lambda node, second: 90 if (node, second) == ("n2", 20) else 40)
    assert measured("memory", "<= 100MB", events, in_="faults") == Finding(
        objective="it",
        outcome="held",
        measured=90e6,
        error=None,
        bound="<= 100MB",
        unit="B",
        reason="n2 held 90 MB at most",
        source="the control groups of every node, looked at about once a second in faults",
        details=(("gateway", "40 MB"), ("n1", "40 MB"), ("n2", "90 MB"), ("n3", "40 MB")),
    )
    assert measured("memory", "<= 89MB", events).outcome == "violated"
    assert measured("memory", "<= 89MB", events, in_="recovery").outcome == "held"


def test_only_the_nodes_that_are_named_count_and_a_role_names_all_of_its_own() -> None:
    events = looked(lambda node, _: {"gateway": 500.0, "n2": 60.0}.get(node, 40.0))
    found = [measured("memory", "<= 100MB", events, nodes=names) for names in ("node", "n1 n3", "gateway")]
    assert [(one.outcome, one.measured) for one in found] == [("held", 60e6), ("held", 40e6), ("violated", 500e6)]
    assert found[0].source == "the control groups of node, looked at about once a second in all"


def test_a_node_that_nobody_could_look_at_keeps_no_bound_but_breaks_one() -> None:
    events = looked(blind=("n3", 12, 20))
    found = [measured("memory", bound, events) for bound in ("<= 100MB", "<= 30MB")]
    assert [one.outcome for one in found] == ["inconclusive", "violated"]
    assert found[0].reason == "nobody could look at n3 for 9.00 s of all"
    never = measured("memory", "<= 100MB", looked(blind=("n3", 0, 60)), nodes="n3")
    assert (never.outcome, never.measured, never.reason) == (
        "inconclusive",
        None,
        "nobody could look at n3 in all",
    )


def test_a_node_that_does_not_run_uses_nothing_and_that_is_known() -> None:
    events = looked(down=("n3", 12, 30))
    assert measured("memory", "<= 100MB", events).outcome == "held"
    gone = looked(down=("n3", 0, 60))
    assert measured("memory", "<= 100MB", gone).details == (("gateway", "40 MB"), ("n1", "40 MB"), ("n2", "40 MB"))
    assert measured("memory", "<= 100MB", gone, nodes="n3").reason == "no node ran in all"


def test_a_recording_without_looks_says_so() -> None:
    found = measured("memory", "<= 100MB", ())
    assert (found.outcome, found.reason.split(";")[0]) == ("inconclusive", "nobody could look at gateway in all")


def test_memory_may_be_bound_by_what_it_was_in_the_warm_up() -> None:
    events = looked(lambda _, second: 80 if 15 <= second < 35 else 40)
    found = [measured("memory", f"<= {times} x warmup", events, in_="faults") for times in ("2.1", "1.5")]
    assert [one.outcome for one in found] == ["held", "violated"]


def test_cpu_is_what_was_spent_between_the_first_look_and_the_last() -> None:
    found = measured("cpu", "<= 0.3", looked(), in_="faults")
    assert (found.outcome, found.measured, found.unit) == ("held", 0.25, "CPUs")
    assert found.reason == "gateway kept 0.25 CPUs busy for 29.0 s"
    assert measured("cpu", "<= 0.2", looked()).outcome == "violated"


def test_a_restart_sets_the_cpu_time_back_and_never_counts_as_less_than_nothing() -> None:
    found = measured("cpu", "<= 0.3", looked(down=("n1", 20, 30)), nodes="n1")
    assert found.measured == round((0.25 * 19 + 0.25 * 29) / 59, 6)


def test_descriptors_that_nobody_could_count_are_no_figure() -> None:
    assert measured("descriptors", "<= 20", looked()).outcome == "held"
    assert measured("descriptors", "<= 19", looked()).reason == "gateway had 20 descriptors open at most"
    found = measured("descriptors", "<= 20", looked(descriptors=None), nodes="n1")
    assert (found.outcome, found.measured) == ("inconclusive", None)
    assert found.reason.startswith("nobody can count the descriptors of n1: this is not its machine")


def leak(node: str, second: float) -> float:
    """3 MB a minute in n2, on a sawtooth of 1.2 MB in all of them."""
    return 40 + second % 7 * 0.2 + (second * 3 / 60 if node == "n2" else 0)


def outcomes(events: tuple[AnyEvent, ...], *bounds: str) -> list[Outcome]:
    return [measured("memory-growth", bound, events).outcome for bound in bounds]


def test_a_leak_is_seen_through_a_sawtooth_and_its_interval_decides() -> None:
    assert outcomes(looked(leak), "<= 1MB/min", "<= 3MB/min", "<= 6MB/min") == ["violated", "inconclusive", "held"]
    found = measured("memory-growth", "<= 1MB/min", looked(leak))
    assert found.reason.startswith("n2 grew by 3") and found.reason.endswith(" MB) in 59.0 s")
    assert found.measured and abs(found.measured / MB - 3) < 0.5
    assert outcomes(looked(), "<= 1kB/min") == ["held"]


def test_a_slope_takes_thirty_looks_of_one_life() -> None:
    found = measured("memory-growth", "<= 1MB/min", looked(down=("n1", 20, 35)), nodes="n1")
    assert (found.outcome, found.measured) == ("inconclusive", None)
    assert found.reason == (
        "how fast its memory grows takes 30 looks without a restart in between; there are 25 of n1 in all"
    )
    assert measured("memory-growth", "<= 1MB/min", looked(down=("n1", 20, 25)), nodes="n1").outcome == "held"


@given(st.floats(-2, 2), st.integers(0, 2**32), st.sampled_from([0.0, 0.7]))
@settings(max_examples=30)
def test_a_slope_is_hardly_ever_outside_of_its_interval(per_s: float, seed: int, drag: float) -> None:
    """Of 20 each with noise, each on its own or dragging along, at most six; at 95 % it would be one."""
    random, missed = Random(seed), 0
    for _ in range(20):
        noise, points = 0.0, []
        for second in range(120):
            noise = drag * noise + random.gauss(0, 3)
            points.append((float(second), per_s * second + noise))
        found = slope(points)
        assert found
        missed += not found.low_per_s <= per_s <= found.high_per_s
    assert missed <= 6


def test_names_and_words_that_nothing_has_are_told_what_there_is() -> None:
    odd = written("memory", name="a", in_="nowhere", nodes="n1 m2", memory="<= 4GB")
    assert list(odd.check(TRAFFIC, FAULTS)) == [
        (
            "in",
            "is 'nowhere': there is no window or fault of that name "
            "(there are all, warmup, faults, recovery, lost-n1, slow-n2)",
        )
    ]
    assert list(odd.check_on(CLUSTER)) == [("nodes", "names 'm2': there is no m2 (there are gateway, n1, n2, n3)")]


def test_a_growth_has_a_size_and_a_time() -> None:
    def said(text: str) -> str:
        try:
            return str(measured("memory-growth", text, ()).bound)
        except ValueError as wrong:
            return str(wrong)

    assert [said(text) for text in ("<= 1MB/min", "<= 1MB", "<= 3/min")] == [
        "<= 1MB/min",
        "is '1MB': write a size and a time, such as 1MB/min",
        "is '3': write a size with its unit, such as 2MB or 64KiB",
    ]
