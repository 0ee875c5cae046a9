"""A suite is played: one scenario after the other, a failure is written down and the rest goes on."""

import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Protocol

from msgspec.structs import replace

from harness import __version__, errors
from harness.errors import HarnessError, ImageError, StartError, UnableError
from harness.judge.verdict import Verdict
from harness.loader.suite import Play, Suite
from harness.report import figures
from harness.series.record import seed_of
from harness.signoff.record import SCHEMA, Played, SuiteRecord, row_of
from harness.units import show_planned_s, show_s

# What this machine lacks: no pass, but nothing that the cluster did either.
_LACKING = (UnableError, ImageError, StartError)


@dataclass(frozen=True, slots=True)
class Done:
    """A run that came to a verdict. ``run``: the name of its record."""

    verdict: Verdict
    run: str
    interrupted: bool


class Player(Protocol):
    """``harness run``, or a fake of it. Raises ``HarnessError`` where there is no verdict."""

    def __call__(self, play: Play, /) -> Done: ...


Tell = Callable[[SuiteRecord, Play, Played], None]


def play(suite: Suite, player: Player, clock_s: Callable[[], float], began: str, tell: Tell) -> SuiteRecord:
    """``clock_s``: seconds of a clock that does not jump. ``tell`` hears of every run as it ends, and of every skip."""
    zero_s = clock_s()
    record = SuiteRecord(
        schema=SCHEMA,
        suite=suite.name,
        about=suite.about,
        began=began,
        took_s=0.0,
        time_limit_s=suite.time_limit_s,
        harness=__version__,
        ended=False,
        rows=tuple(map(row_of, suite.plays)),
    )
    stopped = False
    for at, one in _runs(suite):
        row, begin_s = record.rows[at], clock_s() - zero_s
        if row.played and row.played[-1].outcome == "skipped":
            continue  # what was lacking a moment ago is lacking now
        played = _unplayed(suite, one, begin_s, stopped=stopped) or played_once(one, player)
        stopped = stopped or played.exit_code == errors.INTERRUPTED
        now_s = clock_s() - zero_s
        row = replace(row, played=(*row.played, replace(played, took_s=round(now_s - begin_s, 3))))
        record = replace(record, took_s=round(now_s, 3), rows=(*record.rows[:at], row, *record.rows[at + 1 :]))
        tell(record, one, row.played[-1])
    return replace(record, ended=True)


def _runs(suite: Suite) -> Iterator[tuple[int, Play]]:
    """Every run, with the place of its row; what is skipped once. Repeats draw anew, as ``run --repeat`` does."""
    for at, one in enumerate(suite.plays):
        if one.skip or one.repeats == 1 or one.seed is None:
            yield from ((at, one) for _ in range(1 if one.skip else one.repeats))
        else:
            yield from ((at, replaced(one, seed=seed_of(one.seed, n + 1))) for n in range(one.repeats))


def _unplayed(suite: Suite, one: Play, begin_s: float, *, stopped: bool) -> Played | None:
    """Why it is not played; None: it is."""
    if one.skip:
        return Played("skipped", errors.HELD, "SKIPPED", one.skip, 0.0)
    if stopped:
        return Played("none", errors.NO_VERDICT, "NOT PLAYED", "the suite was interrupted before it.", 0.0)
    if suite.time_limit_s is not None and begin_s + one.lasts_s > suite.time_limit_s:
        left = show_s(max(0.0, suite.time_limit_s - begin_s))
        text = f"its phases last {show_planned_s(one.lasts_s)}, and of the suite's time {left} were left."
        return Played("none", errors.NO_VERDICT, "NOT PLAYED", text, 0.0)
    return None


def played_once(one: Play, player: Player) -> Played:
    """One run, whatever comes of it; ``took_s`` is left 0."""
    try:
        done = player(one)
    except _LACKING as error:
        return Played("skipped", errors.INCONCLUSIVE, "SKIPPED", figures.line(str(error)), 0.0)
    except HarnessError as error:
        return Played("none", error.exit_code, "NO VERDICT", figures.line(str(error)), 0.0)
    except KeyboardInterrupt:
        return Played("none", errors.INTERRUPTED, "INTERRUPTED", "stopped before anything was started.", 0.0)
    except Exception as error:  # a defect of ours in one run must not cost those after it
        last = traceback.extract_tb(error.__traceback__)[-1]
        text = f"the harness itself failed: {type(error).__name__} in {last.name}, line {last.lineno}: {error}"
        return Played("none", errors.NO_VERDICT, "NO VERDICT", figures.line(text), 0.0)
    code = errors.INTERRUPTED if done.interrupted else done.verdict.exit_code
    verdict = done.verdict
    return Played(verdict.outcome, code, figures.headword(verdict), figures.sentence(verdict), 0.0, done.run)
