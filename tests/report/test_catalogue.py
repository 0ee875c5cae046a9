"""The pages of the faults: whole, in docs/faults.md as the classes have them, and true where they can be asked."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.commands import command
from harness.cli.listing import PAGES
from harness.faults import CATALOGUE, Fault
from harness.loader import bind, parse
from harness.report import catalogue
from harness.report.catalogue import PLACE, Page, default_text, instance, markdown, page, text
from harness.words import Word, word_of, words_of

KINDS = list(CATALOGUE.values())
DOCS = Path(__file__).parents[2] / "docs"
PARTS = ("How", "In force", "Witness", "Ends", "What it does not do, and traps", "Needs", "Replaces")
each_kind = pytest.mark.parametrize("kind", KINDS, ids=list(CATALOGUE))
GIVEN = {"at": "5s", "for": "20s"}
SPAN = re.compile(r"from (\S+?),? (?:\(.*?\) )?to (\S+?)(?=[;, ]|$)")
SPANS = [(kind, key) for kind in KINDS for key, limits in kind.limits.items() if limits.startswith("from ")]


def words(kind: type[Fault]) -> list[tuple[str, Word]]:
    return [(key, word) for key, field in words_of(kind).items() if (word := word_of(field))]


@pytest.mark.parametrize("what", PAGES)
def test_the_page_says_what_the_classes_and_files_say(what: str) -> None:
    assert (DOCS / f"{what}.md").read_text() == PAGES[what](), "run 'make docs'"


@each_kind
def test_every_kind_has_every_part(kind: type[Fault]) -> None:
    parts = dict(page(kind).parts)
    assert tuple(parts) == PARTS
    for title, sentences in parts.items():
        assert re.fullmatch(r"\S.*\.", sentences), title
        assert "  " not in sentences
        assert " ." not in sentences.replace("...", "")


@each_kind
def test_a_witness_says_all_three_of_a_fault(kind: type[Fault]) -> None:
    assert [mark for mark in ("In force: ", "Exercised: ", "Gone: ") if mark not in kind.witness] == []


def as_shown(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else f"[{', '.join(value)}]"


@each_kind
def test_every_word_of_every_kind_appears_with_what_it_takes_an_example_and_its_default(kind: type[Fault]) -> None:
    shown = page(kind)
    rows = {row.key: row for row in (*shown.common, *shown.rows)}
    terminal = " ".join(text(shown).split())
    section = markdown().split(f"\n## {kind.kind}\n")[1].split("\n## ")[0]
    assert list(rows) == [key for key, _ in words(kind)]
    for key, word in words(kind):
        row = rows[key]
        assert row.takes.startswith(word.reader.noun)
        assert row.example in (
            word.reader.example,
            *map(as_shown, (GIVEN | {"name": kind.kind, **kind.example}).values()),
        )
        assert row.default == default_text(word, words_of(kind)[key])
        assert key in (*GIVEN, "name") or f"| `{key}` | {row.takes} |" in section.replace("\\|", "|")
        assert " ".join(f"{row.meaning}: {row.takes}, such as {row.example}".split()) in terminal


@each_kind
def test_a_default_on_a_page_is_what_a_file_that_says_it_means(kind: type[Fault]) -> None:
    for key, word in words(kind):
        field = words_of(kind)[key]
        shown = default_text(word, field)
        if shown not in ("", "none"):
            read = tuple(word.reader.read(part) for part in shown.split(", "))
            assert field.default == (read if word.many else read[0])


@each_kind
def test_an_example_is_a_fault_that_a_scenario_may_have(kind: type[Fault]) -> None:
    head = (
        "scenario: mine\nabout: Something breaks.\ncluster: ollama\nphases: {warmup: 5s, faults: 30s, recovery: 10s}\n"
    )
    load = "traffic: [{name: chat, client: ollama-generate, to: gateway, rate: 50/s}]\n"
    asked = 'objectives: [{name: answers, of: chat, success: ">= 50%"}]\n'
    scenario = bind(parse((head + load + "\n".join(page(kind).example) + "\n" + asked).encode(), "mine.yaml"), PLACE)
    assert scenario.faults == (instance(kind),)


@pytest.mark.parametrize(("kind", "key"), SPANS, ids=[f"{kind.kind}-{key}" for kind, key in SPANS])
def test_a_limit_on_a_page_is_the_one_that_check_keeps(kind: type[Fault], key: str) -> None:
    word, name = dict(words(kind))[key], words_of(kind)[key].name
    low, high = (word.reader.read(end) for end in SPAN.match(kind.limits[key]).groups())  # type: ignore[union-attr]
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    for value in (low, high):
        assert any(not complains(kind, key, {**other, name: value}) for other in others(kind))
    for value in beyond(low, high):
        assert all(complains(kind, key, {**other, name: value}) for other in others(kind))


def beyond(low: float, high: float) -> list[float]:
    """Just outside; nothing is below 0 where no sign is read."""
    step: float = 1 if isinstance(low, int) and isinstance(high, int) else high / 1000
    below: dict[bool, list[float]] = {True: [low - step], False: [low * 0.9] if low else []}
    return [*below[low < 0 or (step == 1 and low > 0)], high + step]


def complains(kind: type[Fault], key: str, changes: dict[str, Any]) -> bool:
    return key in {said for said, _ in replace(instance(kind), **{"for_s": 3600.0, **changes}).check(PLACE)}


def others(kind: type[Fault]) -> list[dict[str, str]]:
    """The example as it is, and with each choice of its words: a word may be of no use to some of them."""
    chosen = [
        {words_of(kind)[k].name: choice} for k, word in words(kind) if not word.many for choice in word.reader.choices
    ]
    return [{}, *chosen]


def test_needs_are_read_from_what_a_fault_is_made_of() -> None:
    def needs(kind: str) -> str:
        return dict(page(CATALOGUE[kind]).parts)["Needs"]

    assert needs("kill") == "The engine's API."
    assert "`SYS_PTRACE` and `DAC_OVERRIDE`" in needs("clock-skew")
    assert "With `via: packets`: " in needs("latency")
    assert "`harness doctor` tries as `queue`" in needs("latency")
    assert "With `how: hog`: " in needs("cpu")
    assert "the host's process namespace" in needs("crash")


def said(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, ["list", *words])
    return done.exit_code, done.output


def test_list_faults_prints_a_line_a_page_all_pages_or_the_file() -> None:
    listed = said("faults")[1].split("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed if line[0] != " "] == list(CATALOGUE)
    assert said("faults", "kill") == (0, text(page(CATALOGUE["kill"])))
    assert said("faults", "--long")[1].count("\nReplaces\n") == len(CATALOGUE)
    assert said("faults", "--markdown") == (0, markdown())


def test_list_says_which_kinds_there_are_and_that_only_faults_have_pages() -> None:
    code, out = said("faults", "kil")
    assert code == 2
    assert "'kil' is not one of 'partition'" in out
    code, out = said("clients", "--long")
    assert code == 2
    assert "only faults have pages" in out


def test_a_page_fits_a_terminal() -> None:
    pages: list[Page] = [catalogue.page(kind) for kind in KINDS]
    assert max(len(line) for one in pages for line in text(one).splitlines()) <= 120
