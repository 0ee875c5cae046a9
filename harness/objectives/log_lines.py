"""The lines of the containers' logs, and when they were said on the clock that everything else goes by."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.recording.evidence import WALL, Evidence
from harness.words import Reader

# The engine stamps a line when it has read it, which is a little after it was said.
STAMP_LATE_S = 0.010
# A log this long that begins after what is asked about was cut: by the record (its last 20 MB) or by its log driver.
CUT_CHARACTERS = 1_000_000
_SAME_KERNEL_NS = 1_000_000_000  # a monotonic clock that is further off ours is another machine's
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z ")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # both are UTC, as the stamp's Z says
_SHOWN = 160
_LAST_NS = 1_000_000_000
_ANYTHING = re.compile(r"\S")
# How runtimes name what ended them (Go, Rust, Node, Python, Java); around it stand traces.
_CAUSE = re.compile(
    r"(?i:^panic: |panicked at|\bfatal\b|segmentation fault|out of memory)|^Caused by: |^\S*(Error|Exception)\b"
)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise ValueError(f"is '{text}', which is no regular expression ({error})") from error


PATTERN = Reader("regular expression", "panic|fatal", _pattern)


@dataclass(frozen=True, slots=True)
class Said:
    """One line, without its stamp."""

    at_ns: int
    node: str
    text: str

    def shown(self) -> str:
        return self.text if len(self.text) <= _SHOWN else f"{self.text[:_SHOWN]} …"


@dataclass(frozen=True, slots=True)
class Log:
    """``text``: all that is kept of a node's log. ``offset_ns``: its stamps minus our clock, known to ``error_s``."""

    node: str
    text: str
    offset_ns: int
    error_s: float

    def matching(self, pattern: re.Pattern[str]) -> Iterator[Said]:
        """The lines in which the pattern is found, in order; a line without a stamp cannot be placed in time."""
        for line in self.text.split("\n"):
            stamp = _STAMP.match(line)
            if stamp and pattern.search(line, stamp.end()):
                yield Said(_ns(stamp) - self.offset_ns, self.node, line[stamp.end() :].rstrip("\r"))

    def covers(self, from_ns: int) -> bool:
        """Whether it is whole from then on."""
        first = next(filter(None, map(_STAMP.match, self.text[:100_000].split("\n"))), None)
        begins_later = first is None or _ns(first) - self.offset_ns > from_ns
        return not (begins_later and len(self.text) >= CUT_CHARACTERS)


def log_of(node: str, evidence: Evidence) -> Log | str:
    """A node's log; or the sentence that says why there is none, or none that can be placed in time."""
    text = evidence.logs.get(f"{node}.node.log")
    if text is None:
        return f"the record has no log of {node}"
    looks = evidence.clocks().get(WALL)
    if not looks:
        return "the clock on the wall was never compared with ours, so lines of a log cannot be placed in time"
    pods = (look.offset_ns for pod, seen in evidence.clocks().items() if pod != WALL for look in seen)
    if any(abs(offset_ns) > _SAME_KERNEL_NS for offset_ns in pods):
        return "the engine is on another machine, whose wall clock nobody compared with ours"
    offset_ns = looks[0].offset_ns
    moved_ns = max(abs(look.offset_ns - offset_ns) + look.error_ns for look in looks)
    return Log(node, text, offset_ns, moved_ns / 1e9 + STAMP_LATE_S)


def last_words(node: str, at_ns: int, evidence: Evidence) -> str:
    """What a node that ended then said of it: in its last second the last line that names a cause, else its last line;
    "" where its log is not there or cannot be placed in time."""
    log = log_of(node, evidence)
    if isinstance(log, str):
        return ""
    from_ns, until_ns = at_ns - _LAST_NS, at_ns + round(log.error_s * 1e9)
    lines = evidence.once(("lines", node), lambda: tuple(log.matching(_ANYTHING)))  # it may end many times
    said = [one for one in lines if from_ns <= one.at_ns <= until_ns]
    causes = [one for one in said if _CAUSE.search(one.text)]
    return next((one.shown() for one in reversed(causes or said)), "")


def logs_of(nodes: tuple[str, ...], evidence: Evidence) -> Mapping[str, Log] | str:
    """The logs of those nodes, of every node where none is named; or why one of them is not there."""
    found: dict[str, Log] = {}
    for node in nodes or (evidence.began.cluster.names() if evidence.began else ()):
        log = log_of(node, evidence)
        if isinstance(log, str):
            return log
        found[node] = log
    return found


def _ns(stamp: re.Match[str]) -> int:
    """Nanoseconds since 1970, as exactly as the stamp says."""
    since = datetime.fromisoformat(stamp[1]) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + int((stamp[2] or "0").ljust(9, "0"))
