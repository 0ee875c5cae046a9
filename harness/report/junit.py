"""The verdict for a build server. Violated is a failure, inconclusive an error; neither is ever a pass or a skip."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from harness.judge.verdict import FaultRecord, Verdict
from harness.objectives import Finding
from harness.recording.events import Began
from harness.report import figures


@dataclass(frozen=True, slots=True)
class Case:
    """One test case; ``result`` None: it passed. ``text`` is the whole story, ``message`` its first sentence."""

    group: str
    name: str
    result: Literal["failure", "error"] | None
    message: str
    text: str


def render(verdict: Verdict, began: Began | None = None) -> bytes:
    """JUnit XML, UTF-8: one suite with the verdict itself, every objective and every fault as test cases.

    The case ``verdict`` passes exactly when the exit code is 0, so that what no single row shows (a fault that was not
    healed, a violation that was expected and did not come) cannot turn green. ``began``: what is known of the machine.
    """
    cases = (
        _verdict(verdict),
        *(_finding(f, verdict) for f in verdict.findings),
        *(_fault(f, verdict) for f in verdict.faults),
    )
    suite = ET.Element(
        "testsuite", {"name": figures.line(f"chaos.{verdict.scenario}"), **_counts(cases), "skipped": "0"}
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(verdict, began):
        ET.SubElement(properties, "property", {"name": name, "value": value})
    for case in cases:
        suite.append(_element(case, verdict.scenario))
    suites = ET.Element("testsuites", {"name": "chaos-harness", **_counts(cases)})
    suites.append(suite)
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _counts(cases: tuple[Case, ...]) -> dict[str, str]:
    results = [case.result for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(results.count("failure")),
        "errors": str(results.count("error")),
    }


def _properties(verdict: Verdict, began: Began | None) -> Iterator[tuple[str, str]]:
    yield from (("run", figures.line(verdict.run)), ("seed", str(verdict.seed)), ("outcome", verdict.outcome))
    yield from (("exit_code", str(verdict.exit_code)), ("judge", verdict.judge))
    if began:
        yield "again", figures.line(figures.run_again(began, verdict.seed))
        yield "began", figures.line(began.wall)
        for what, value in began.facts:
            yield f"environment.{figures.line(what)}", figures.line(value)
    for record in verdict.traffic:
        yield f"traffic.{figures.line(record.name)}", figures.traffic(record)


def _element(case: Case, scenario: str) -> ET.Element:
    names = {"classname": figures.line(f"{scenario}.{case.group}"), "name": figures.line(case.name)}
    element = ET.Element("testcase", {**names, "time": "0"})
    text = figures.clean(case.text)
    if case.result is None:
        ET.SubElement(element, "system-out").text = text
    else:
        ET.SubElement(element, case.result, {"message": figures.line(case.message), "type": case.group}).text = text
    return element


def _verdict(verdict: Verdict) -> Case:
    failed: Literal["failure", "error"] = "failure" if verdict.exit_code == 1 else "error"
    message = f"{figures.headword(verdict)}: {figures.sentence(verdict)}"
    text = "\n".join((message, *figures.reasons(verdict)))
    return Case("run", "verdict", failed if verdict.exit_code else None, message, text)


def _finding(finding: Finding, verdict: Verdict) -> Case:
    said = f"{figures.measured(finding)}, limit {figures.limit(finding.bound)}: {finding.outcome}"
    as_expected = finding.outcome == "violated" and verdict.as_expected is True
    reason = figures.line(finding.reason)
    story = (said + (", as expected" if as_expected else ""), reason, figures.details(finding), finding.source)
    result: Literal["failure", "error"] | None = None
    if finding.outcome != "held" and not as_expected:
        result = "failure" if finding.outcome == "violated" else "error"
    return Case("objectives", finding.objective, result, reason or said, "\n".join(filter(None, story)))


def _fault(fault: FaultRecord, verdict: Verdict) -> Case:
    story = (
        f"{fault.what} ({fault.via}): {figures.seen(fault)}",
        f"planned {figures.planned(fault)}, in force {figures.in_force(fault)}",
        fault.witness,
        *(f"{one.traffic}: {figures.recovered(one)}" for one in verdict.recoveries if one.fault == fault.name),
    )
    return Case("faults", fault.name, "error" if figures.doubts(fault) else None, figures.seen(fault), "\n".join(story))
