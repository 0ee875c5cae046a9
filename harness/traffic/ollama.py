"""Questions to Ollama, whose answers are known, so that a truncated, crossed or forged one is seen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.wire import KNOWN_MODELS
from harness.words import COUNT, TEXT, word

_PROMPT = "hello {digit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model(Traffic):
    """A question to a language model. Of tiny and slow every token is known; of any other the end, and ``pattern``."""

    model: str | None = field(
        default=None,
        metadata=word(
            "model", TEXT, "the model that is asked: tiny, slow, or any other; else OLLAMA_TEST_MODEL or tiny"
        ),
    )
    tokens: int = field(default=8, metadata=word("tokens", COUNT, "how many tokens an answer has"))
    prompt: str = field(default=_PROMPT, metadata=word("prompt", TEXT, "what is asked; {digit} counts from 0 to 9"))
    pattern: str | None = field(
        default=None,
        metadata=word("pattern", TEXT, "a regular expression to be found in an answer that is not tiny's or slow's"),
    )

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Model, self).check(cluster)
        if not 2 <= self.tokens <= 1000:
            yield "tokens", f"is {self.tokens}: write one from 2 (one token has no sequence to check) to 1000"
        if not self.model and self.model is not None:
            yield "model", "is empty: write a model's name, such as tiny, or leave it out"
        if self.pattern is not None:
            yield from self._check_pattern(self.pattern)

    def _check_pattern(self, pattern: str) -> Iterator[tuple[str, str]]:
        if self.model is not None and _is_known(self.model):
            yield "pattern", f"is for other models: every token of {self.model} is known, leave it out"
        try:
            re.compile(pattern)
        except re.error as error:
            yield "pattern", f"is '{pattern}', which is not a regular expression: {error}"

    def asking(self, model: str) -> Self:
        return self if self.model is not None else replace(self, model=model)

    def models(self) -> tuple[str, ...]:
        return (self.model or KNOWN_MODELS[0],)

    def options(self) -> tuple[tuple[str, str], ...]:
        (model,) = self.models()
        prompt = () if self.prompt == _PROMPT else (("prompt", self.prompt),)
        pattern = () if self.pattern is None or _is_known(model) else (("pattern", self.pattern),)
        return (("model", model), ("tokens", str(self.tokens)), *prompt, *pattern)


def _is_known(model: str) -> bool:
    return model.removesuffix(":latest") in KNOWN_MODELS


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
