import json

import msgspec

from harness.judge.compare import differences
from harness.judge.verdict import Timing, Verdict, encode
from harness.objectives import Finding

FINDING = Finding("recovery", "held", 1.84, 0.03, "<= 3s", "s", "back", "operations")
VERDICT = Verdict(
    schema=1,
    judge="1",
    scenario="partition",
    run="r1",
    seed=7,
    outcome="held",
    exit_code=0,
    as_expected=None,
    sentence="all is well",
    reasons=(),
    findings=(FINDING,),
    faults=(),
    traffic=(),
    timing=Timing(4.1, 2.5, None, None),
)


def test_the_same_verdict_differs_in_nothing() -> None:
    assert differences(encode(VERDICT), VERDICT) == ()


def test_each_figure_that_changed_is_named_by_its_path() -> None:
    old = msgspec.structs.replace(
        VERDICT,
        judge="0",
        outcome="violated",
        findings=(msgspec.structs.replace(FINDING, measured=1.9),),
        reasons=("because",),
    )
    assert differences(encode(old), VERDICT) == (
        'judge: "0", now "1"',
        'outcome: "violated", now "held"',
        'reasons: ["because"], now []',
        "findings[0].measured: 1.9, now 1.84",
    )


def test_what_another_version_wrote_more_or_less_is_named() -> None:
    old = json.loads(encode(VERDICT))
    del old["seed"]
    old["mood"] = "good"
    assert differences(json.dumps(old).encode(), VERDICT) == ("seed: new, 7", 'mood: gone, was "good"')


def test_the_same_values_in_other_bytes_are_a_difference() -> None:
    packed = msgspec.json.encode(VERDICT)
    assert differences(packed, VERDICT) == ("the same values, written in other bytes",)


def test_what_is_no_verdict_at_all_is_said() -> None:
    assert differences(b"[]", VERDICT)[0].startswith("the whole: [], now {")
    assert differences(b"{", VERDICT)[0].startswith("the old verdict is not JSON (")
    assert differences(b"\xff", VERDICT)[0].startswith("the old verdict is not JSON (")
