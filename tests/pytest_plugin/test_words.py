import pytest

import harness.pytest_plugin as plugin
from harness.errors import ScenarioError
from harness.faults import CATALOGUE
from harness.faults.partition import Partition as PartitionFault
from harness.loader import bind, parse
from harness.loader.written import Said, say, write
from harness.objectives import OBJECTIVES
from harness.pytest_plugin import P99, Latency, Partition, Success
from tests.recording.builder import CLUSTER

HEAD = {"scenario": "mine", "about": "a test", "cluster": "ollama", "seed": "3"}
PHASES = {"warmup": "10s", "faults": "30s", "recovery": "20s"}
CHAT = say("traffic", "ollama-generate", (), {"name": "chat", "to": "gateway", "rate": "50/s", "in_flight": 7})


def test_every_fault_and_objective_has_the_name_of_its_class() -> None:
    for table in (CATALOGUE, OBJECTIVES):
        for kind, one in table.items():
            assert getattr(plugin, one.__name__).kind == kind


def test_a_name_that_is_none_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"'Partitoin'; there are .*Partition"):
        _ = plugin.Partitoin


def test_words_of_python_are_words_of_the_file() -> None:
    assert Partition("n1", from_="everyone", for_="20s") == Said(
        "faults", "partition", {"nodes": "n1", "from": "everyone", "for": "20s"}
    )
    assert Partition("n1", "n2").words == {"nodes": ("n1", "n2")}
    assert Partition("gateway -> n1").words == {"links": "gateway -> n1"}
    assert Latency("gateway -> n1", delay="200ms").words == {"link": "gateway -> n1", "delay": "200ms"}
    assert Success(">= 99%", of="chat", in_="all").words == {"success": ">= 99%", "of": "chat", "in": "all"}
    assert CHAT.words["in-flight"] == "7"


def test_a_word_that_the_kind_does_not_have_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(ScenarioError, match=r"'frm_' is not a word of it; did you mean 'from'\?"):
        Partition("n1", frm_="n2")


def test_what_was_said_is_a_scenario_file_that_is_read_like_any_other() -> None:
    cut = Partition("n1", from_="everyone", name="lost-n1", at="5s", for_="20s")
    asked = P99("<= 1s", of="chat", in_="lost-n1", name="slow")
    scenario = bind(parse(write(HEAD, PHASES, (CHAT, cut, asked)), "mine.yaml"), CLUSTER)
    assert scenario.faults == (PartitionFault(name="lost-n1", at_s=5.0, for_s=20.0, nodes=("n1",)),)
    assert (scenario.seed, scenario.traffic[0].in_flight_max, scenario.objectives[0].name) == (3, 7, "slow")
