import gc
import random
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from msgspec.structs import replace as changed

from harness.judge.verdict import Verdict
from harness.operations import Operation, Outcome
from harness.recording.events import Asked, Began, Scraped, Trouble
from harness.recording.evidence import Evidence
from harness.report import html
from harness.scenario import Scenario
from tests.report.hostile import MARKUP as EVIL
from tests.report.recordings import FAULT, HELD, RECOVERED, SCENARIO, SCENARIO_TEXT, at, logs, operations, recording
from tests.report.verdicts import EXPECTED, INCONCLUSIVE, VIOLATED


class Elements(HTMLParser):
    """Every start tag with its attributes, as a browser's parser would split them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, Mapping[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def count(self, tag: str) -> int:
        return sum(tag == seen for seen, _ in self.seen)


def page(
    verdict: Verdict = HELD,
    evidence: Evidence | None = None,
    text: str = SCENARIO_TEXT,
    said: Mapping[str, str] = logs(),
    scenario: Scenario = SCENARIO,
) -> str:
    return html.render(text, scenario, evidence or recording(), verdict, logs() if said is None else said)


def headings(text: str) -> list[str]:
    return re.findall(r"<h2[^>]*>([^<]*)</h2>", text)


def test_the_report_reads_from_verdict_to_what_was_not_measured() -> None:
    text = page()
    assert headings(text) == [
        "The picture",
        "Objectives",
        "Faults",
        "Recovery, step by step",
        "Phases and faults, in figures",
        "Prometheus",
        "What the containers said",
        "The journal",
        "Environment",
        "What was not measured, and what would make the answer surer",
    ]
    assert text.index("HELD</span> partition: users lost 7 of 3,000 answers") < text.index("The picture")


def test_every_name_of_the_run_is_in_the_report() -> None:
    text = page()
    names = [
        *(finding.objective for finding in HELD.findings),
        *("lost-n1", "chat", "gateway", "n1", "n2", "n3", "seed", "partition/2026-11-21T09-30-12-k3f"),
        *("dropped 1,204 packets", "max_over_time(haproxy_backend_active_servers[15s])", "agent-n1 240 of 240"),
        *("docker 20.10.24, overlay2, cgroup v1", "rate: 50/s, timeout: 5s"),
    ]
    assert [name for name in names if name not in text] == []
    (command,) = re.findall(r'<code class="command">(.*?)</code>', text)
    assert re.sub("<[^>]*>", "", command).strip() == "make chaos SCENARIO=partition ARGS=&#34;--seed 7&#34;"


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (VIOLATED, "✘</span> VIOLATED</span>"),
        (EXPECTED, "✔</span> VIOLATED AS EXPECTED</span>"),
        (INCONCLUSIVE, "?</span> INCONCLUSIVE</span>"),
    ],
)
def test_the_verdict_is_said_in_a_sign_and_a_word(verdict: Verdict, words: str) -> None:
    assert words in page(verdict)


def evil_page() -> str:
    finding = changed(HELD.findings[1], reason=EVIL, source=EVIL, bound=EVIL, unit=EVIL, details=((EVIL, EVIL),))
    fault = changed(FAULT, what=EVIL, via=EVIL, kind=EVIL, witness=EVIL)
    phases = tuple(changed(phase, source=EVIL, why=EVIL) for phase in RECOVERED.phases)
    recovery = changed(RECOVERED, traffic=EVIL, phases=(*phases, changed(phases[0], after_s=None)))
    verdict = changed(
        HELD, sentence=EVIL, reasons=(EVIL,), run=EVIL, findings=(finding,), faults=(fault,), recoveries=(recovery,)
    )
    events = [
        changed(event, wall=EVIL, facts=((EVIL, EVIL), ("image", EVIL)), project=EVIL, variables=((EVIL, EVIL),))
        if isinstance(event, Began)
        else event
        for event in recording().events
    ]
    events += [Asked(at(63), EVIL, EVIL, 35.0, None, EVIL), Scraped(at(63), EVIL, 4, 3), Trouble(at(3), "other", EVIL)]
    about = replace(SCENARIO, about=EVIL)
    answered = tuple(op._replace(node=EVIL[:10]) for op in operations())
    evidence = replace(recording(), events=tuple(events), operations={"chat": answered, EVIL: answered[:9]})
    return page(verdict, evidence, EVIL, {EVIL: EVIL, "n1": f"2026-11-21T09:30:36.100000000Z {EVIL}\n"}, about)


def test_nothing_that_was_recorded_becomes_part_of_the_page() -> None:
    text = evil_page()
    evil, good = Elements(text), Elements(page())
    # One more set of figures belongs to the second traffic; there is no other script, and no style or image at all.
    assert [attributes for tag, attributes in evil.seen if tag == "script"] == [
        {"type": "application/json", "class": "bins"},
        {"type": "application/json", "class": "bins"},
        {},
    ]
    assert (evil.count("style"), evil.count("img")) == (good.count("style"), 0) == (1, 0)
    assert {name for _, attributes in evil.seen for name in attributes if name.startswith("on")} == set()
    assert {tag for tag, _ in evil.seen} == {tag for tag, _ in good.seen}
    assert "{{7*7}}" in text


def test_the_page_asks_nothing_of_any_network_and_allows_only_its_own_script_and_style() -> None:
    text = page()
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text) == []
    addresses = [a.get(name) or "" for _, a in Elements(text).seen for name in ("src", "href") if name in a]
    assert {address[:1] for address in addresses} == {"#"}
    (policy,) = (a["content"] or "" for _, a in Elements(text).seen if a.get("http-equiv"))
    assert re.sub(r"'sha256-[\w+/=]{44}'", "HASH", policy) == (
        "default-src 'none'; style-src HASH; script-src HASH; base-uri 'none'; form-action 'none'"
    )
    assert "style=" not in text.split("</style>")[1].split("<script>")[0]


def test_every_link_inside_the_page_leads_somewhere() -> None:
    seen = Elements(page()).seen
    ids = {attributes["id"] for _, attributes in seen if "id" in attributes}
    assert {(a["href"] or "")[1:] for _, a in seen if "href" in a} <= ids
    assert {a["aria-labelledby"] for _, a in seen if "aria-labelledby" in a} <= ids


def all_failed() -> tuple[Operation, ...]:
    dice = random.Random(1)
    kinds = [kind for kind in Outcome if kind is not Outcome.OK]
    return tuple(
        op._replace(outcome=dice.choice(kinds), done_ns=op.due_ns + round(5e9 * dice.random() ** 8))
        for op in operations(100_000, 1700.0)
    )


@pytest.mark.parametrize("load", [lambda: tuple(operations(100_000, 1700.0)), all_failed], ids=["good", "bad"])
def test_a_hundred_thousand_operations_are_a_light_page_in_good_time(load: Callable[[], tuple[Operation, ...]]) -> None:
    evidence = replace(recording(), operations={"chat": load()})
    # It takes 0.6 s (good) or 0.7 s (bad) on an idle machine; on a busy one even its own time grows, now and then.
    took_s, text = min(timed(evidence) for _ in range(2))
    assert took_s <= 2.0
    assert len(text.encode()) <= 3_000_000


def timed(evidence: Evidence) -> tuple[float, str]:
    """What one page alone takes of the processor's time; and the page."""
    tracer = sys.gettrace()
    sys.settrace(None)  # what a measurement of coverage costs is not the page's
    gc.collect()
    gc.freeze()  # nor is looking again and again through what all the tests before this one have left
    began = time.process_time()
    text = page(evidence=evidence)
    took_s = time.process_time() - began
    gc.unfreeze()
    sys.settrace(tracer)
    return took_s, text


def test_a_log_is_shown_around_each_fault_in_the_runs_own_time() -> None:
    text = page()
    assert "from 1 s before to 4 s after lost-n1 was in force at 15.0 s" in text
    assert "   15.600 s  Server be/n1 is DOWN, reason: Layer4 timeout, 2 active servers left" in text
    assert "from 1 s before to 4 s after lost-n1 was healed at 35.0 s" in text


def test_a_log_without_time_stamps_shows_its_last_lines() -> None:
    text = page(said={"n1": "\n".join(f"line {number}" for number in range(100))})
    assert "the last lines (60 more lines in the record)" in text
    assert "line 60\n" in text
    assert "line 59\n" not in text


def test_a_run_that_was_broken_off_at_once_still_gives_a_report() -> None:
    nothing = changed(INCONCLUSIVE, findings=(), faults=(), traffic=())
    text = page(nothing, Evidence((), {}, ()), said={})
    assert "there is nothing to draw" in text
    assert "The run did not finish" in text


def test_the_same_recording_gives_the_same_bytes() -> None:
    assert page() == page()


def test_what_keeps_a_run_from_being_evidence_is_named_among_what_was_not_measured() -> None:
    text = page(INCONCLUSIVE).split('id="h-caveats"')[1]
    assert "Fault lost-n1: not seen. What is said about it proves nothing." in text
    assert "Objective recovery could not be decided: no figure was taken" in text


def test_a_question_to_prometheus_stands_on_the_runs_own_axis() -> None:
    rows = re.findall(r"<tr>.*?</tr>", page(), re.DOTALL)
    (row,) = (row for row in rows if "max_over_time" in row and "asked at" in row)
    assert '<td data-label="asked at" class="figure">35.000 s</td>' in row


def test_scrapes_are_doubted_where_the_judge_doubts_them() -> None:
    more = (Scraped(at(63), "n2:17072", 244, 240), Scraped(at(63), "n3:17072", 244, 120))
    text = page(evidence=replace(recording(), events=(*recording().events, *more)))
    assert '<span class="chip">n2:17072 240 of 244</span>' in text
    assert '<span class="chip unsure">n3:17072 120 of 244: too few</span>' in text
    assert re.findall(r"Prometheus has [^.]*", text) == ["Prometheus has 120 of 244 scrapes of n3:17072"]


def test_every_phase_of_a_recovery_has_its_figure_its_source_or_its_reason() -> None:
    section = page(VIOLATED).split('id="h-recovery"')[1].split("</tbody>")[0]
    rows = [re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", row)).strip() for row in section.split("<tr")[3:]]
    assert [row.partition("> ")[2].strip() for row in rows] == [
        "detected 58 ms ± 21 ms the first operation of chat that failed or was late",
        "failed over no figure no answer tells which node gave it the first good answer by another node",
        "restored 20.3 s ± 30 ms the operations of chat",
        "repaired 1.20 s ± 250 ms after the heal the gateway&#39;s own state and an answer from n1 itself",
    ]


def test_a_verdict_without_recoveries_says_that_none_was_measured() -> None:
    assert "<p>No phase of a recovery was measured.</p>" in page(changed(HELD, recoveries=()))


def test_the_environment_has_every_image_on_a_line_of_its_own() -> None:
    images = (("image", "chaos-harness/ollama:4f1c22d0"), ("image", "chaos-harness/gateway:dadb7660"))
    began = [changed(e, facts=(*e.facts, *images)) if isinstance(e, Began) else e for e in recording().events]
    section = page(evidence=replace(recording(), events=tuple(began))).split('id="h-environment"')[1]
    assert [re.sub("<[^>]*>", "", line).strip() for line in re.findall("<li>.*</li>", section)[:2]] == [
        "chaos-harness/ollama:4f1c22d0",
        "chaos-harness/gateway:dadb7660",
    ]


def test_containers_that_said_nothing_are_named_in_one_line() -> None:
    assert "<p>Said nothing: n1.pod.log, n2.pod.log</p>" in page(said={"n1.pod.log": "", "n2.pod.log": "", "n": "x"})
