"""The schedule is a pure function, and the plan says it in words."""

from dataclasses import replace
from textwrap import wrap

from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster, Link, Node
from harness.faults import Fault
from harness.faults.kill import Kill
from harness.faults.latency import Latency
from harness.faults.partition import Partition
from harness.objectives import Bound, Moment, Promql
from harness.objectives.answers import Success
from harness.primitives import Cut, Toxic
from harness.primitives import Kill as KillNode
from harness.scenario import Phases, Scenario
from harness.schedule import Heal, Inject, PhaseStart, moves, plan_text, reach_text
from harness.stop_when import StopWhen
from harness.targets import aim
from harness.traffic.http import Http

CLUSTER = Cluster(
    "pair",
    tuple(Node(name, name, "node", name, ports=(80,)) for name in ("gateway", "a", "b")),
)
SLOW = Latency(name="slow-a", at_s=2.0, for_s=3.0, link=Link("gateway", "a"), delay_s=0.2)
LOST = Partition(name="lost-a", at_s=5.0, for_s=3.0, nodes=("a",), others=("gateway",))
DEAD = Kill(name="dead-b", at_s=5.0, for_s=5.0, nodes=("b",))
SCENARIO = Scenario(
    name="pair",
    about="One of two is slow, then lost.",
    cluster="pair",
    seed=7,
    phases=Phases(5.0, 10.0, 5.0),
    traffic=(Http(name="web", to="gateway", rate_per_s=50.0),),
    faults=(LOST, SLOW),
    objectives=(
        Success(name="answers", traffic="web", bound=Bound(">=", 0.99, ">= 99%"), needs="slow-a"),
        Promql(name="back", query="sum(up)", bound=Bound(">=", 2.0, ">= 2"), at=Moment(None, healed=True)),
    ),
)
CUTS = (
    Cut("a", "gateway", "in", "drop"),
    Cut("gateway", "a", "in", "drop"),
    Cut("gateway", "a", "out", "drop", 80, "peer"),  # the link is proxied: only its source can make it a time-out
)


def test_moves_are_in_order_and_heals_come_first() -> None:
    toxic = Toxic("gateway", "a", 80, "latency", "downstream", (("latency", 200), ("jitter", 0)))
    assert moves(SCENARIO, CLUSTER) == (
        PhaseStart(0.0, "warmup"),
        PhaseStart(5.0, "faults"),
        Inject(7.0, SLOW, (toxic,)),
        Heal(10.0, SLOW),
        Inject(10.0, LOST, CUTS),
        Heal(13.0, LOST),
        PhaseStart(15.0, "recovery"),
        PhaseStart(20.0, "end"),
    )


def test_a_fault_may_fill_its_phase_and_is_healed_before_the_recovery_begins() -> None:
    whole = replace(DEAD, at_s=0.0, for_s=10.0)
    assert moves(replace(SCENARIO, faults=(whole,)), CLUSTER) == (
        PhaseStart(0.0, "warmup"),
        PhaseStart(5.0, "faults"),
        Inject(5.0, whole, (KillNode("b"),)),
        Heal(15.0, whole),
        PhaseStart(15.0, "recovery"),
        PhaseStart(20.0, "end"),
    )


def test_without_faults_only_the_phases_are_left() -> None:
    assert [type(move) for move in moves(SCENARIO, CLUSTER, without_faults=True)] == [PhaseStart] * 4


def test_sums_of_decimal_fractions_are_exact() -> None:
    fault = replace(SLOW, at_s=0.2, for_s=0.3)
    found = moves(replace(SCENARIO, phases=Phases(1.1, 10.0, 5.0), faults=(fault,)), CLUSTER)
    assert [move.at_s for move in found] == [0.0, 1.1, 1.3, 1.6, 11.1, 16.1]


TENTHS = st.integers(1, 300).map(lambda tenths: tenths / 10)


@given(st.lists(st.tuples(TENTHS, TENTHS), max_size=8), TENTHS)
def test_every_inject_has_its_heal_exactly_so_much_later(times: list[tuple[float, float]], warmup_s: float) -> None:
    faults: tuple[Fault, ...] = tuple(replace(DEAD, name=f"f{i}", at_s=a, for_s=b) for i, (a, b) in enumerate(times))
    found = moves(replace(SCENARIO, phases=Phases(warmup_s, 60.0, 5.0), faults=faults), CLUSTER)
    assert [move.at_s for move in found] == sorted(move.at_s for move in found)
    begun = {move.fault.name: move for move in found if isinstance(move, Inject)}
    ended = {move.fault.name: move for move in found if isinstance(move, Heal)}
    assert set(begun) == set(ended) == {fault.name for fault in faults}
    for fault in faults:
        assert begun[fault.name].at_s == round(warmup_s + fault.at_s, 9)
        assert round(ended[fault.name].at_s - begun[fault.name].at_s, 6) == fault.for_s
        assert found.index(begun[fault.name]) < found.index(ended[fault.name])


def _page(fault: Fault) -> str:
    """Whatever its class says of itself, as the plan folds it."""
    return "\n         ".join(wrap(fault.page, 100))


PLAN = f"""\
pair · pair · 3 nodes · seed 7
One of two is slow, then lost.

timeline, in seconds since warm-up began
   0.000  phase   warmup    for 5 s
   5.000  phase   faults    for 10 s
   7.000  inject  slow-a    200 ms on gateway -> a
  10.000  heal    slow-a    after 3 s
  10.000  inject  lost-a    a cut off from gateway (drop)
  13.000  heal    lost-a    after 3 s
  15.000  phase   recovery  for 5 s
  20.000  phase   end       load stops

load
  web  http to gateway, 50/s (1,000 operations), each within 5 s, keep-alive connections

fault slow-a
  what   latency: 200 ms on gateway -> a
  how    Toxiproxy, 7.000 to 10.000 s
  links  gateway -> a
  does   gateway: toxic latency (latency 200, jitter 0) downstream on gateway -> a:80
  undo   the toxic is deleted; the link stays on its proxy, without toxics
  lease  the agent heals when it has heard nothing for 5 s; without the agent its supervisor stops Toxiproxy
  mind   {_page(SLOW)}

fault lost-a
  what   partition: a cut off from gateway (drop)
  how    nftables, 10.000 to 13.000 s
  links  a -> gateway, gateway -> a
  does   a: packets from gateway, as they arrive, are dropped
         gateway: packets from a, as they arrive, are dropped
         gateway: packets to a, as they leave, of connections to a:80 are dropped
  undo   the rules' sets are emptied; the kernel forgets their elements by itself 2 s later
  lease  the agent heals when it has heard nothing for 5 s; the kernel forgets the rule 5 s after it was set
  mind   {_page(LOST)}

reach
  touched    a, gateway
  untouched  b
  proxied    gateway -> a:80, through Toxiproxy all run long

objectives
  answers  success >= 99%, of web, in all, needs slow-a
  back     promql sum(up), is >= 2, at end

with --no-faults
  same       load, phases and windows; nothing is injected
  not asked  answers

worth knowing
  *  Mind the gap.
"""


def test_the_plan_is_a_page_that_can_be_read() -> None:
    assert plan_text(SCENARIO, CLUSTER, ["Mind the gap."]) == PLAN


def test_the_plan_of_a_twin_says_what_it_is_for_and_how_a_kill_is_undone() -> None:
    twin = replace(SCENARIO, faults=(DEAD,), variables=(("CHECKS", "off"), ("RETRIES", "0")), expected=("answers",))
    text = plan_text(twin, CLUSTER)
    for line in (
        "with CHECKS=off, RETRIES=0",
        "expected to be violated on exactly: answers",
        "  stops  b",
        "  does   b: SIGKILL to its container",
        "  lease  the guardian, from the journal on disk, starts the container when the run dies",
        "  proxied    no link",
    ):
        assert line in text.splitlines()


def test_the_plan_without_faults_touches_nobody() -> None:
    lines = plan_text(replace(SCENARIO, faults=(), objectives=()), CLUSTER).splitlines()
    assert lines[-4:] == ["reach", "  touched    nobody", "  untouched  gateway, a, b", "  proxied    no link"]


def test_the_plan_says_whom_a_word_stands_for_and_what_stops_the_run() -> None:
    dead = Kill(name="dead", at_s=1.0, for_s=2.0, nodes=("1 of node",))
    aimed, _ = aim(dead, CLUSTER, 7)
    scenario = replace(
        SCENARIO,
        faults=(aimed,),
        stop_when=(StopWhen(traffic="web", success=Bound("<", 0.5, "< 50%"), over_s=5.0),),
        time_limit_s=90.0,
    )
    lines = plan_text(scenario, CLUSTER).splitlines()
    assert f"  whom   1 of node -> {aimed.nodes[0]}" in lines
    at = lines.index("stopped and healed")
    assert lines[at + 1 : at + 3] == ["  when   web: success < 50% over 5 s", "  after  90 s"]


def test_a_fault_on_whoever_leads_is_planned_with_everyone_it_may_hit() -> None:
    nodes = (replace(node, leader="leads", metrics="9/m") if node.name != "gateway" else node for node in CLUSTER.nodes)
    cluster = Cluster("pair", tuple(nodes))
    dead, _ = aim(Kill(name="dead", at_s=1.0, for_s=2.0, nodes=("leader",)), cluster, 7)
    scenario = replace(SCENARIO, faults=(dead,))
    assert [move.primitives for move in moves(scenario, cluster) if isinstance(move, Inject)] == [()]
    lines = plan_text(scenario, cluster).splitlines()
    at = lines.index("fault dead")
    assert lines[at : at + 4] == [
        "fault dead",
        "  what  kill: leader killed (SIGKILL)",
        "  how   the engine, 6.000 to 8.000 s",
        "  whom  leader -> one of a, b, as Prometheus says when it is due",
    ]
    assert "  touched    a, b" in lines and "  untouched  gateway" in lines
    assert reach_text(scenario, cluster) == "can touch a, b, never gateway; no container but the run's own"


def test_who_can_be_touched_is_said_in_a_sentence() -> None:
    assert reach_text(SCENARIO, CLUSTER) == "can touch a, gateway, never b; no container but the run's own"
    assert reach_text(replace(SCENARIO, faults=()), CLUSTER) == "touches nobody; no container but the run's own"
