"""The machine's processors are accounted for from the kernel's own files, on files like them."""

from pathlib import Path

import pytest

from harness.drivers import shares
from harness.drivers.shares import Account, Accounts, between
from harness.engine import Shares

STAT = "cpu  100 20 30 1000 50 0 5 40 0 0\ncpu0 50 10 15 500 25 0 2 20 0 0\ncpu1 50 10 15 500 25 0 3 20 0 0\nintr 1\n"


def account(at_s: float, idle_s: float, stolen_s: float, itself_s: float, **containers_s: float) -> Account:
    return Account(at_s, 2, idle_s, stolen_s, itself_s, containers_s)


def test_what_happened_is_the_difference_of_two_looks() -> None:
    before, after = account(10.0, 100.0, 3.0, 1.0, a=5.0, b=7.0), account(11.0, 100.5, 3.25, 1.125, a=5.5, b=7.25)
    assert between(before, after) == Shares(1.0, 2, 0.5, 0.25, 0.875)


def test_a_container_that_came_or_began_anew_counts_from_its_start_and_one_that_went_not_at_all() -> None:
    before, after = (
        account(10.0, 100.0, 0.0, 0.0, gone=5.0, anew=7.0),
        account(11.0, 101.0, 0.0, 0.0, anew=0.5, came=0.25),
    )
    assert between(before, after).ours_s == 0.75


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("cpuacct/docker/c1/cpuacct.usage", "2500000000\n"),
        ("system.slice/docker-c1.scope/cpu.stat", "usage_usec 2500000\nuser_usec 1\n"),
    ],
)
def test_both_versions_of_control_groups_are_read(tmp_path: Path, place: str, text: str) -> None:
    (tmp_path / "stat").write_text(STAT)
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).write_text(text)
    seen = shares._account(["c1", "elsewhere"], tmp_path / "stat", tmp_path)
    assert seen is not None
    tick_s = shares._TICK_S
    assert (seen.processors, seen.containers_s) == (2, {"c1": 2.5})
    assert (seen.idle_s, seen.stolen_s) == pytest.approx((1070 * tick_s, 40 * tick_s)), (
        "who gives way is in no one's way"
    )


def test_an_engine_on_another_machine_says_nothing_of_this_one() -> None:
    accounts = Accounts()
    assert [accounts.shares(["a-container-of-another-machine"]) for _ in range(2)] == [None, None]
