"""One round of what ``make self-chaos`` does: the harness is harmed in every way there is, and nothing of it stays."""

from itertools import islice

import docker
import pytest

from selfchaos.deck import points
from selfchaos.harms import DECK, HARMS
from selfchaos.kinds import KINDS
from selfchaos.series import play

SEED = 20


@pytest.mark.usefixtures("images")
def test_nothing_of_ours_outlives_twenty_harms(engine: docker.DockerClient) -> None:
    drawn = list(islice(points(SEED, DECK, tuple(KINDS)), len(DECK)))
    assert {point.harm for point in drawn} == set(HARMS)
    found = list(play(engine, SEED, drawn, workers=4))
    assert [(r.number, r.harm, r.kind, r.phase, r.leaks) for r in found if r.leaks] == []
    assert sum(not r.note for r in found) >= 15, [r.note for r in found]
