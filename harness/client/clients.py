"""The clients by name: what can be asked, and how the answer is checked."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Protocol

from harness.client.asking import Question
from harness.client.connection import Opening
from harness.client.http import Http
from harness.client.nats import Nats
from harness.client.ollama import OllamaChat, OllamaGenerate
from harness.client.openai import OpenaiChat
from harness.client.options import Options
from harness.client.python import Python
from harness.client.registers import Registers
from harness.client.serf import Serf
from harness.client.statuses import Statuses
from harness.client.tcp import Tcp
from harness.client.turns import Ask, Log, Pools
from harness.client.websocket import Websocket
from harness.errors import WireError
from harness.wire import Load


class Client(Protocol):
    def __init__(self, options: Options, seed: int) -> None:
        """Take what it knows out of ``options``; ``WireError`` for a value that is wrong."""

    def questions(self) -> tuple[Question, ...]:
        """At least one: what is asked of whoever is to show that it answers."""

    def asks(self, load: Load, pools: Pools, log: Log) -> Iterator[Ask]:
        """How it goes on asking; ``log`` takes the lines of the history that it keeps, if it keeps one."""

    def at(self, host: str, port: int) -> tuple[str, int]:
        """Where its connections go for what is asked of ``host`` and ``port``."""

    def close(self) -> None:
        """Its load has ended."""

    def opening(self, host: str, port: int) -> Opening:
        """What makes its connections; equal for all whose questions may go over the same ones."""


CLIENTS: Mapping[str, type[Client]] = {
    "ollama-generate": OllamaGenerate,
    "ollama-chat": OllamaChat,
    "openai-chat": OpenaiChat,
    "http": Http,
    "tcp": Tcp,
    "websocket": Websocket,
    "python": Python,
    "registers": Registers,
    "etcd-status": Statuses,
    "nats": Nats,
    "serf": Serf,
}


def build(client: str, pairs: Iterable[tuple[str, str]], seed: int) -> Client:
    """The client of that name with those options; ``WireError`` when there is none such."""
    if client not in CLIENTS:
        near = get_close_matches(client, CLIENTS, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(CLIENTS)}"
        raise WireError(f"'{client}' is not a client; {hint}")
    options = Options(client, pairs)
    built = CLIENTS[client](options, seed)
    options.close()
    return built
