"""The load a scenario puts on its cluster: one class per client, one line in the table."""

from harness.traffic.base import Traffic
from harness.traffic.http import Http
from harness.traffic.nats import Nats
from harness.traffic.ollama import OllamaChat, OllamaGenerate
from harness.traffic.openai import OpenaiChat
from harness.traffic.python import Python
from harness.traffic.registers import Registers
from harness.traffic.serf import Serf
from harness.traffic.statuses import EtcdStatus
from harness.traffic.tcp import Tcp
from harness.traffic.websocket import Websocket

CLIENTS: dict[str, type[Traffic]] = {
    kind.client: kind
    for kind in (
        *(OllamaGenerate, OllamaChat, OpenaiChat, Http, Tcp, Websocket, Python),
        *(Registers, EtcdStatus, Nats, Serf),
    )
}

__all__ = ["CLIENTS", "Traffic"]
