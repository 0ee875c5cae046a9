"""Every error this project raises on purpose, as one tree.

    HarnessError                 exit code, one sentence: what was seen, where, what to do
      ScenarioError        2     a scenario or a command line is wrong; carries every problem found
        HistoryError       2     a history of operations cannot be read
      ClusterError         2     a compose file cannot be woven, or names what is not there
      EngineError          4     no container engine, or it refused what we asked of it
        UnableError        4     this engine or kernel cannot do what a scenario needs: a suite skips that one
      ImageError           4     an image does not build
        AbsentError        4     an image of the user's is not here and cannot be had: suites and pytest skip
      StartError           4     a cluster did not become ready
      RecordingError       4     a recording cannot be written, or cannot be read
      BundleError          4     a sign-off bundle cannot be written, or is no such thing
        ChangedError       1     a bundle is not as it was made; says which file
      AgentError           3     an agent is gone, or did not do what it was told
      WireError            3     a message that is not one of ours

Foreign errors (docker, requests, OSError) are translated into this tree where they enter, and nowhere else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

HELD, VIOLATED, WRONG_INPUT, INCONCLUSIVE, NO_VERDICT, INTERRUPTED = 0, 1, 2, 3, 4, 130


class HarnessError(Exception):
    """One sentence for a person, and the exit code for a program."""

    exit_code: ClassVar[int] = NO_VERDICT


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a file: ``file:line: text`` (line 0: the file as a whole)."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


class ScenarioError(HarnessError):
    """All problems of one scenario file at once, in the order of their lines. ``undone``: what was not done then."""

    exit_code = WRONG_INPUT
    undone: ClassVar[str] = "nothing was started"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class HistoryError(ScenarioError):
    undone = "nothing was checked"


class ClusterError(HarnessError):
    exit_code = WRONG_INPUT


class EngineError(HarnessError):
    pass


class UnableError(EngineError):
    pass


class ImageError(HarnessError):
    pass


class AbsentError(ImageError):
    pass


class StartError(HarnessError):
    pass


class RecordingError(HarnessError):
    pass


class BundleError(HarnessError):
    pass


class ChangedError(BundleError):
    exit_code = VIOLATED


class AgentError(HarnessError):
    exit_code = INCONCLUSIVE


class WireError(HarnessError):
    exit_code = INCONCLUSIVE
