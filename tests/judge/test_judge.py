from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RecordingError
from harness.faults.partition import Partition
from harness.judge.judge import judge, worst
from harness.judge.verdict import FaultRecord, Timing, TrafficRecord, Verdict, decode, encode
from harness.objectives import Finding, Objective, Outcome
from harness.operations import Outcome as Ended
from harness.recording.events import (
    Began,
    ClockSeen,
    Confirmed,
    FaultFailed,
    FaultFired,
    FaultHealed,
    LoadEnded,
    Resolved,
    Scraped,
    Trouble,
)
from harness.recording.events import Ended as EndedEvent
from tests.objectives.test_words import written
from tests.recording.builder import FIRED, HEALED, LOST_N1, TOUCHED, Harm, Pair, Story, at, echo, scenario, trouble

ANSWERS = written("success", name="answers", of="chat", success=">= 99.5%")
RECOVERY = written("restored", name="recovery", of="chat", after="lost-n1", restored="<= 3s")
EXCLUDED = written("promql", name="excluded", needs="lost-n1", promql="servers", is_="<= 2", at="end of lost-n1")
ALL = (ANSWERS, RECOVERY, EXCLUDED)
GOOD = Story((Harm(15, 16, every=6),), answers={"excluded": 2.0})
TWIN = GOOD.but(harms=(Harm(15, 35.3, Ended.SERVER_ERROR, 0.02, every=3),))


def verdict(story: Story, *objectives: Objective, expected: tuple[str, ...] | None = None) -> Verdict:
    return judge(scenario(*(objectives or ALL), expected=expected), story.evidence())


def outcomes(found: Verdict) -> dict[str, Outcome]:
    return {finding.objective: finding.outcome for finding in found.findings}


@pytest.mark.parametrize(
    ("confirmed", "doubt"),
    [
        ((Confirmed(at(61), "lost-n1", ""),), None),
        (
            (Confirmed(at(61), "lost-n1", "n1 was the leader when that was looked up, and then n2 led"),),
            "lost-n1 may have hit another than it names: n1 was the leader when that was looked up, and then n2 led",
        ),
        (
            (),
            "lost-n1 may have hit another than it names: "
            "nobody was asked whether it was still so when it came into force",
        ),
    ],
)
def test_a_role_that_had_moved_before_the_fault_came_is_inconclusive_and_not_wrong(
    confirmed: tuple[Confirmed, ...], doubt: str | None
) -> None:
    looked_up = Resolved(at(14.5), "lost-n1", ("leader",), ("n1",))
    found = verdict(GOOD.but(more=(looked_up, *confirmed)))
    assert found.outcome == ("held" if doubt is None else "inconclusive")
    assert found.reasons == (() if doubt is None else (doubt,))


def test_a_good_run_is_held_and_says_what_users_lost_and_how_long() -> None:
    found = verdict(GOOD, ANSWERS, RECOVERY)
    assert found == Verdict(
        schema=1,
        judge="9",
        scenario="partition",
        run="r1",
        seed=7,
        outcome="held",
        exit_code=0,
        as_expected=None,
        sentence="users lost 9 of 3,000 answers; service was back 739 ms ± 21 ms after lost-n1: "
        "n1 cut off from everyone (drop)",
        reasons=(),
        findings=(ANSWERS.measure(GOOD.evidence()), RECOVERY.measure(GOOD.evidence())),
        faults=(
            FaultRecord(
                name="lost-n1",
                kind="partition",
                via="nftables",
                what="n1 cut off from everyone (drop)",
                planned_s=(15.0, 35.0),
                in_force_s=15.001,
                healed_s=35.001,
                seen=True,
                exercised=True,
                healed=True,
                unharmed=True,
                witness="dropped 1,200 packets; 240 of 240 echoes lost; gone: 6 of 6 links answer again",
            ),
        ),
        traffic=(TrafficRecord("chat", 3000, 2991, 9, 0, (("timed-out", 9),), 0.0),),
        timing=Timing(4.1, 2.5, 0.001, 0.0),
        recoveries=found.recoveries,  # see test_recovery
    )
    assert len(found.recoveries) == 1
    assert decode(encode(found)) == found


def test_the_same_recording_gives_the_same_bytes() -> None:
    assert encode(verdict(TWIN)) == encode(verdict(TWIN))


def test_a_broken_twin_is_violated_and_the_time_it_took_stands_first() -> None:
    found = verdict(TWIN)
    assert (found.outcome, found.exit_code, found.as_expected) == ("violated", 1, None)
    assert found.reasons == (
        "service was back 20.2 s ± 21 ms after lost-n1 (only after lost-n1 was healed); recovery must be <= 3s",
        "2,661 of 3,000 operations got their answer (88.7 %); answers must be >= 99.5%",
    )
    assert found.sentence == found.reasons[0]
    assert found.traffic[0].failures == (("server-error", 339),)


# --- what spoils a measurement ----------------------------------------------------------------------------------------

EVERYTHING, TRAFFIC, PROMETHEUS = {"answers", "recovery", "excluded"}, {"answers", "recovery"}, {"excluded"}
CLOCKS = tuple(ClockSeen(at(0), "n1", offset_ns, 1000) for offset_ns in (0, 7_000_000))
WALL = tuple(ClockSeen(at(0), "wall", offset_ns, 0) for offset_ns in (0, 300_000_000))

SPOILED: dict[str, tuple[Story, set[str]]] = {
    "chat: the load generator was 110 ms late (p99; at most 100 ms)": (GOOD.but(late_s=0.11), TRAFFIC),
    "chat: 5 operations were never sent: 2,000 were in flight already": (
        GOOD.but(harms=(Harm(50, 50.1, Ended.CAPPED, 0.0),)),
        TRAFFIC,
    ),
    "chat: only 98 % of the warm-up succeeded, before any fault (at least 99 %)": (
        GOOD.but(harms=(Harm(0, 10, every=50),)),
        TRAFFIC,
    ),
    "chat: 2,500 operations were recorded; 3,000 should have fallen due": (GOOD.but(ends_s=50.0), TRAFFIC),
    "chat: the load generator never said that it was done": (GOOD.but(skip=frozenset({LoadEnded})), TRAFFIC),
    "chat: 3,001 operations were sent and only 3,000 recorded": (
        GOOD.but(skip=frozenset({LoadEnded}), more=(LoadEnded(at(60), "chat", 3001, 1),)),
        TRAFFIC,
    ),
    "no pod's clock was compared with ours, so instants cannot be put in order": (
        GOOD.but(skip=frozenset({ClockSeen})),
        EVERYTHING,
    ),
    "the clock of gateway is known to 6.0 ms only (at most 5.0 ms)": (GOOD.but(clock_error_ns=6_000_000), EVERYTHING),
    "the clock of n1 moved against ours by at least 6.9 ms during the run": (GOOD.but(more=CLOCKS), EVERYTHING),
    "the clock of wall moved against ours by at least 300 ms during the run": (GOOD.but(more=WALL), PROMETHEUS),
    "Prometheus has 227 of 240 scrapes of gateway": (GOOD.but(scrapes=227), PROMETHEUS),
    "nothing shows that Prometheus scraped without holes": (GOOD.but(skip=frozenset({Scraped})), PROMETHEUS),
    "the agent is gone": (GOOD.but(more=trouble("agent-lost", "the agent is gone").more), EVERYTHING),
    "the proxy is gone": (GOOD.but(more=trouble("proxy-lost", "the proxy is gone").more), EVERYTHING),
    "the client is gone": (GOOD.but(more=trouble("client-lost", "the client is gone").more), TRAFFIC),
    "Prometheus is gone": (GOOD.but(more=trouble("prometheus-lost", "Prometheus is gone").more), PROMETHEUS),
    "stopped by hand": (GOOD.but(more=trouble("interrupted", "stopped by hand").more), EVERYTHING),
    "n2 died in the warm-up": (GOOD.but(more=trouble("node-died", "n2 died in the warm-up", 3).more), EVERYTHING),
    "the recording has no end: the run was cut off": (GOOD.but(skip=frozenset({EndedEvent})), EVERYTHING),
    "the run failed before its end": (
        GOOD.but(skip=frozenset({EndedEvent}), more=(EndedEvent(at(62), "failed"),)),
        EVERYTHING,
    ),
}


@pytest.mark.parametrize(("reason", "story", "rests"), [(r, *found) for r, found in SPOILED.items()], ids=list(SPOILED))
@pytest.mark.parametrize("broken", [False, True])
def test_a_spoiled_measurement_makes_what_rests_on_it_inconclusive_and_nothing_else(
    reason: str, story: Story, rests: set[str], broken: bool
) -> None:
    if broken:
        story = story.but(harms=(*story.harms, *TWIN.harms), answers={"excluded": 3.0})
    found = verdict(story)
    others: Outcome = "violated" if broken else "held"
    assert outcomes(found) == {name: "inconclusive" if name in rests else others for name in EVERYTHING}
    assert found.outcome == worst(outcomes(found).values())
    assert reason in found.reasons
    assert {f.reason for f in found.findings if f.objective in rests} == {reason}
    if not broken:
        assert (found.exit_code, found.sentence) == (3, found.reasons[0])


def test_what_nothing_rests_on_spoils_nothing() -> None:
    found = verdict(GOOD.but(scrapes=10), ANSWERS)
    assert (found.outcome, found.reasons) == ("held", ())


@pytest.mark.parametrize("kind", ["node-died", "other"])
def test_after_trouble_that_may_be_the_fault_s_own_doing_nothing_is_held_but_harm_stays_harm(kind: str) -> None:
    more = trouble(kind, "n2 died", at_s=20).more
    good, bad = verdict(GOOD.but(more=more)), verdict(TWIN.but(more=more))
    assert outcomes(good) == dict.fromkeys(EVERYTHING, "inconclusive")
    assert outcomes(bad) == {"answers": "violated", "recovery": "violated", "excluded": "inconclusive"}
    assert (good.outcome, good.sentence, bad.outcome, bad.exit_code) == ("inconclusive", "n2 died", "violated", 1)


def test_a_node_that_ended_by_itself_is_a_finding_and_no_doubt_where_it_is_asked_for() -> None:
    died = GOOD.but(more=trouble("node-died", "n2 died", at_s=20).more)
    never, once = (written("crashes", name="alive", crashes=bound) for bound in ("== 0", "<= 1"))
    found = verdict(died, *ALL, never)
    assert outcomes(found) == dict.fromkeys(EVERYTHING, "held") | {"alive": "violated"}
    assert found.reasons == ("n2 died; alive must be == 0",)
    assert verdict(died, *ALL, never, expected=("alive",)).exit_code == 0
    assert verdict(died, *ALL, once).outcome == "held"
    later = written("crashes", name="alive", crashes="== 0", in_="recovery")
    assert (verdict(died, *ALL, later).outcome, verdict(died, *ALL, later).sentence) == ("inconclusive", "n2 died")


def test_every_kind_of_trouble_keeps_a_run_from_being_held() -> None:
    kinds = get_args(Trouble.__annotations__["kind"])
    assert {verdict(GOOD.but(more=trouble(kind).more)).outcome for kind in kinds} == {"inconclusive"}


# --- what makes a fault doubtful --------------------------------------------------------------------------------------


def nobody_is_cut(pair: Pair, sent_s: float) -> float:
    return 0.001


def one_link_stays(pair: Pair, sent_s: float) -> float | None:
    return 0.001 if pair == ("n2", "n1") else echo(pair, sent_s)


def another_link_breaks(pair: Pair, sent_s: float) -> float | None:
    return None if pair == ("gateway", "n2") and 15 <= sent_s < 35 else echo(pair, sent_s)


def another_link_slows(pair: Pair, sent_s: float) -> float | None:
    return 0.022 if pair == ("n3", "gateway") and 15 <= sent_s < 35 else echo(pair, sent_s)


ELSEWHERE = tuple(FaultFailed(at(15), "lost-n1", node, "inject", "no nftables here") for node in ("n2", "n3"))

DOUBTFUL = {
    "lost-n1 never came into force": GOOD.but(fired=(), healed=()),
    "lost-n1 could not be injected on n2: no nftables here": GOOD.but(fired=FIRED[:2], more=ELSEWHERE),
    "lost-n1 never came into force on n3": GOOD.but(fired=FIRED[:3]),
    "lost-n1 was never seen: dropped 1,200 packets; 0 of 240 echoes lost; gone: 6 of 6 links answer again": GOOD.but(
        rtt_s=nobody_is_cut
    ),
    "lost-n1 was never seen: dropped 1,200 packets; 200 of 240 echoes lost; gone: 6 of 6 links answer again": GOOD.but(
        rtt_s=one_link_stays
    ),
    "lost-n1 was met by no traffic: dropped 0 packets; 240 of 240 echoes lost; gone: 6 of 6 links answer again": (
        GOOD.but(healed=tuple(FaultHealed(at(36), "lost-n1", h.node, at(35), at(35.001), "schedule") for h in HEALED))
    ),
    "lost-n1 changed what it does not name: gateway -> n2 lost 40 of 40 echoes": GOOD.but(rtt_s=another_link_breaks),
    "lost-n1 changed what it does not name: n3 -> gateway became 21 ms slower (at most 20 ms)": GOOD.but(
        rtt_s=another_link_slows
    ),
}


@pytest.mark.parametrize("reason", DOUBTFUL)
def test_what_rests_on_a_doubtful_fault_is_not_held_but_harm_stays_harm(reason: str) -> None:
    story = DOUBTFUL[reason]
    good, bad = verdict(story, ANSWERS, EXCLUDED), verdict(story.but(harms=TWIN.harms), ANSWERS, EXCLUDED)
    assert outcomes(good) == {"answers": "inconclusive", "excluded": "inconclusive"}
    assert outcomes(bad) == {"answers": "violated", "excluded": "inconclusive"}
    assert (good.exit_code, good.sentence) == (3, reason)
    assert (bad.exit_code, reason in bad.reasons) == (1, True)


def test_a_fault_that_ended_too_early_was_another_experiment() -> None:
    healed = tuple(FaultHealed(at(21), "lost-n1", h.node, at(20), at(20.001), "lease", 9) for h in HEALED)
    found = verdict(GOOD.but(healed=healed))
    assert (found.outcome, found.reasons) == (
        "inconclusive",
        ("lost-n1 was in force for 5.00 s instead of 20.0 s (ended by: lease)",),
    )


def test_a_link_nobody_watched_during_the_fault_is_no_control() -> None:
    evidence = GOOD.evidence()
    unwatched = tuple(
        p for p in evidence.probes if not ((p.node, p.peer) == ("n2", "n3") and at(15) <= p.sent_ns < at(35))
    )
    found = judge(scenario(*ALL), replace(evidence, probes=unwatched))
    reason = "lost-n1 changed what it does not name: n2 -> n3 was not watched (0 of 40 echoes were sent)"
    assert (found.outcome, found.sentence, found.faults[0].unharmed) == ("inconclusive", reason, False)


def test_one_echo_lost_on_a_busy_machine_is_no_harm() -> None:
    def hiccup(pair: Pair, sent_s: float) -> float | None:
        return None if pair == ("n2", "n3") and 20 <= sent_s < 20.5 else echo(pair, sent_s)

    assert verdict(GOOD.but(rtt_s=hiccup)).outcome == "held"


def test_an_echo_sent_late_in_a_cut_and_answered_after_it_does_not_contradict_it() -> None:
    def retransmitted(pair: Pair, sent_s: float) -> float | None:
        return 35.2 - sent_s if pair in TOUCHED and 34.5 <= sent_s < 35 else echo(pair, sent_s)

    assert verdict(GOOD.but(rtt_s=retransmitted)).faults[0].seen


def test_a_cut_between_two_echoes_is_witnessed_by_its_own_counters() -> None:
    fired = tuple(FaultFired(at(15.2), "lost-n1", f.node, at(15.2), at(15.2)) for f in FIRED)
    healed = tuple(FaultHealed(at(15.3), "lost-n1", h.node, at(15.3), at(15.3), "schedule", 3) for h in HEALED)
    record = verdict(GOOD.but(fired=fired, healed=healed, rtt_s=nobody_is_cut)).faults[0]
    assert (record.seen, record.exercised) == (True, True)


LATER = Partition(name="lost-n3", at_s=27, for_s=2, nodes=("n3",), others=("gateway",))
LATER_FIRED = tuple(FaultFired(at(37), "lost-n3", node, at(37), at(37)) for node in ("n3", "gateway"))
LATER_HEALED = tuple(FaultHealed(at(39), "lost-n3", f.node, at(39), at(39), "schedule", 9) for f in LATER_FIRED)
TWO_FAULTS = GOOD.but(fired=FIRED + LATER_FIRED, healed=HEALED + LATER_HEALED)


def test_a_doubtful_fault_leaves_what_speaks_of_another_held_but_not_the_run() -> None:
    evidence = TWO_FAULTS.evidence()  # lost-n3 is not seen: its echoes came back
    found = judge(scenario(*ALL, faults=(LOST_N1, LATER)), evidence)
    assert outcomes(found) == {"answers": "inconclusive", "recovery": "held", "excluded": "held"}
    assert (found.outcome, [fault.seen for fault in found.faults]) == ("inconclusive", [True, False])
    only = judge(scenario(RECOVERY, faults=(LOST_N1, LATER)), evidence)
    assert (outcomes(only), only.outcome) == ({"recovery": "held"}, "inconclusive")


def test_a_fault_that_comes_later_does_not_excuse_its_links_before() -> None:
    def both(pair: Pair, sent_s: float) -> float | None:
        hurt = set(pair) == {"gateway", "n3"} and 37 <= sent_s < 39
        return None if hurt or (pair == ("gateway", "n3") and 20 <= sent_s < 22) else echo(pair, sent_s)

    found = judge(scenario(*ALL, faults=(LOST_N1, LATER)), TWO_FAULTS.but(rtt_s=both).evidence())
    assert found.sentence == "lost-n1 changed what it does not name: gateway -> n3 lost 4 of 40 echoes"
    assert [(fault.seen, fault.unharmed) for fault in found.faults] == [(True, False), (True, True)]


# --- not healed, expectations, no faults ------------------------------------------------------------------------------


def test_not_healed_overrides_all_and_is_said_first() -> None:
    kept = HEALED[:1] + HEALED[2:]
    failed = FaultFailed(at(35), "lost-n1", "n1", "heal", "no answer")
    by_event = verdict(TWIN.but(healed=kept, more=(failed,)))
    by_trouble = verdict(
        TWIN.but(more=trouble("not-healed", "2 rules are left").more), expected=("recovery", "answers")
    )
    assert (by_event.outcome, by_event.exit_code) == ("inconclusive", 3)
    assert by_event.sentence == "lost-n1 was not seen to be gone from n1: no answer: no figure counts"
    assert (by_event.faults[0].healed, by_event.faults[0].healed_s) == (False, None)
    assert (by_trouble.outcome, by_trouble.exit_code, by_trouble.as_expected) == ("inconclusive", 3, False)
    assert by_trouble.sentence == "2 rules are left: no figure counts"


@pytest.mark.parametrize(
    ("story", "expected", "as_expected", "exit_code", "first"),
    [
        (TWIN, ("recovery", "answers"), True, 0, "service was back 20.2 s"),
        (TWIN, ("recovery",), False, 1, "answers should not have been broken and was"),
        (GOOD, ("recovery",), False, 1, "recovery should have been broken and was not"),
        (GOOD, ("recovery", "answers"), False, 1, "answers, recovery should have been broken and were not"),
        (TWIN.but(late_s=0.2), ("recovery",), False, 3, "chat: the load generator was 200 ms late"),
        (TWIN.but(rtt_s=nobody_is_cut), ("recovery", "answers"), False, 3, "lost-n1 was never seen"),
        (GOOD, (), True, 0, "users lost 9 of 3,000 answers"),
        (TWIN.but(scrapes=1), ("recovery", "answers"), False, 3, "Prometheus"),
    ],
)
def test_an_expected_violation_is_met_by_exactly_what_it_names_with_the_fault_seen(
    story: Story, expected: tuple[str, ...], as_expected: bool, exit_code: int, first: str
) -> None:
    found = verdict(story, expected=expected)
    assert (found.as_expected, found.exit_code) == (as_expected, exit_code)
    assert found.sentence.startswith(first)


@pytest.mark.parametrize(
    ("story", "expected", "as_expected", "exit_code", "first"),
    [
        (TWIN, ("recovery",), True, 0, "service was back 20.2 s"),
        (GOOD, ("recovery",), False, 1, "recovery should have been broken and was not"),
        (TWIN.but(late_s=0.2), ("recovery",), False, 3, "chat: the load generator was 200 ms late"),
        (TWIN.but(rtt_s=nobody_is_cut), ("recovery",), False, 3, "lost-n1 was never seen"),
        (TWIN.but(scrapes=1), ("recovery",), True, 0, "service was back 20.2 s"),
    ],
)
def test_a_declared_twin_must_violate_all_that_it_names_by_a_fault_that_was_seen_and_may_violate_more(
    story: Story, expected: tuple[str, ...], as_expected: bool, exit_code: int, first: str
) -> None:
    found = judge(replace(scenario(*ALL, expected=expected), broken=True), story.evidence())
    assert (found.as_expected, found.exit_code) == (as_expected, exit_code)
    assert found.sentence.startswith(first)


def test_without_faults_windows_are_placebos_and_neither_expectation_nor_what_needs_a_fault_is_asked() -> None:
    story = Story(without_faults=True, rtt_s=nobody_is_cut)
    during = written("success", name="during", of="chat", in_="lost-n1", success=">= 99%")
    found = verdict(story, *ALL, during, expected=("recovery",))
    assert outcomes(found) == {"answers": "held", "recovery": "held", "during": "held"}
    assert (found.outcome, found.exit_code, found.as_expected, found.faults) == ("held", 0, None, ())
    assert found.sentence == "users lost none of 3,000 answers; no fault was injected"
    assert found.findings[2].reason == "1,000 of 1,000 operations got their answer (100 %)"


@pytest.mark.parametrize(
    "noticed",
    [
        written("detected", name="noticed", of="chat", after="lost-n1", detected="<= 1s"),
        written("claimed", name="said", on="gateway", line="n1 is DOWN", after="lost-n1", claimed="<= 1s"),
    ],
)
def test_nobody_is_asked_to_notice_what_was_not_injected(noticed: Objective) -> None:
    found = verdict(Story(without_faults=True), ANSWERS, noticed)
    assert outcomes(found) == {"answers": "held"}


def test_a_run_of_which_nothing_was_asked_shows_nothing() -> None:
    found = verdict(Story(without_faults=True), EXCLUDED)
    assert (found.outcome, found.exit_code, found.sentence) == (
        "inconclusive",
        3,
        "nothing was asked of this run: it has no objective",
    )


def test_a_recording_that_does_not_say_how_it_began_cannot_be_judged() -> None:
    with pytest.raises(RecordingError, match="how the run began"):
        verdict(GOOD.but(skip=frozenset({Began})))


def test_an_objective_that_cannot_be_measured_says_so_in_the_verdict() -> None:
    tail = written("p999", name="tail", of="chat", p999="<= 1s")
    found = verdict(GOOD, tail)
    reason = "p999 takes 5,000 operations (5 beyond it); 3,000 fell due in all"
    assert (found.outcome, found.reasons) == ("inconclusive", (reason,))


# --- the algebra ------------------------------------------------------------------------------------------------------

RANK: dict[Outcome, int] = {"held": 0, "inconclusive": 1, "violated": 2}
WORDS = st.sampled_from(sorted(RANK))


@given(st.lists(WORDS, min_size=1), WORDS)
def test_one_more_finding_never_makes_a_verdict_better(found: list[Outcome], more: Outcome) -> None:
    assert RANK[worst([*found, more])] >= max(RANK[worst(found)], RANK[more])


STORIES = st.builds(
    lambda harms, late_s, scrapes, rtt_s, skip: GOOD.but(
        harms=harms, late_s=late_s, scrapes=scrapes, rtt_s=rtt_s, skip=skip, rate_per_s=20
    ),
    st.sampled_from([GOOD.harms, TWIN.harms, (), (Harm(0, 10, every=9),)]),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([240, 100]),
    st.sampled_from([echo, nobody_is_cut, another_link_breaks]),
    st.sampled_from([frozenset[type](), frozenset({EndedEvent}), frozenset({LoadEnded})]),
)


@given(STORIES)
def test_no_doubt_ever_turns_a_finding_into_held_or_held_into_violated(story: Story) -> None:
    found, taken_at_their_word = verdict(story), {o.name: o.measure(story.evidence()).outcome for o in ALL}
    assert all(now in ("inconclusive", taken_at_their_word[name]) for name, now in outcomes(found).items())
    held: list[Finding] = [finding for finding in found.findings if finding.outcome == "held"]
    assert (found.outcome == "held") == (len(held) == len(ALL))
