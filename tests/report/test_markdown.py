import itertools
from dataclasses import replace as with_about

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec.structs import replace

from harness.judge.verdict import Verdict
from harness.recording.events import Began
from harness.report import figures, markdown
from tests.report.hostile import TEXTS
from tests.report.recordings import FAULT, HELD, RECOVERED, SCENARIO, events
from tests.report.verdicts import EXPECTED, INCONCLUSIVE, VIOLATED

BEGAN = replace(
    next(event for event in events() if isinstance(event, Began)),
    facts=(("engine", "20.10.24"), ("kernel", "6.18.0")),
)
_READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def shown(verdict: Verdict = HELD, about: str = SCENARIO.about, began: Began = BEGAN) -> str:
    return markdown.render(with_about(SCENARIO, about=about), verdict, began)


def tokens(text: str) -> list[Token]:
    return list(itertools.chain.from_iterable((token, *(token.children or ())) for token in _READER.parse(text)))


def structure(text: str) -> list[str]:
    """What a reader of Markdown makes of it, without the words; what only parts words is not there for anybody."""
    kinds = [t.type for t in tokens(text) if not (t.type == "html_inline" and t.content == "<!-- -->")]
    return [kind for kind in kinds if kind not in ("text", "text_special")]


def words(text: str) -> str:
    """What a person reads."""
    return "".join(t.content for t in tokens(text) if t.type in ("text", "text_special"))


def test_a_summary_reads_from_the_verdict_to_how_to_run_it_again() -> None:
    assert (
        shown(VIOLATED)
        == """\
## ✘ VIOLATED

**broken/partition: service was not back within 3 s: 20.3 s ± 30 ms (until the network was healed).**

- the gateway sent 34 % of requests to n1 all the time: no health check took it out

One Ollama node is cut off from everyone for 20 s. Users may notice for 3 s, no longer.

| objective | measured | limit | outcome | why |
|---|---|---|---|---|
| answers | 99.77 % | ≥ 99.5 % | held |  |
| recovery | 20.3 s ± 30 ms | ≤ 3 s | violated | 20.3 s is more than 3 s; n1 got a third of the requests all the time \
· detected 0.41 s |

| fault | what | planned | in force | seen | witness |
|---|---|---|---|---|---|
| lost-n1 | n1 cut off from everyone (drop) | 15.000-35.000 s | 15.001-35.001 s | seen | nftables: \
dropped 1,204 packets; 240 of 240 echoes lost; gone: 6 of 6 links answer again |

| fault | traffic | recovery |
|---|---|---|
| lost-n1 | chat | detected 58 ms ± 21 ms · failed over: no figure (no answer tells which node gave it) \
· restored 20.3 s ± 30 ms · repaired 1.20 s ± 250 ms after the heal |

chat: 3,000 sent · 2,993 ok · 7 failed (timed-out 5, server-error 2) · 0 wrong · sent within 0.8 ms of when it was due \
(p99)

Run it again:

```
make chaos SCENARIO=partition ARGS="--seed 7"
```

run partition/2026-11-21T09-30-12-k3f · seed 7 · judge version """
        + f"{HELD.judge} · engine 20.10.24 · kernel 6.18.0\n"
    )


@pytest.mark.parametrize(
    ("verdict", "first"),
    [(HELD, "## ✔ HELD"), (EXPECTED, "## ✔ VIOLATED AS EXPECTED"), (INCONCLUSIVE, "## ? INCONCLUSIVE")],
)
def test_the_first_word_is_the_verdict(verdict: Verdict, first: str) -> None:
    assert shown(verdict).splitlines()[0] == first


def evil(text: str) -> Verdict:
    finding = replace(HELD.findings[1], reason=text, source=text, bound=text, details=((text, text),))
    fault = replace(FAULT, what=text, via=text, witness=text)
    phases = tuple(replace(phase, after_s=None, why=text) for phase in RECOVERED.phases[:1])
    recovery = replace(RECOVERED, phases=phases)
    traffic = (replace(HELD.traffic[0], failures=((text, 5),)),)
    return replace(
        HELD,
        sentence=text,
        reasons=("one", text),
        run=text,
        findings=(finding,),
        faults=(fault,),
        recoveries=(recovery,),
        traffic=traffic,
    )


@pytest.mark.parametrize("text", TEXTS, ids=itertools.count())
def test_nothing_that_was_recorded_becomes_markup(text: str) -> None:
    def began(said: str) -> Began:
        return replace(BEGAN, scenario=said, facts=((said, said),), variables=((said, said),))

    assert structure(shown(evil(text), text, began(text))) == structure(shown(evil("plain"), "plain", began("plain")))


@given(st.text(alphabet=st.sampled_from("ab1 `*_[](){}<>|~&#$!@:/\\.-+=\n\t\"'w;"), max_size=40))
@example("1. one")
@example("--- | ---")
def test_whatever_is_said_is_read_as_it_was_said_and_as_words_alone(text: str) -> None:
    written = markdown.text(text)
    inside = f"| a | b |\n|---|---|\n| {written} | . |\n"
    assert structure(inside) == structure("| a | b |\n|---|---|\n| plain | . |\n") or not figures.line(text)
    assert words(inside) == f"ab{figures.line(text)}."
    assert words(f"say {written}").removeprefix("say").strip() == figures.line(text)
    assert structure(f"- {written}") == structure("- plain") or not figures.line(text)
    assert structure(written) == structure("plain") or not figures.line(text)


@pytest.mark.parametrize("text", ["https://x.example/", "www.x.example", "a@x.example", "@somebody", "#12", ":tada:"])
def test_no_word_is_left_that_a_forge_would_turn_into_a_link(text: str) -> None:
    assert text not in markdown.text(text)
    assert words(markdown.text(text)) == text


def test_a_long_text_is_cut_and_says_so() -> None:
    assert markdown.text("x" * 5000) == "x" * 400 + "…"


def test_a_command_with_a_fence_in_it_stays_a_command() -> None:
    text = shown(began=replace(BEGAN, scenario="````\n# no"))
    commands = [t.content for t in tokens(text) if t.type == "fence"]
    assert commands == ['make chaos SCENARIO=```` # no ARGS="--seed 7"\n']


def test_what_the_command_line_set_is_in_the_command_again() -> None:
    began = replace(BEGAN, without_faults=True, variables=(("NODE_COUNT", "5"),))
    command = 'make chaos SCENARIO=partition ARGS="--seed 7 --no-faults --with NODE_COUNT=5"'
    assert command in shown(began=began)
