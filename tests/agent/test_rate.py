"""Peers that get a class of their own: what is in the kernel at each step, by a kernel in memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agent.rate import Rate, Slow
from harness.agent.shaper import Shaper
from harness.errors import AgentError
from harness.primitives import Cut
from harness.primitives import Rate as RatePrimitive
from harness.wire import Met
from tests.agent.tables import Devices, Tables

IPS = {"n1": ("10.0.0.2",), "n2": ("10.0.0.3", "fd00::3")}
TO_N1 = RatePrimitive("gateway", "n1", 8_000_000)
LINK = RatePrimitive("gateway", "n2", 1_000_000, 80, "peer")


@pytest.fixture
def kernel() -> Tables:
    return Tables()


@pytest.fixture
def devices() -> Devices:
    return Devices()


@pytest.fixture
def rate(kernel: Tables, devices: Devices) -> Rate:
    return Rate(kernel, lambda name: IPS.get(name, ()), devices.shaper())


def test_an_armed_rate_has_a_class_and_slows_nobody(rate: Rate, kernel: Tables, devices: Devices) -> None:
    rate.arm("slow", [TO_N1], 22)
    assert devices.classes == {"1:10": 1_000_000}
    assert kernel.sets == {"slow/4": []}
    assert rate.elements() == 0


def test_a_fired_rate_names_its_peers_with_the_kernels_own_time_out(rate: Rate, kernel: Tables) -> None:
    rate.arm("slow", [TO_N1, LINK], 22)
    rate.fire("slow")
    rate.confirm_fired("slow")
    assert kernel.sets == {
        "slow/4": ["10.0.0.2 timeout 22000ms : 1:10"],
        "slow/4-dport": [
            f"10.0.0.3 . {port} timeout 22000ms : 1:11"
            for port in ("tcp . 80", "udp . 80", "tcp . 17071", "udp . 17071")
        ],
        "slow/6-dport": [
            f"fd00::3 . {port} timeout 22000ms : 1:11"
            for port in ("tcp . 80", "udp . 80", "tcp . 17071", "udp . 17071")
        ],
    }
    assert rate.elements() == 9


def test_a_healed_rate_slows_nobody_and_a_forgotten_one_leaves_nothing(
    rate: Rate, kernel: Tables, devices: Devices
) -> None:
    rate.arm("slow", [TO_N1], 22)
    rate.arm("slower", [LINK], 22)
    rate.fire("slow")
    assert rate.left("slow") == ["slow/4"]
    rate.heal("slow")
    rate.heal("slow")
    assert rate.left("slow") == []
    rate.forget("slow")
    assert devices.classes == {"1:11": 125_000}
    rate.forget("slower")
    assert kernel.empty()
    assert not devices.root


def test_an_answer_is_known_by_the_port_it_comes_from(rate: Rate, kernel: Tables) -> None:
    rate.arm("slow", [RatePrimitive("n1", "n1", 8_000_000, 80, "node")], 22)
    assert list(kernel.sets) == ["slow/4-sport"]


def test_what_the_kernel_swallowed_is_found(rate: Rate, kernel: Tables, devices: Devices) -> None:
    rate.arm("slow", [TO_N1], 22)
    kernel.broken = "add element"
    rate.fire("slow")
    with pytest.raises(AgentError, match="slow in force are not what was asked: slow/4 has 0 of 1"):
        rate.confirm_fired("slow")
    devices.slower = 5
    with pytest.raises(AgentError, match="class 1:11 has 7999960 of 8000000 bits a second"):
        rate.arm("other", [TO_N1], 22)


def test_an_unknown_peer_is_refused_and_no_class_stays(rate: Rate, devices: Devices) -> None:
    with pytest.raises(AgentError, match="no address of n9 is known here"):
        rate.arm("slow", [RatePrimitive("gateway", "n9", 8_000_000)], 22)
    assert not devices.root


def test_a_table_that_is_gone_holds_nothing(rate: Rate, kernel: Tables) -> None:
    rate.arm("slow", [TO_N1], 22)
    rate.fire("slow")
    kernel.away = True
    rate.heal("slow")
    assert rate.left("slow") == []
    assert rate.met("slow") == Met("slow", 0, 0, 0)


def test_leaving_removes_everything_of_every_fault(rate: Rate, kernel: Tables, devices: Devices) -> None:
    rate.arm("slow", [TO_N1], 22)
    rate.fire("slow")
    rate.leave()
    assert kernel.empty()
    assert not devices.root


def test_it_takes_rates_and_nothing_else(rate: Rate) -> None:
    assert rate.takes(TO_N1)
    assert not rate.takes(Cut("a", "b", "in", "drop"))


@given(st.integers(10**5, 10**10), st.floats(0.3, 0.9))
def test_of_two_rates_on_one_packet_the_stricter_has_the_last_word(fast: int, share: float) -> None:
    def chain(bits_per_s: int) -> Slow:
        return Slow.of("slow", [RatePrimitive("a", "n1", bits_per_s)], ["1:10"], IPS)

    assert chain(round(fast * share)).priority() > chain(fast).priority()


def test_a_pod_without_a_device_cannot_be_shaped() -> None:
    with pytest.raises(AgentError, match="no network device that is up"):
        Shaper(lambda argv, text: (0, "", ""), dict).make([1_000_000])


def test_a_kernel_without_the_shaper_says_so() -> None:
    def run(argv: object, text: str) -> tuple[int, str, str]:
        return 2, "", "Error: Specified qdisc kind is unknown."

    with pytest.raises(AgentError, match="it needs sch_htb and sch_tbf"):
        Shaper(run, lambda: {"eth0": 1500}).make([1_000_000])
