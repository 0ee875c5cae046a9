"""The four ways a run can end, as the judge would say them."""

from msgspec.structs import replace

from tests.report.recordings import FAULT, HELD, RECOVERED, RESTORED

_NEVER_BACK = "20.3 s is more than 3 s; n1 got a third of the requests all the time"

_DETECTED, _FAILED_OVER, _RESTORED, _REPAIRED = RECOVERED.phases
_NO_NODE = replace(_FAILED_OVER, after_s=None, error_s=None, why="no answer tells which node gave it")
VIOLATED = replace(
    HELD,
    scenario="broken/partition",
    outcome="violated",
    exit_code=1,
    sentence="service was not back within 3 s: 20.3 s ± 30 ms (until the network was healed)",
    reasons=(
        "service was not back within 3 s: 20.3 s ± 30 ms (until the network was healed)",
        "the gateway sent 34 % of requests to n1 all the time: no health check took it out",
    ),
    findings=(
        HELD.findings[0],
        replace(HELD.findings[1], measured=20.3, outcome="violated", reason=_NEVER_BACK, details=RESTORED[:1]),
    ),
    recoveries=(replace(RECOVERED, phases=(_DETECTED, _NO_NODE, replace(_RESTORED, after_s=20.3), _REPAIRED)),),
)
EXPECTED = replace(VIOLATED, as_expected=True, exit_code=0)
SURPRISING = replace(HELD, as_expected=False, exit_code=1, sentence="recovery should have been broken and was not")
_UNSEEN = "lost-n1 was never seen: n1 still answered echoes from n2 and n3; 0 packets met the rule"
INCONCLUSIVE = replace(
    HELD,
    outcome="inconclusive",
    exit_code=3,
    sentence="the fault was never seen.",
    reasons=(_UNSEEN, "what to do: `harness doctor` (the rule needs NET_ADMIN in the sidecar)"),
    findings=(
        replace(HELD.findings[0], outcome="inconclusive", reason=_UNSEEN),
        replace(HELD.findings[1], outcome="inconclusive", reason="no figure was taken", measured=None, error=None),
    ),
    faults=(replace(FAULT, seen=False, exercised=False, witness="dropped 0 packets; 0 of 240 echoes lost"),),
    recoveries=(
        replace(
            RECOVERED,
            phases=tuple(
                replace(phase, after_s=None, error_s=None, why="lost-n1 was never seen") for phase in RECOVERED.phases
            ),
        ),
    ),
)
