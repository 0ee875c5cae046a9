"""Many points, one after the other or some at a time."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

import docker

from selfchaos.deck import Point
from selfchaos.harms import ENGINE, HARMS, Harm
from selfchaos.results import Result
from selfchaos.trial import Trial


def play(
    client: docker.DockerClient, seed: int, points: Iterable[Point], *, workers: int = 1, engine: str = ""
) -> Iterator[Result]:
    """Results as they come. ``workers``: so many at a time, which tells nothing of times any more.

    Those that leave a dead run behind for a moment come first and alone: no other run would start meanwhile.
    ``engine``: the command that restarts it, for the harm of that name.
    """
    possible = [_possible(point) for point in points]
    alone = [point for point in possible if workers > 1 and harm(point.harm).then == "heal"]
    for point in alone:
        yield _play(client, seed, point, engine)
    threads = ThreadPoolExecutor(workers)
    try:
        others = [point for point in possible if point not in alone]
        for done in as_completed([threads.submit(_play, client, seed, point, engine) for point in others]):
            yield done.result()
    finally:
        threads.shutdown(cancel_futures=True)  # interrupted: points that have begun go to their end, no other begins


def harm(name: str) -> Harm:
    return ENGINE if name == "engine" else HARMS[name]


def _possible(point: Point) -> Point:
    """The same point, in a phase in which its harm can be done."""
    phases = harm(point.harm).phases
    return point if point.phase in phases else replace(point, phase=phases[point.draw % len(phases)])


def _play(client: docker.DockerClient, seed: int, point: Point, engine: str) -> Result:
    return Trial(client, seed, point, harm(point.harm), engine).play()
