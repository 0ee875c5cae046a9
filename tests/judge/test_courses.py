"""What spoils a figure that Prometheus saw: holes, a Prometheus that stood still, one that came back."""

import pytest

from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.objectives import Finding
from harness.recording.events import Sampled, Scraped, Trouble
from tests.objectives.courses import looked, sampled
from tests.objectives.test_lie import UP
from tests.objectives.test_recovery import LOST
from tests.objectives.test_words import written
from tests.recording.builder import at, scenario

HONEST = written("lie", name="honest", of="chat", health=UP, on="n1", lie="<= 3s")
WRONG = written("wrong", name="truth", of="chat", wrong="== 0")
CLAIM = sampled(UP, (0, 1.0), (16.7, 0.0), (36.7, 1.0))


def judged(*more: Sampled | Scraped | Trouble, scrapes: int = 240) -> Verdict:
    return judge(scenario(HONEST, WRONG), LOST.but(more=more, scrapes=scrapes, hit={}).evidence())


def honest(verdict: Verdict) -> Finding:
    return next(finding for finding in verdict.findings if finding.objective == "honest")


def test_with_every_scrape_there_it_is_held() -> None:
    verdict = judged(CLAIM, looked())
    assert (verdict.outcome, honest(verdict).measured) == ("held", 1.6)


@pytest.mark.parametrize(
    ("more", "scrapes", "reason"),
    [
        ((CLAIM, looked()), 200, "Prometheus has 200 of 240 scrapes of gateway"),
        ((CLAIM, looked(2.9, 31.0, 31.1)), 240, "Prometheus did not look for 2.90 s, until 31.0 s into the run"),
        ((CLAIM, looked(9.0, 25.0, 25.2)), 240, "Prometheus did not look for 9.00 s, until 25.0 s into the run"),
        (
            (CLAIM, looked(), Trouble(at(30), "prometheus-lost", "Prometheus ended by itself.")),
            240,
            "Prometheus ended by itself.",
        ),
        (
            (CLAIM, looked(), Scraped(at(60), "the alert rules", 240, 100)),
            240,
            "Prometheus has 100 of 240 scrapes of the alert rules",
        ),
    ],
    ids=["holes", "frozen", "restarted", "ended", "rules not evaluated"],
)
def test_what_prometheus_did_not_see_makes_it_inconclusive_with_that_reason(
    more: tuple[Sampled | Scraped | Trouble, ...], scrapes: int, reason: str
) -> None:
    verdict = judged(*more, scrapes=scrapes)
    assert (honest(verdict).outcome, honest(verdict).reason, honest(verdict).doubted) == ("inconclusive", reason, True)
    assert next(f.outcome for f in verdict.findings if f.objective == "truth") == "held"
