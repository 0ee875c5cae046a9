import io
import os

import pytest
from msgspec.structs import replace
from rich.console import Console

from harness.judge.verdict import Verdict
from harness.report import terminal
from harness.report.console import console
from tests.report.recordings import FAULT, HELD, RECOVERED
from tests.report.verdicts import EXPECTED, INCONCLUSIVE, SURPRISING, VIOLATED


def shown(verdict: Verdict, columns: int | None = None) -> str:
    stream = io.StringIO()
    out = Console(file=stream, width=columns, color_system=None) if columns else console(stream)
    terminal.render(verdict, "runs/latest/report.html", 'make chaos SCENARIO=x ARGS="--seed 7"', 71.2, out)
    return stream.getvalue()


def test_a_held_verdict_in_a_file_is_plain_text_120_columns_wide() -> None:
    assert (
        shown(HELD)
        == """\
HELD   partition: users lost 7 of 3,000 answers; service was back 1.84 s ± 30 ms after n1 was cut off.

  objective    measured        limit     outcome
  answers      99.77 %         ≥ 99.5 %  held
  recovery     1.84 s ± 30 ms  ≤ 3 s     held     detected 0.41 s · failed over 0.42 s · restored 1.84 s · repaired
                                                  2.1 s after heal
  slow         259 ms          ≤ 1 s     held
  tail         24 ms           ≤ 250 ms  held
  truth        0 wrong         = 0       held
  excluded     2               ≤ 2       held
  whole-again  3               ≥ 3       held

  fault    what                             planned          in force         seen
  lost-n1  n1 cut off from everyone (drop)  15.000-35.000 s  15.001-35.001 s  seen
      nftables: dropped 1,204 packets; 240 of 240 echoes lost; gone: 6 of 6 links answer again

  recovery  traffic
  lost-n1   chat     detected 58 ms ± 21 ms · failed over 61 ms ± 21 ms · restored 1.84 s ± 30 ms · repaired
                     1.20 s ± 250 ms after the heal

  traffic
  chat     3,000 sent · 2,993 ok · 7 failed (timed-out 5, server-error 2) · 0 wrong · sent within 0.8 ms of when it was
           due (p99)

report  runs/latest/report.html
again   make chaos SCENARIO=x ARGS="--seed 7"
took    71.2 s (ready after 4.10 s, taken down in 3.20 s)
"""
    )


def test_at_80_columns_notes_stand_below_their_rows() -> None:
    assert (
        shown(HELD, 80)
        == """\
HELD   partition: users lost 7 of 3,000 answers; service was back 1.84 s ± 30 ms
  after n1 was cut off.

  objective    measured        limit     outcome
  answers      99.77 %         ≥ 99.5 %  held
  recovery     1.84 s ± 30 ms  ≤ 3 s     held
      detected 0.41 s · failed over 0.42 s · restored 1.84 s · repaired 2.1 s
      after heal
  slow         259 ms          ≤ 1 s     held
  tail         24 ms           ≤ 250 ms  held
  truth        0 wrong         = 0       held
  excluded     2               ≤ 2       held
  whole-again  3               ≥ 3       held

  fault    what                           planned          in force         seen
  lost-n1  n1 cut off from everyone       15.000-35.000 s  15.001-35.001 s  seen
           (drop)
      nftables: dropped 1,204 packets; 240 of 240 echoes lost; gone: 6 of 6
      links answer again

  recovery  traffic
  lost-n1   chat     detected 58 ms ± 21 ms · failed over 61 ms ± 21 ms ·
                     restored 1.84 s ± 30 ms · repaired 1.20 s ± 250 ms after
                     the heal

  traffic
  chat     3,000 sent · 2,993 ok · 7 failed (timed-out 5, server-error 2) · 0
           wrong · sent within 0.8 ms of when it was due (p99)

report  runs/latest/report.html
again   make chaos SCENARIO=x ARGS="--seed 7"
took    71.2 s (ready after 4.10 s, taken down in 3.20 s)
"""
    )


def test_a_violation_says_why_first() -> None:
    assert (
        shown(VIOLATED)
        == """\
VIOLATED   broken/partition: service was not back within 3 s: 20.3 s ± 30 ms (until the network was healed).
  · the gateway sent 34 % of requests to n1 all the time: no health check took it out

  objective  measured        limit     outcome
  answers    99.77 %         ≥ 99.5 %  held
  recovery   20.3 s ± 30 ms  ≤ 3 s     violated  20.3 s is more than 3 s; n1 got a third of the requests all the time ·
                                                 detected 0.41 s

  fault    what                             planned          in force         seen
  lost-n1  n1 cut off from everyone (drop)  15.000-35.000 s  15.001-35.001 s  seen
      nftables: dropped 1,204 packets; 240 of 240 echoes lost; gone: 6 of 6 links answer again

  recovery  traffic
  lost-n1   chat     detected 58 ms ± 21 ms · failed over: no figure (no answer tells which node gave it) · restored
                     20.3 s ± 30 ms · repaired 1.20 s ± 250 ms after the heal

  traffic
  chat     3,000 sent · 2,993 ok · 7 failed (timed-out 5, server-error 2) · 0 wrong · sent within 0.8 ms of when it was
           due (p99)

report  runs/latest/report.html
again   make chaos SCENARIO=x ARGS="--seed 7"
took    71.2 s (ready after 4.10 s, taken down in 3.20 s)
"""
    )


def test_a_violation_that_was_expected_is_said_to_be() -> None:
    assert (
        shown(EXPECTED)
        == """\
VIOLATED AS EXPECTED   broken/partition: service was not back within 3 s: 20.3 s ± 30 ms (until the network was healed).
  · the gateway sent 34 % of requests to n1 all the time: no health check took it out

  objective  measured        limit     outcome
  answers    99.77 %         ≥ 99.5 %  held
  recovery   20.3 s ± 30 ms  ≤ 3 s     violated, as expected  20.3 s is more than 3 s; n1 got a third of the requests
                                                              all the time · detected 0.41 s

  fault    what                             planned          in force         seen
  lost-n1  n1 cut off from everyone (drop)  15.000-35.000 s  15.001-35.001 s  seen
      nftables: dropped 1,204 packets; 240 of 240 echoes lost; gone: 6 of 6 links answer again

  recovery  traffic
  lost-n1   chat     detected 58 ms ± 21 ms · failed over: no figure (no answer tells which node gave it) · restored
                     20.3 s ± 30 ms · repaired 1.20 s ± 250 ms after the heal

  traffic
  chat     3,000 sent · 2,993 ok · 7 failed (timed-out 5, server-error 2) · 0 wrong · sent within 0.8 ms of when it was
           due (p99)

report  runs/latest/report.html
again   make chaos SCENARIO=x ARGS="--seed 7"
took    71.2 s (ready after 4.10 s, taken down in 3.20 s)
"""
    )


def test_an_inconclusive_run_says_what_keeps_it_from_being_evidence() -> None:
    assert (
        shown(INCONCLUSIVE)
        == """\
INCONCLUSIVE   partition: the fault was never seen.
  · lost-n1 was never seen: n1 still answered echoes from n2 and n3; 0 packets met the rule
  · what to do: `harness doctor` (the rule needs NET_ADMIN in the sidecar)

  objective  measured   limit     outcome
  answers    99.77 %    ≥ 99.5 %  inconclusive
  recovery   no figure  ≤ 3 s     inconclusive  no figure was taken · detected 0.41 s · failed over 0.42 s · restored
                                                1.84 s · repaired 2.1 s after heal

  fault    what                             planned          in force         seen
  lost-n1  n1 cut off from everyone (drop)  15.000-35.000 s  15.001-35.001 s  not seen
      nftables: dropped 0 packets; 0 of 240 echoes lost

  recovery  traffic
  lost-n1   chat     detected, failed over, restored, repaired: no figure (lost-n1 was never seen)

  traffic
  chat     3,000 sent · 2,993 ok · 7 failed (timed-out 5, server-error 2) · 0 wrong · sent within 0.8 ms of when it was
           due (p99)

report  runs/latest/report.html
again   make chaos SCENARIO=x ARGS="--seed 7"
took    71.2 s (ready after 4.10 s, taken down in 3.20 s)
"""
    )


def test_a_figure_of_which_there_is_more_to_know_has_a_star() -> None:
    detected, *others = RECOVERED.phases
    remarked = replace(detected, why="mix-2 was in force meanwhile")
    rows = shown(replace(HELD, recoveries=(replace(RECOVERED, phases=(remarked, *others[1:])),))).split("\n\n")[3]
    assert rows.splitlines() == [
        "  recovery  traffic",
        "  lost-n1   chat     detected 58 ms ± 21 ms * · restored 1.84 s ± 30 ms · repaired 1.20 s ± 250 ms after the "
        "heal",
        "  * there is more to know of this figure: it stands in the report",
    ]


def test_a_violation_that_was_expected_and_did_not_come_is_not_called_held_alone() -> None:
    first = "HELD, NOT AS EXPECTED   partition: recovery should have been broken and was not."
    assert shown(SURPRISING).splitlines()[0] == first


def test_what_was_expected_and_is_in_doubt_beside_it_is_not_called_a_surprise() -> None:
    unclear = replace(VIOLATED, as_expected=False, exit_code=3)
    assert shown(unclear).startswith("VIOLATED, PERHAPS AS EXPECTED   broken/partition: ")
    assert shown(replace(unclear, exit_code=1)).startswith("VIOLATED, NOT AS EXPECTED   broken/partition: ")


@pytest.mark.parametrize("columns", [80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    for verdict in (HELD, VIOLATED, EXPECTED, INCONCLUSIVE, SURPRISING):
        assert max(map(len, shown(verdict, columns).splitlines())) <= columns


def test_every_doubt_about_a_fault_is_in_its_row() -> None:
    doubtful = replace(FAULT, exercised=False, unharmed=False, healed=False, healed_s=None)
    rows = shown(replace(HELD, faults=(doubtful,))).split("\n\n")[2].splitlines()
    assert [line.strip() for line in rows] == [
        "fault    what                             planned          in force               seen",
        "lost-n1  n1 cut off from everyone (drop)  15.000-35.000 s  15.001-? (not healed)  not healed",
        "not healed; not exercised: no traffic met it; other links changed too; "
        "nftables: dropped 1,204 packets; 240 of 240",
        "echoes lost; gone: 6 of 6 links answer again",
    ]


def test_what_a_node_says_cannot_move_the_cursor() -> None:
    evil = replace(HELD, sentence="back\x1b[2J\x1b[1A in 1 s\nHELD")
    assert shown(evil).splitlines()[0] == "HELD   partition: back�[2J�[1A in 1 s HELD."


def test_colour_says_nothing_that_words_do_not() -> None:
    stream = io.StringIO()
    out = Console(file=stream, width=120, force_terminal=True, color_system="standard", highlight=False)
    terminal.render(VIOLATED, "report.html", "make chaos", 71.2, out)
    text = stream.getvalue()
    assert "\x1b[1;31mVIOLATED\x1b[0m" in text
    assert "\x1b[31mviolated\x1b[0m" in text
    assert "\x1b[32mheld\x1b[0m" in text


def test_a_reader_who_leaves_early_costs_neither_verdict_nor_exit_code() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8", buffering=1) as stream:
        terminal.render(HELD, "report.html", "make chaos", 71.2, console(stream))
        terminal.render(HELD, "report.html", "make chaos", 71.2, console(stream))
