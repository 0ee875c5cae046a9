"""The file of waivers: what it comes to, and every message."""
# ruff: noqa: E501  a message is one line, here as on the terminal

from datetime import date

import pytest

from harness.errors import ScenarioError
from harness.loader.suite import Known
from harness.signoff.waivers import Waiver, parse

KNOWN = {"kill": Known((), 60.0, ("answers", "tail"))}
GOOD = """\
waivers:
  - scenario: kill
    objective: tail
    who: A. Lovelace
    why: known slow until v1.3
    until: 2026-12-31
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        parse(text.encode(), "waivers.yaml", KNOWN)
    return [str(problem).removeprefix("waivers.yaml:") for problem in caught.value.problems]


def test_a_waiver_says_what_who_why_and_until_when() -> None:
    expected = Waiver(
        scenario="kill", objective="tail", who="A. Lovelace", why="known slow until v1.3", until=date(2026, 12, 31)
    )
    assert parse(GOOD.encode(), "waivers.yaml", KNOWN) == (expected,)


def test_none_is_a_list_too() -> None:
    assert parse(b"waivers: []\n", "waivers.yaml", KNOWN) == ()


EXAMPLE = "{scenario: kill, objective: tail, who: A. Lovelace, why: known slow until v1.3, until: 2026-12-31}"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("scenario: kill", "scenario: kil", ["2: 'scenario' is 'kil', which the suite does not play; did you mean 'kill'?"]),
        ("objective: tail", "objective: tial", ["3: 'objective' is 'tial', which kill has not; did you mean 'tail'?"]),
        ("    who: A. Lovelace\n", "", ["2: a waiver needs 'who': who accepts it; such as 'who: TEXT'"]),
        ("who: A. Lovelace", 'who: " "', ["4: 'who' is empty: a waiver without it is none"]),
        ("why: known slow until v1.3", 'why: ""', ["5: 'why' is empty: a waiver without it is none"]),
        ("2026-12-31", "2026-13-01", ["6: 'until' is '2026-13-01': write a date such as 2026-12-31"]),
        ("2026-12-31", "31.12.2026", ["6: 'until' is '31.12.2026': write a date such as 2026-12-31"]),
        ("2026-12-31", "2026-W01-1", ["6: 'until' is '2026-W01-1': write a date such as 2026-12-31"]),
        ("until:", "til:", ["2: a waiver needs 'until': the last day on which it counts; such as 'until: 2026-12-31'", "6: 'til' is not a key of a waiver; did you mean 'until'?"]),
        (GOOD, "", [f" is empty: begin with 'waivers: [{EXAMPLE}]'"]),
        (GOOD, "waiver: []", ["1: 'waiver' is not a key of a list of waivers; did you mean 'waivers'?", f"1: a list of waivers needs 'waivers'; such as 'waivers: [{EXAMPLE}]'"]),
        (GOOD, "waivers: kill", [f"1: 'waivers' is a text: write a list, such as 'waivers: [{EXAMPLE}]'"]),
        (GOOD, "waivers: [kill]", [f"1: a waiver is a text: write keys and values, such as '- {EXAMPLE}'"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(old: str, new: str, said: list[str]) -> None:
    assert old in GOOD
    assert problems(GOOD.replace(old, new)) == said
