import asyncio
import socket
from collections.abc import Iterator

import pytest

from harness.client import target
from harness.client.target import Target


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str | OSError]]:
    """What the resolver says next; the last one for ever."""
    says: list[str | OSError] = []

    def getaddrinfo(host: str, port: int, **_: object) -> list[object]:
        answer = says.pop(0) if len(says) > 1 else says[0]
        if isinstance(answer, OSError):
            raise answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(target, "_DOUBT_AGAIN_NS", 0)
    yield says


async def settled(wanted: Target, address: str) -> bool:
    for _ in range(200):
        if await wanted.address() == address:
            return True
        await asyncio.sleep(0.01)
    return False


def test_a_name_is_resolved_once_while_its_address_serves(resolver: list[str | OSError]) -> None:
    resolver[:] = ["first", "second"]

    async def story() -> list[str | OSError]:
        wanted = Target("n1", 80)
        return [await wanted.address(), await wanted.address()]

    assert asyncio.run(story()) == ["first", "first"]


def test_an_address_in_doubt_serves_until_the_name_has_another(resolver: list[str | OSError]) -> None:
    resolver[:] = ["first", socket.gaierror(-3, "try again"), "second"]

    async def story() -> None:
        wanted = Target("n1", 80)
        assert await wanted.address() == "first"
        for _ in range(50):
            wanted.doubt()
            assert await wanted.address() in ("first", "second")
            await asyncio.sleep(0.01)
        assert await settled(wanted, "second")

    asyncio.run(story())


def test_a_name_that_is_not_known_yet_is_asked_for_again(resolver: list[str | OSError]) -> None:
    resolver[:] = [socket.gaierror(-2, "Name or service not known"), "first"]

    async def story() -> str | OSError:
        wanted = Target("n1", 80)
        assert str(await wanted.address()) == "[Errno -2] Name or service not known"
        return await wanted.address()

    assert asyncio.run(story()) == "first"


def test_one_who_gives_up_waiting_takes_the_answer_from_nobody(resolver: list[str | OSError]) -> None:
    resolver[:] = ["first"]

    async def story() -> str | OSError:
        wanted = Target("n1", 80)
        impatient = asyncio.create_task(wanted.address())
        patient = asyncio.create_task(wanted.address())
        await asyncio.sleep(0)
        impatient.cancel()
        return await patient

    assert asyncio.run(story()) == "first"
