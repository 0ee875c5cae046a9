"""What a run did not measure, and what would make its answer surer. Said every time, not only when it went wrong."""

from collections.abc import Iterator

from harness.judge.doubts import SCRAPED
from harness.judge.verdict import Verdict
from harness.recording.evidence import Evidence
from harness.report import figures
from harness.scenario import Scenario
from harness.units import show_s


def caveats(scenario: Scenario, evidence: Evidence, verdict: Verdict) -> tuple[str, ...]:
    """Sentences, the ones that touch this verdict first."""
    return tuple(map(figures.line, (*_this_run(evidence, verdict), *_every_run(scenario, evidence, verdict))))


def _this_run(evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    if evidence.began and evidence.began.without_faults:
        yield "This run injected no faults: it shows the baseline, and nothing of how the system bears a fault."
    for trouble in evidence.troubles():
        yield f"Not planned: {trouble.text}"
    for fault in verdict.faults:
        if doubts := figures.doubts(fault):
            yield f"Fault {fault.name}: {'; '.join(doubts)}. What is said about it proves nothing."
    for finding in verdict.findings:
        if finding.outcome == "inconclusive":
            yield f"Objective {finding.objective} could not be decided: {finding.reason}"
    for scraped in evidence.scraped():
        if scraped.seen < SCRAPED * scraped.expected:
            yield f"Prometheus has {scraped.seen} of {scraped.expected} scrapes of {scraped.target}."
    if evidence.ended is None or evidence.ended.how != "finished":
        yield "The run did not finish: what came after its last line is not known."


def _every_run(scenario: Scenario, evidence: Evidence, verdict: Verdict) -> Iterator[str]:
    yield "One run is one sample: it does not say how far the next one would differ. Repeat it to know."
    for fault in scenario.faults:
        yield f"{fault.name} ({fault.kind}): {fault.page}"
    if verdict.timing.in_force_error_s is not None:
        known = show_s(verdict.timing.in_force_error_s)
        yield f"The beginning of a fault is known to within {known}; no figure counted from it can be surer."
    if evidence.clocks():
        yield f"The pods' clocks were compared to within {show_s(evidence.clock_error_s())}."
    closed = {load.name for load in scenario.traffic if load.closed}
    for load in scenario.traffic:
        yield from (f"{note}." for note in load.notes())
    for record in verdict.traffic:
        if record.send_error_p99_s is not None and record.name not in closed:
            late = show_s(record.send_error_p99_s)
            yield f"{record.name}: 99 of 100 operations were sent within {late} of when they were due."
    if len(closed) < len(scenario.traffic):
        yield "Latency counts from when an operation was due."
    yield "A lost answer ranks as slower than any other in a quantile."
    yield "A node's share of the answers is known only where answers carry its tag."
