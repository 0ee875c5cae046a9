from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.judge.verdict import Verdict
from harness.report import junit
from tests.report.recordings import FAULT, HELD
from tests.report.verdicts import EXPECTED, INCONCLUSIVE, SURPRISING, VIOLATED


def results(verdict: Verdict) -> dict[str, str]:
    """case -> passed, failure: message, or error: message."""
    found = {}
    for case in ET.fromstring(junit.render(verdict)).iter("testcase"):
        bad = [child for child in case if child.tag in ("failure", "error", "skipped")]
        name = f"{case.attrib['classname']}/{case.attrib['name']}"
        found[name] = f"{bad[0].tag}: {bad[0].attrib['message']}" if bad else "passed"
    return found


def counts(verdict: Verdict) -> dict[str, str]:
    suite = ET.fromstring(junit.render(verdict)).find("testsuite")
    assert suite is not None
    return dict(suite.attrib)


def test_a_held_run_passes_every_case() -> None:
    objectives = ("answers", "recovery", "slow", "tail", "truth", "excluded", "whole-again")
    assert results(HELD) == {
        "partition.run/verdict": "passed",
        **{f"partition.objectives/{name}": "passed" for name in objectives},
        "partition.faults/lost-n1": "passed",
    }
    assert counts(HELD) == {"name": "chaos.partition", "tests": "9", "failures": "0", "errors": "0", "skipped": "0"}


def test_a_violation_is_a_failure() -> None:
    sentence = "broken/partition: service was not back within 3 s: 20.3 s ± 30 ms (until the network was healed)."
    assert results(VIOLATED) == {
        "broken/partition.run/verdict": f"failure: VIOLATED: {sentence}",
        "broken/partition.objectives/answers": "passed",
        "broken/partition.objectives/recovery": (
            "failure: 20.3 s is more than 3 s; n1 got a third of the requests all the time"
        ),
        "broken/partition.faults/lost-n1": "passed",
    }
    assert counts(VIOLATED)["failures"] == "2"


def test_an_expected_violation_passes() -> None:
    assert set(results(EXPECTED).values()) == {"passed"}


def test_an_expected_violation_that_did_not_come_fails_though_every_objective_held() -> None:
    bad = {name: result for name, result in results(SURPRISING).items() if result != "passed"}
    assert bad == {
        "partition.run/verdict": (
            "failure: HELD, NOT AS EXPECTED: partition: recovery should have been broken and was not."
        )
    }


def test_inconclusive_is_an_error_with_its_reason() -> None:
    unseen = "lost-n1 was never seen: n1 still answered echoes from n2 and n3; 0 packets met the rule"
    assert results(INCONCLUSIVE) == {
        "partition.run/verdict": "error: INCONCLUSIVE: partition: the fault was never seen.",
        "partition.objectives/answers": f"error: {unseen}",
        "partition.objectives/recovery": "error: no figure was taken",
        "partition.faults/lost-n1": "error: not seen",
    }


def test_a_fault_that_was_not_healed_is_an_error_of_its_own() -> None:
    stuck = replace(HELD, faults=(replace(FAULT, healed=False, healed_s=None),), outcome="inconclusive", exit_code=3)
    assert results(stuck)["partition.faults/lost-n1"] == "error: not healed"


@given(st.text())
def test_whatever_a_node_says_the_xml_is_well_formed(text: str) -> None:
    finding = replace(VIOLATED.findings[1], reason=text, source=text, details=((text, text),))
    verdict = replace(VIOLATED, sentence=text, run=text, reasons=(text,), findings=(finding,))
    assert len(results(replace(verdict, faults=(replace(FAULT, witness=text, what=text),)))) == 3
