"""What our resolver answers, without a network."""

import asyncio
from dataclasses import dataclass

import pytest

from harness.agent.redirect import messages
from harness.agent.redirect.names import Names
from harness.clock import monotonic_ns, to_ns
from harness.primitives import Resolve


@dataclass
class Truth:
    """A resolver that knows one address for everything, and counts who asked."""

    asked: int = 0

    async def __call__(self, message: bytes) -> bytes:
        self.asked += 1
        found = messages.asked(message)
        assert found
        return messages.address_for(found, "127.0.0.2")


def hear(service: Names, name: str, truth: Truth | None = None) -> messages.Heard | None:
    answer = asyncio.run(service.answer(messages.question(7, name), truth or Truth(), witness=False))
    return messages.heard(answer) if answer else None


def names(change: Resolve, *, fired: bool = True) -> Names:
    service = Names(change, "127.0.0.11", 0)
    if fired:
        service.fire(monotonic_ns() + to_ns(60))
    return service


TRUE = messages.Heard(7, "noerror", ("127.0.0.2",))


@pytest.mark.parametrize(
    ("change", "heard"),
    [
        (Resolve("n1", ("n2",), "nxdomain"), messages.Heard(7, "nxdomain", ())),
        (Resolve("n1", ("n2",), "servfail"), messages.Heard(7, "servfail", ())),
        (Resolve("n1", ("N2.",), "address", "127.0.0.9"), messages.Heard(7, "noerror", ("127.0.0.9",))),
        (Resolve("n1", ("n2",), "delay", delay_s=0.05), TRUE),
        (Resolve("n1", (), "silence"), None),
    ],
)
def test_who_asks_for_the_name_hears_the_lie(change: Resolve, heard: messages.Heard | None) -> None:
    service = names(change)
    before_ns = monotonic_ns()
    assert hear(service, "N2") == heard
    assert monotonic_ns() - before_ns >= to_ns(change.delay_s)
    assert (service.met, service.changed, service.echoes) == (1, 1, 0)


@pytest.mark.parametrize("name", ["n3", "a.n2", "n2.example", "n"])
def test_every_other_name_gets_the_true_answer(name: str) -> None:
    service, truth = names(Resolve("n1", ("n2",), "nxdomain")), Truth()
    assert hear(service, name, truth) == TRUE
    assert (truth.asked, service.met) == (1, 0)


def test_before_it_fires_after_it_healed_and_past_its_lease_everybody_hears_the_truth() -> None:
    service = names(Resolve("n1", (), "silence"), fired=False)
    assert hear(service, "n2") == TRUE
    service.fire(monotonic_ns() - 1)
    assert hear(service, "n2") == TRUE
    service.fire(monotonic_ns() + to_ns(60))
    assert hear(service, "n2") is None
    service.ease()
    assert hear(service, "n2") == TRUE


def test_our_own_questions_are_counted_apart() -> None:
    service = names(Resolve("n1", (), "nxdomain"))
    asyncio.run(service.answer(messages.question(7, "n2"), Truth(), witness=True))
    assert (service.met, service.echoes) == (0, 1)
