"""A proposal as the two files that ``harness init`` writes, every line with its reason."""

from collections.abc import Sequence

import yaml

from harness.init.propose import Line, Load, Proposal, Victim

_COMMENT_AT = 50
_WIDTH = 118
SCENARIO = "first"


def _scalar(text: str) -> str:
    """As YAML writes it: quoted where it must be (``off``, ``"8080"``)."""
    return str(yaml.safe_dump(text, width=_WIDTH * 10)).splitlines()[0]


def _commented(text: str, why: str) -> list[str]:
    """The reason beside a line, or above it where there is no room."""
    beside = f"{text.ljust(_COMMENT_AT)}  # {why}"
    if len(beside) <= _WIDTH:
        return [beside]
    return [f"{' ' * (len(text) - len(text.lstrip()))}# {why}", text]


def addition(compose_file: str, proposal: Proposal) -> str:
    """The file that is merged over the user's compose file, which stays as it is."""
    how = "was started, and asked" if proposal.started else "was read, and not started: what it says is guessed"
    head = [
        f"# Written by `harness init`: what {compose_file} cannot say of its services. It {how}.",
        f"# A scenario that says `cluster: {compose_file}` has this merged over it; plain `docker compose` does",
        "# not read it. Everything may be changed, and any line may be left out.",
        "services:",
    ]
    lines = [line for service, block in proposal.blocks for line in _block(service.name, block)]
    return "\n".join([*head, *lines] if lines else [*head[:-1], "services: {}"]) + "\n"


def _block(service: str, block: Sequence[Line]) -> list[str]:
    lines = [f"  {_scalar(service)}:", "    x-harness:"]
    return lines + [text for line in block for text in _commented(f"      {line.key}: {line.value}", line.why)]


def scenario(
    compose_file: str, name: str, proposal: Proposal, load: Load, victim: Victim, variables: Sequence[tuple[str, str]]
) -> str:
    """The first scenario, in full."""
    fault = f"lost-{victim.node}"[:40].rstrip("-")
    asked = load.service.first_node
    notice = "Another one can stand in for it" if victim.spared else "Nobody stands in for it"
    given = ", ".join(f"{key}: {_scalar(value)}" for key, value in variables)
    words = "".join(f", {key}: {value}" for key, value in load.words)
    after, bound = (fault, "5s") if victim.spared else (f"end of {fault}", "3s")
    when = "from the cut on: others answer in its place" if victim.spared else "once the network is whole again"
    lines = [
        f"# Written by `harness init {compose_file}`. `harness plan {name}.yaml` shows what it does, moment by moment.",
        f"scenario: {name}",
        f"about: {victim.node} is cut off from everyone for 10 s while users ask {asked}. {notice}.",
        *_commented(f"cluster: {compose_file}", "and what stands beside it in the file that ends with .harness"),
        "seed: 1",
        *([f"with: {{{given}}}"] if given else []),
        *_commented("phases: {warmup: 5s, faults: 20s, recovery: 10s}", "the warm-up says what is usual"),
        "traffic:",
        f"  # {load.why}.",
        f"  - {{name: visits, client: {load.client}, to: {asked}, rate: 25/s, timeout: 2s{words}}}",
        "faults:",
        f"  # {victim.why}.",
        "  # style: drop is silence, as when a cable is pulled; reject is refused at once, as by a firewall.",
        f"  - {{fault: partition, name: {fault}, at: 5s, for: 10s, nodes: [{victim.node}], style: drop}}",
        "objectives:",
        "  # How many of all users get an answer, the fault included. Put here what you promise them.",
        '  - {name: answers, of: visits, success: ">= 99%", in: all}',
        f"  # How soon the service is as it was ({when}):",
        "  # when the first 5 s begin in which 99 % succeed, as fast as before.",
        f'  - {{name: restored, of: visits, after: {after}, restored: "<= {bound}", hold: 5s}}',
        "  # No answer is ever a wrong one; what is late or refused is not wrong.",
        '  - {name: truth, of: visits, wrong: "== 0", in: all}',
        "  # No service ends because another one is out of reach.",
        '  - {name: alive, crashes: "== 0"}',
    ]
    return "\n".join(lines) + "\n"


def spoken(proposal: Proposal) -> list[str]:
    """What is said in the terminal: a line for each service, then the load and the fault with their reasons."""
    said = []
    for service, block in proposal.blocks:
        values = ", ".join(f"{line.key}: {line.value}" for line in block)
        said.append(f"  {service.name:<14} {values}")
    if proposal.load and proposal.victim:
        said.append(f"load    {proposal.load.service.name}: {proposal.load.why}")
        said.append(f"fault   {proposal.victim.node} is cut off; {proposal.victim.why}")
    return said
