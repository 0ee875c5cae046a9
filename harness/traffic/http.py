"""Plain HTTP requests."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from harness.cluster import Cluster
from harness.jsonpath import JsonPath
from harness.request import HEADER, METHODS, SENT_MAX_BYTES, header
from harness.traffic.base import Traffic
from harness.words import COUNT, SIZE, TEXT, Reader, choice, word

_HEADER = Reader("header", "Accept: application/json", header, pattern=HEADER.pattern)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http(Traffic):
    """Any request; anything but the expected status, or an answer that is not as asked for, is not a success."""

    client: ClassVar[str] = "http"
    about: ClassVar[str] = "sends any request and checks status, body and JSON of the answer"

    path: str = field(default="/", metadata=word("path", TEXT, "what is asked for; {digit} counts from 0 to 9"))
    method: str = field(default="GET", metadata=word("method", choice(*METHODS), "how"))
    headers: tuple[str, ...] = field(default=(), metadata=word("headers", _HEADER, "of the request", many=True))
    send: str = field(default="", metadata=word("send", TEXT, "the request's body; {digit} counts from 0 to 9"))
    size_bytes: int = field(default=0, metadata=word("size", SIZE, "in place of 'send': a body of so many bytes"))
    status: int = field(default=200, metadata=word("status", COUNT, "the status of a good answer"))
    body: str = field(default="", metadata=word("body", TEXT, "what a good answer contains; {digit} as in 'send'"))
    json: str = field(
        default="", metadata=word("json", TEXT, "what a good answer has, such as '$.nodes[0].state == \"up\"'")
    )

    def check(self, cluster: Cluster) -> Iterator[tuple[str, str]]:
        yield from super(Http, self).check(cluster)
        if not self.path.startswith("/") or " " in self.path:
            yield "path", f"is '{self.path}': write one that starts with '/' and has no spaces"
        if not 200 <= self.status <= 599:
            yield "status", f"is {self.status}: write the status of a good answer, from 200 to 599"
        if self.send and self.size_bytes:
            yield "size", "stands beside 'send': the body is either written or made; leave one out"
        if self.size_bytes > SENT_MAX_BYTES:
            yield "size", f"is {self.size_bytes:,} bytes: write at most {SENT_MAX_BYTES >> 20}MiB"
        if self.json and (wrong := json_problem(self.json)):
            yield "json", wrong

    def options(self) -> tuple[tuple[str, str], ...]:
        asked = (
            ("method", "" if self.method == "GET" else self.method),
            ("headers", "\n".join(self.headers)),
            ("send", self.send),
            ("size", str(self.size_bytes or "")),
            ("json", self.json),
        )
        always = (("path", self.path), ("status", str(self.status)), ("body", self.body))
        return (*always, *(pair for pair in asked if pair[1]))


def json_problem(text: str) -> str:
    """Half a sentence, or ""."""
    try:
        JsonPath.parse(text)
    except ValueError as error:
        return str(error)
    return ""
