"""Questions to whatever speaks OpenAI's API: Ollama, llama-server, vLLM and others."""

from dataclasses import dataclass
from typing import ClassVar

from harness.traffic.ollama import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenaiChat(Model):
    """POST /v1/chat/completions, streaming; an answer ends with ``[DONE]``."""

    client: ClassVar[str] = "openai-chat"
    about: ClassVar[str] = "streams an answer from /v1/chat/completions and checks every token of it"
