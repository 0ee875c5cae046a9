"""Wald's sequential probability ratio test: the only way to stop a series early without fooling oneself."""

from collections.abc import Iterable
from math import inf, log
from typing import Literal

from harness.repeat import Sequential

Decision = Literal["good enough", "not good enough"]


def decide(passed: Iterable[bool], test: Sequential) -> Decision | None:
    """What the runs so far decide; None: play on. What it once decided it does not take back.

    The limits are 1/alpha and beta, not Wald's own (1-beta)/alpha and beta/(1-alpha): with these the two errors are
    at most alpha and beta exactly (Ville's inequality), also where the number of runs is limited.
    """
    evidence = 0.0
    accept, reject = log(1 / test.alpha), log(test.beta)
    one_passed, one_failed = log(test.p1 / test.p0), _log((1 - test.p1) / (1 - test.p0))
    for one in passed:
        evidence += one_passed if one else one_failed
        if evidence >= accept - 1e-9:
            return "good enough"
        if evidence <= reject + 1e-9:
            return "not good enough"
    return None


def _log(value: float) -> float:
    return log(value) if value > 0 else -inf
