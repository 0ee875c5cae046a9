import pytest

from harness.loader import bind, parse
from harness.report import listing
from harness.report.catalogue import PLACE
from harness.report.listing import Entry

_SKELETON = """\
scenario: example
about: Every example of a list stands here once.
cluster: ollama
phases: {{warmup: 10s, faults: 30s, recovery: 20s}}
traffic:
  {traffic}
faults:
  {fault}
alerts:
  - {{alert: NodeDown, expr: up == 0}}
objectives:
  {objective}
"""
_TRAFFIC = "- {client: ollama-generate, name: chat, to: gateway, rate: 50/s}"
_FAULT = "- {fault: partition, name: lost-n1, at: 5s, for: 20s, nodes: [n1]}"
_OBJECTIVE = '- {name: ok, success: ">= 99%", of: chat}'


def _problems(traffic: str = _TRAFFIC, fault: str = _FAULT, objective: str = _OBJECTIVE) -> None:
    text = _SKELETON.format(traffic=traffic, fault=fault, objective=objective)
    bind(parse(text.encode(), "example.yaml"), PLACE)  # raises with everything that is wrong


@pytest.mark.parametrize("entry", tuple(listing.objectives()), ids=lambda entry: entry.cells[0])
def test_the_example_of_every_objective_is_one_that_the_loader_takes(entry: Entry) -> None:
    _problems(objective=entry.example)


@pytest.mark.parametrize("entry", tuple(listing.clients()), ids=lambda entry: entry.cells[0])
def test_the_example_of_every_client_is_one_that_the_loader_takes(entry: Entry) -> None:
    _problems(traffic=entry.example)


@pytest.mark.parametrize("entry", tuple(listing.faults()), ids=lambda entry: entry.cells[0])
def test_the_example_of_every_fault_is_one_that_the_loader_takes(entry: Entry) -> None:
    _problems(fault=entry.example)


def test_columns_stand_below_one_another_and_one_example_at_the_end() -> None:
    entries = (Entry(("a", "x", "one")), Entry(("long", "yy"), "- {a: b}"), Entry(("b\x1b[2J\nc", "z", "two")))
    assert listing.text(entries, "harness run a") == (
        "a        x   one\nlong     yy\n         - {a: b}\nb�[2J c  z   two\n\nfor example: harness run a\n"
    )


def test_what_is_empty_is_called_none() -> None:
    assert listing.text((), "harness run a") == "none\n"
