"""Suites that were never played: their runs are small recordings, each judged as a real one is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from msgspec.structs import replace

import harness.cli.places
from harness.cli import results
from harness.judge.judge import judge
from harness.judge.verdict import Verdict
from harness.loader import bind, parse
from harness.loader.suite import Play, Suite, Variables
from harness.operations import Outcome, pack
from harness.recording.events import Began
from harness.recording.folder import Recorder
from harness.signoff import playing
from harness.signoff.folder import SuiteFolder
from harness.signoff.playing import Done
from harness.signoff.record import SuiteRecord
from tests.recording.builder import CLUSTER, Harm, Story

SHIPPED = Path(harness.cli.places.__file__).parents[2] / "scenarios"
GOOD = Story(answers={"excluded": 2.0, "whole-again": 3.0})
SLOW = GOOD.but(harms=(Harm(41, 59, latency_s=0.3, outcome=Outcome.OK),))
LOST = GOOD.but(harms=(Harm(20, 25),))
BLIND = GOOD.but(late_s=0.5)
BEGAN = "2026-11-21T09:30:12+00:00"


def keep(
    folder: Path, name: str, scenario: str, story: Story, variables: Variables = (), text: bytes | None = None
) -> Verdict:
    """Write the record of a run called ``name`` and judge it. ``text``: the scenario's file, if it is not shipped."""
    recorder, told = Recorder(folder), story.evidence()
    recorder.text("scenario.yaml", text or (SHIPPED / f"{scenario}.yaml").read_bytes())
    recorder.text("compose.yaml", "services: {}\n")
    for event in told.events:
        if isinstance(event, Began):
            facts = (("kernel", "6.18.0"), ("image", "chaos-harness/ollama:4f1c22d0"))
            event = replace(event, run=name, scenario=scenario, facts=facts, variables=variables)  # noqa: PLW2901
        recorder.event(event)
    for probe in told.probes:
        recorder.probe(probe)
    recorder.operations("chat", pack(told.operations["chat"]))
    recorder.close()
    (folder / "logs").mkdir()
    (folder / "logs" / "gateway.log").write_text("Server be/n1 is DOWN\n")
    return results.conclude(folder)


Script = Mapping[str, Story | BaseException]


@dataclass
class Fake:
    """A player that tells a story for each scenario, or raises; it remembers what it was asked for.

    ``kept``: with a record of every run below ``runs``, as a real one leaves; else with its verdict only.
    """

    runs: Path
    script: Script = field(default_factory=dict)
    kept: bool = False
    stem: str = "t1"
    asked: list[str] = field(default_factory=list)
    seeds: list[int | None] = field(default_factory=list)

    def __call__(self, play: Play, /) -> Done:
        self.asked.append(play.label)
        self.seeds.append(play.seed)
        story = self.script.get(play.label, self.script.get(play.scenario, GOOD))
        if isinstance(story, BaseException):
            raise story
        name = f"{play.scenario}/{self.stem}-{len(self.asked)}"
        if self.kept:
            return Done(keep(self.runs / name, name, play.scenario, story, play.variables), name, False)
        return Done(replace(_verdict(story), run=name), name, False)


_VERDICTS: dict[int, Verdict] = {}


def _verdict(story: Story) -> Verdict:
    """Of partition.yaml; judged once."""
    if id(story) not in _VERDICTS:
        scenario = bind(parse((SHIPPED / "partition.yaml").read_bytes(), "partition.yaml"), CLUSTER)
        _VERDICTS[id(story)] = judge(scenario, story.evidence())
    return _VERDICTS[id(story)]


def ticking(step_s: float = 1.0) -> Callable[[], float]:
    """A clock on which every look takes ``step_s``."""
    ticks = count()
    return lambda: next(ticks) * step_s


def suite(*plays: Play, time_limit_s: float | None = None) -> Suite:
    return Suite("signoff", "What a release must come through.", plays, time_limit_s)


def one(
    scenario: str = "partition", *, repeats: int = 1, skip: str = "", seed: int | None = None, **variables: str
) -> Play:
    return Play(scenario, tuple(variables.items()), repeats, 60.0, skip, seed)


def played(
    runs: Path, *plays: Play, script: Script | None = None, name: str = "t1", kept: bool = False
) -> tuple[Path, SuiteRecord]:
    """The folder of a suite and what it came to."""
    folder = SuiteFolder(runs, "signoff", name, b"suite: signoff\n")
    fake = Fake(runs, script or {}, kept, name)
    record = playing.play(suite(*plays), fake, ticking(), BEGAN, lambda now, *_: folder.write(now))
    folder.write(record)
    return folder.path, record
