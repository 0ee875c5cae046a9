"""Questions to Ollama, whose answers are known, so that a truncated, crossed or forged one is seen."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.words import COUNT, TEXT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Traffic):
    """A question to a language model. The tiny model's answer is checked token by token, any other's for its end."""

    model: str = field(default="tiny", metadata=word("model", TEXT, "the model that is asked"))
    tokens: int = field(default=8, metadata=word("tokens", COUNT, "how many tokens an answer has"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Model, self).check(cluster)
        if not 2 <= self.tokens <= 1000:
            yield "tokens", f"is {self.tokens}: write one from 2 (one token has no sequence to check) to 1000"

    def options(self) -> tuple[tuple[str, str], ...]:
        return (("model", self.model), ("tokens", str(self.tokens)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaGenerate(Model):
    """POST /api/generate, streaming."""

    client: ClassVar[str] = "ollama-generate"
    about: ClassVar[str] = "streams an answer from /api/generate and checks every token of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaChat(Model):
    """POST /api/chat, streaming."""

    client: ClassVar[str] = "ollama-chat"
    about: ClassVar[str] = "streams an answer from /api/chat and checks every token of it"
