"""What the doctor makes of what it saw; nothing is started here."""

import pytest

from harness import wire
from harness.cli.doctor import render
from harness.drivers import doctor_probe
from harness.drivers.doctor import MECHANISMS, Examination, Outcome, Trial, loopback_port, read_probe
from harness.errors import EngineError

FACTS = (("engine", "docker 28.0"), ("kernel", "6.1"))


def examination(**outcomes: Outcome) -> Examination:
    """All is well but for what is named, by the mechanism's name."""
    return Examination(FACTS, tuple(Trial(m, outcomes.get(m.name, "ok"), "seen") for m in MECHANISMS))


def lines(found: Examination) -> list[str]:
    return [line.plain for line in render(found, 120)]


def test_the_probe_speaks_of_the_ports_of_the_sidecar() -> None:
    probe = (doctor_probe.ECHO_PORT, doctor_probe.TOXIPROXY_PORT, doctor_probe.TOXIPROXY_UID)
    assert probe == (wire.ECHO_PORT, wire.TOXIPROXY_PORT, wire.TOXIPROXY_UID)


def test_every_mechanism_of_the_probe_is_judged() -> None:
    assert set(doctor_probe.TRIALS) <= {mechanism.name for mechanism in MECHANISMS}


def test_a_machine_where_all_works_is_well() -> None:
    assert lines(examination())[-1] == "Everything that today's faults need works here."
    assert examination().well


@pytest.mark.parametrize("name", [mechanism.name for mechanism in MECHANISMS])
def test_only_what_a_fault_of_today_needs_makes_the_machine_unwell(name: str) -> None:
    today = {mechanism.name: mechanism.today for mechanism in MECHANISMS}
    absent: dict[str, Outcome] = {name: "absent"}
    assert examination(**absent).well is not today[name]


def test_a_missing_mechanism_says_what_follows_and_what_to_do() -> None:
    found = lines(examination(redirect="failed", netem="absent"))
    row = next(line for line in found if "nftables redirect" in line)
    assert " not here: latency " in row
    assert found[-1] == (
        "Some of today's faults cannot be injected here. nftables redirect: load nft_redir and nft_nat."
    )


def test_each_mechanism_has_one_line_where_all_works() -> None:
    assert len(lines(examination(netem="absent"))) == len(FACTS) + 1 + 1 + len(MECHANISMS) + 1 + 1


def test_without_an_engine_the_last_line_says_what_to_do() -> None:
    found = Examination((("engine", "does not answer"),), (), "run 'sudo make engine'")
    assert (lines(found), found.well) == (["engine  does not answer", "", "run 'sudo make engine'"], False)


def test_what_the_probe_did_not_say_failed_for_the_reason_that_stands_there() -> None:
    text = '{"name": "htb", "outcome": "ok", "seen": "a class"}\nTraceback: no nft\n'
    assert read_probe(["htb", "nftables"], text) == {
        "htb": ("ok", "a class"),
        "nftables": ("failed", "Traceback: no nft"),
    }
    assert read_probe(["htb"], "") == {"htb": ("failed", "the probe did not come to it")}
    assert read_probe(["htb"], "", "the engine is gone") == {"htb": ("failed", "the engine is gone")}


@pytest.mark.parametrize("hosts", [[], ["0.0.0.0"], ["127.0.0.1", "::"]])
def test_a_port_that_others_can_reach_is_refused(hosts: list[str]) -> None:
    bindings = [{"HostIp": host, "HostPort": "4000"} for host in hosts]
    with pytest.raises(EngineError) as refused:
        loopback_port(bindings)
    assert str(refused.value) == f"the port is published on {', '.join(hosts) or 'nothing'}, not on 127.0.0.1 alone"
    assert loopback_port([{"HostIp": "127.0.0.1", "HostPort": "4000"}]) == 4000
