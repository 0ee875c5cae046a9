"""Every kind of load as a person writes it, from the file to the plan."""

import pytest

from harness.errors import ScenarioError
from harness.loader.binding import bind, notes
from harness.loader.scenario import parse
from harness.schedule import plan_text
from tests.recording.builder import CLUSTER

FILE = """
scenario: loads
about: Every kind of load.
cluster: ollama
phases: {warmup: 10s, faults: 30s, recovery: 20s}
traffic:
%s
objectives:
  - {name: answers, of: one, success: ">= 99%%"}
"""
GOOD = """
  - {name: one, client: ollama-chat, to: gateway, shape: ramp 10/s to 200/s}
  - {name: two, client: openai-chat, to: gateway, shape: spike 50/s to 500/s at 10s for 5s}
  - {name: three, client: http, to: gateway, users: 100, think: 500ms}
  - name: four
    client: http
    to: gateway
    shape: steps 50/s 100/s 200/s
    mix:
      - 80 path=/
      - '15 method=POST path=/orders size=4kB status=201 "headers=X-Tenant: a"'
      - 5 path=/health json=$.ready==true
  - {name: five, client: tcp, to: n1, rate: 20/s, send: "ECHO {digit}", expect: "{digit}"}
  - {name: six, client: websocket, to: n1, rate: 20/s, path: /chat, send: "say {digit}", expect: "{digit}"}
"""


def test_every_kind_of_load_is_read_planned_and_warned_of() -> None:
    scenario = bind(parse((FILE % GOOD).encode(), "loads.yaml"), CLUSTER)
    said = notes(scenario, CLUSTER)
    plan = plan_text(scenario, CLUSTER, said)
    for words in (
        "ollama-chat to gateway, ramp 10/s to 200/s (3,450 operations)",
        "openai-chat to gateway, spike 50/s to 500/s at 10s for 5s (5,250 operations)",
        "http to gateway, 100 users in a closed loop, each thinks 0.5 s (as many operations as are answered)",
        "http to gateway, steps 50/s 100/s 200/s (5,000 operations)",
        "tcp to n1, 20/s (1,200 operations)",
    ):
        assert words in " ".join(plan.split()), words
    assert [note for note in said if "closed loop" in note and note.startswith("three is")]
    for traffic in scenario.traffic:
        order = traffic.load(CLUSTER, 0, 1, 7, warmup_s=10, faults_s=30)
        assert (order.traffic, order.client) == (traffic.name, traffic.client)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("  - {name: one, client: http, to: gateway}", "'rate' is missing: write 'rate: 50/s', a 'shape', or 'users'"),
        ("  - {name: one, client: http, to: gateway, shape: ramp}", "'shape' is 'ramp': write it like 'ramp 10/s to"),
        ("  - {name: one, client: tcp, to: n1, rate: 1/s}", "tcp traffic needs 'send': the line that is sent"),
        ("  - {name: one, client: http, to: n1, rate: 1/s, mix: [1 a=b]}", "'mix' has '1 a=b': 'a' cannot differ in"),
        ("  - {name: one, client: http, to: n1, rate: 1/s, headers: 'Host: x'}", "'headers' is 'Host: x': the client"),
        ("  - {name: one, client: http, to: n1, rate: 1/s, method: get}", "'method' is 'get': write one of GET, POST"),
    ],
)
def test_what_is_wrong_is_said_at_its_line(line: str, text: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        bind(parse((FILE % line).encode(), "loads.yaml"), CLUSTER)
    (problem,) = caught.value.problems
    assert (problem.line, problem.text[: len(text)]) == (7, text)
