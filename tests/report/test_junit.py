import itertools
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from harness.judge.verdict import Verdict
from harness.recording.events import Began
from harness.report import figures, junit
from tests.report.hostile import TEXTS
from tests.report.recordings import FAULT, HELD, events
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


def test_the_suite_says_what_was_run_where_and_how_to_run_it_again() -> None:
    began = next(event for event in events() if isinstance(event, Began))
    found = ET.fromstring(junit.render(HELD, began)).iter("property")
    assert {p.attrib["name"]: p.attrib["value"] for p in found} == {
        "run": "partition/2026-11-21T09-30-12-k3f",
        "seed": "7",
        "outcome": "held",
        "exit_code": "0",
        "judge": HELD.judge,
        "again": 'make chaos SCENARIO=partition ARGS="--seed 7"',
        "began": "2026-11-21T09:30:12+00:00",
        "environment.engine": "docker 20.10.24, overlay2, cgroup v1",
        "environment.kernel": "6.18.0",
        "environment.harness": "0.1.0",
        "environment.image ollama": "chaos-harness/ollama:4f1c22d0",
        "environment.ollama": "0.32.15",
        "environment.haproxy": "3.0.11",
        "traffic.chat": figures.traffic(HELD.traffic[0]),
    }


def test_the_case_of_a_fault_says_how_it_was_recovered_from() -> None:
    (case,) = (c for c in ET.fromstring(junit.render(HELD)).iter("testcase") if c.attrib["name"] == "lost-n1")
    assert "chat: detected 58 ms ± 21 ms · failed over 61 ms" in (case.findtext("system-out") or "")


def test_nothing_inconclusive_ever_passes() -> None:
    """Neither a run, nor an objective, nor a fault; whatever else the verdict holds."""
    for verdict in (HELD, VIOLATED, EXPECTED, SURPRISING):
        doubtful = replace(
            verdict,
            outcome="inconclusive",
            exit_code=3,
            as_expected=None,
            findings=tuple(replace(f, outcome="inconclusive", reason="because") for f in verdict.findings),
        )
        found = results(doubtful)
        assert [name for name, result in found.items() if result == "passed"] == [f"{verdict.scenario}.faults/lost-n1"]
        assert {result for name, result in found.items() if ".objectives/" in name} == {"error: because"}


@pytest.mark.parametrize("text", TEXTS, ids=itertools.count())
def test_nothing_that_was_recorded_becomes_a_case_or_a_tag(text: str) -> None:
    finding = replace(
        VIOLATED.findings[1], objective=text, reason=text, source=text, bound=text, details=((text, text),)
    )
    fault = replace(FAULT, name=text, what=text, via=text, witness=text)
    verdict = replace(
        VIOLATED, scenario=text, run=text, sentence=text, reasons=(text,), findings=(finding,), faults=(fault,)
    )
    began = replace(next(event for event in events() if isinstance(event, Began)), wall=text, facts=((text, text),))
    tags = [element.tag for element in ET.fromstring(junit.render(verdict, began)).iter()]
    plain = replace(VIOLATED, findings=VIOLATED.findings[1:])
    plain_began = replace(began, wall="now", facts=(("a", "b"),))
    assert tags == [element.tag for element in ET.fromstring(junit.render(plain, plain_began)).iter()]


@given(st.text())
def test_whatever_a_node_says_the_xml_is_well_formed(text: str) -> None:
    finding = replace(VIOLATED.findings[1], reason=text, source=text, details=((text, text),))
    verdict = replace(VIOLATED, sentence=text, run=text, reasons=(text,), findings=(finding,))
    assert len(results(replace(verdict, faults=(replace(FAULT, witness=text, what=text),)))) == 3
