"""Plain HTTP requests."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.traffic.base import Traffic
from harness.words import COUNT, TEXT, word


@dataclass(frozen=True, slots=True, kw_only=True)
class Http(Traffic):
    """GET ``path``; anything but the expected status, or a body without ``body`` in it, is not a success."""

    client: ClassVar[str] = "http"
    about: ClassVar[str] = "GETs a path and checks status and body"

    path: str = field(default="/", metadata=word("path", TEXT, "what is asked for"))
    status: int = field(default=200, metadata=word("status", COUNT, "the status of a good answer"))
    body: str = field(default="", metadata=word("body", TEXT, "what a good answer contains"))

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Http, self).check(cluster)
        if not self.path.startswith("/") or " " in self.path:
            yield "path", f"is '{self.path}': write one that starts with '/' and has no spaces"
        if not 200 <= self.status <= 599:
            yield "status", f"is {self.status}: write the status of a good answer, from 200 to 599"

    def options(self) -> tuple[tuple[str, str], ...]:
        return (("path", self.path), ("status", str(self.status)), ("body", self.body))
