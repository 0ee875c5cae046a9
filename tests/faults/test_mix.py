"""A seeded mix: drawn within its limits, and every draw for itself."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.cluster import Cluster, Link, Node
from harness.faults import Fault
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.mix import Mix, expand
from harness.faults.overlap import act, clash
from harness.faults.partition import Partition

GATEWAY = Node("gateway", "gateway", "gateway", "gateway", ports=(8080,))
CLUSTER = Cluster("c", (GATEWAY, *(Node(f"n{i}", "n", "node", f"n{i}", i, (80,)) for i in range(1, 7))))
TEMPLATES: tuple[Fault, ...] = (
    Kill(name="kill", at_s=0, for_s=1, nodes=("1 of node",)),
    Kill(name="two", at_s=0, for_s=1, nodes=("2 of node",)),
    Latency(name="slow", at_s=0, for_s=1, link=Link("gateway", "n1"), delay_s=0.1),
    Partition(name="split", at_s=0, for_s=1, nodes=("minority of node",), others=("gateway",)),
)
MIX = Mix(count=6, at_once=2, gap_s=5.0, lasts_s=(3.0, 8.0), templates=TEMPLATES)
MIXES = st.builds(
    Mix,
    count=st.integers(1, 12),
    at_once=st.integers(1, 3),
    gap_s=st.sampled_from((0.0, 0.05, 2.0)),
    lasts_s=st.sampled_from(((1.0, 1.0), (0.1, 0.25), (3.0, 8.0))),
    templates=st.just(TEMPLATES),
)
SEEDS = st.integers(0, 10_000)
PHASE_S = 60.0


def usable(mix: Mix) -> Mix:
    assume(not list(mix.check(PHASE_S)))
    return mix


def by_number(faults: Iterable[Fault]) -> dict[str, Fault]:
    return {fault.name.split("-")[1]: fault for fault in faults}


@given(MIXES, SEEDS)
def test_the_limits_are_kept(mix: Mix, seed: int) -> None:
    faults = expand(usable(mix), CLUSTER, seed, PHASE_S)
    assert [name.split("-")[1] for name in (fault.name for fault in faults)] == [
        str(number) for number in range(1, mix.count + 1)
    ]
    for index, fault in enumerate(faults):
        assert mix.lasts_s[0] <= fault.for_s <= mix.lasts_s[1]
        assert fault.at_s >= 0 and round(fault.at_s + fault.for_s, 6) <= PHASE_S
        assert not list(fault.check(CLUSTER)) and not {"1 of node", "2 of node"} & set(getattr(fault, "nodes", ()))
        later = faults[index + mix.at_once :: mix.at_once]
        assert all(round(fault.at_s + fault.for_s + mix.gap_s, 6) <= other.at_s for other in later)
    starts = [fault.at_s for fault in faults]
    assert all(sum(f.at_s <= at_s < f.at_s + f.for_s for f in faults) <= mix.at_once for at_s in starts)


@given(MIXES, SEEDS)
def test_its_faults_can_always_be_together(mix: Mix, seed: int) -> None:
    acts = [act(fault, (fault,), CLUSTER) for fault in expand(usable(mix), CLUSTER, seed, PHASE_S)]
    assert not [clash(one, other) for i, one in enumerate(acts) for other in acts[:i] if clash(one, other)]


@given(MIXES, SEEDS, st.data())
def test_leaving_out_an_event_moves_no_other(mix: Mix, seed: int, data: st.DataObject) -> None:
    gone = data.draw(st.sets(st.integers(1, usable(mix).count)))
    whole = expand(mix, CLUSTER, seed, PHASE_S)
    part = expand(replace(mix, without=tuple(gone)), CLUSTER, seed, PHASE_S)
    assert part == tuple(fault for number, fault in enumerate(whole, 1) if number not in gone)


@given(MIXES, SEEDS, st.sampled_from(TEMPLATES))
def test_leaving_out_a_template_moves_only_the_events_that_were_of_it(mix: Mix, seed: int, gone: Fault) -> None:
    whole = by_number(expand(usable(mix), CLUSTER, seed, PHASE_S))
    fewer = replace(mix, templates=tuple(template for template in TEMPLATES if template is not gone))
    part = by_number(expand(fewer, CLUSTER, seed, PHASE_S))
    assert whole.keys() == part.keys()
    for number, fault in whole.items():
        if fault.name.endswith(f"-{gone.name}"):
            assert (part[number].at_s, part[number].for_s) == (fault.at_s, fault.for_s)
        else:
            assert part[number] == fault


@given(MIXES, SEEDS)
def test_the_order_of_the_templates_does_not_matter(mix: Mix, seed: int) -> None:
    turned = replace(usable(mix), templates=TEMPLATES[::-1])
    assert expand(mix, CLUSTER, seed, PHASE_S) == expand(turned, CLUSTER, seed, PHASE_S)


@given(MIXES, SEEDS)
def test_nobody_is_drawn_on_whom_a_fault_of_the_file_works_meanwhile(mix: Mix, seed: int) -> None:
    named = Kill(name="named", at_s=10, for_s=30, nodes=("n2", "n3"))
    own = act(named, (named,), CLUSTER)
    faults = expand(usable(mix), CLUSTER, seed, PHASE_S, [own])
    assert not [
        clash(own, act(fault, (fault,), CLUSTER)) for fault in faults if clash(own, act(fault, (fault,), CLUSTER))
    ]
    alone = expand(mix, CLUSTER, seed, PHASE_S)
    apart = [
        (one, other) for one, other in zip(faults, alone, strict=True) if one.at_s >= 40 or one.at_s + one.for_s <= 10
    ]
    assert all(one == other for one, other in apart)


def test_a_seed_is_a_mix_and_another_seed_another_one() -> None:
    assert expand(MIX, CLUSTER, 1, PHASE_S) == expand(MIX, CLUSTER, 1, PHASE_S)
    found = {expand(MIX, CLUSTER, seed, PHASE_S) for seed in range(20)}
    assert len(found) == 20
    kinds = {fault.name.split("-")[2] for faults in found for fault in faults}
    assert kinds == {template.name for template in TEMPLATES}


@pytest.mark.parametrize(
    ("mix", "said"),
    [
        (replace(MIX, count=0), ("count", "is 0: write one from 1 to 100")),
        (replace(MIX, count=101), ("count", "is 101: write one from 1 to 100")),
        (replace(MIX, at_once=7), ("at_once", "is 7: write one from 1 to 6, which is how many there are")),
        (replace(MIX, at_once=0), ("at_once", "is 0: write one from 1 to 6, which is how many there are")),
        (
            replace(MIX, lasts_s=(0.01, 1.0)),
            ("for", "begins at 0.01 s: nobody would notice; write at least 100ms"),
        ),
        (replace(MIX, without=(7,)), ("without", "names 7, and they are counted from 1 to 6")),
        (
            replace(MIX, count=12),
            (
                "count",
                "is 12: 6 in a row of up to 8 s, 5 s apart, need 73 s, and the faults phase lasts 60 s: "
                "write fewer, or lengthen it",
            ),
        ),
        (
            replace(MIX, name="a" * 36),
            ("name", f"makes names such as '{'a' * 36}-6-two': they may have 40 characters; shorten it"),
        ),
    ],
)
def test_numbers_that_cannot_be_are_told_so(mix: Mix, said: tuple[str, str]) -> None:
    assert said in list(mix.check(PHASE_S))


def test_a_mix_that_fits_to_the_millisecond_is_well() -> None:
    mix = replace(MIX, count=3, at_once=1, gap_s=1.0, lasts_s=(2.0, 2.0))
    assert list(mix.check(8.0)) == []
    assert [(fault.at_s, fault.for_s) for fault in expand(mix, CLUSTER, 1, 8.0)] == [(0, 2), (3, 2), (6, 2)]
    assert [key for key, _ in mix.check(7.999)] == ["count"]


def test_templates_that_only_fit_all_nodes_together_are_refused_where_several_are_at_once() -> None:
    mix = replace(MIX, count=2, at_once=2, templates=(Kill(name="all", at_s=0, for_s=1, nodes=("node",)),))
    with pytest.raises(ValueError, match=r"^is 2, which leaves") as caught:
        expand(mix, CLUSTER, 1, PHASE_S)
    at_s, for_s = mix.time(1, 1, PHASE_S)
    assert str(caught.value) == (
        f"is 2, which leaves gateway, n1, n4, n5 for mix-1 ({at_s:g} s to {at_s + for_s:g} s), and none of "
        "'faults' fits that: name targets such as '1 of ROLE', or lower it"
    )
    assert len(expand(replace(mix, at_once=1), CLUSTER, 1, PHASE_S)) == 2
