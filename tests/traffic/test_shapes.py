"""What a file may say about how the rate changes, and what it comes to."""

import re

import pytest

from harness.traffic.shapes import SHAPE, SHAPES, Shape, cut
from harness.wire import Stretch


def stretches(text: str, faults_s: float = 30.0) -> list[Stretch]:
    shape = SHAPE.read(text)
    assert isinstance(shape, Shape)
    return list(cut(shape.stretches(faults_s), faults_s))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ramp 10/s to 200/s", [Stretch(30.0, 10, 200)]),
        ("ramp 10/s to 200/s at 5s for 10s", [Stretch(5, 10, 10), Stretch(10, 10, 200), Stretch(15, 200, 200)]),
        ("ramp 10/s to 30/s at 20s for 20s", [Stretch(20, 10, 10), Stretch(10.0, 10, 20.0)]),
        ("steps 10/s 20/s 60/m", [Stretch(10.0, 10, 10), Stretch(10.0, 20, 20), Stretch(10.0, 1, 1)]),
        ("steps 10/s 20/s for 20s", [Stretch(20, 10, 10), Stretch(10.0, 20, 20)]),
        ("spike 50/s to 500/s at 10s for 5s", [Stretch(10, 50, 50), Stretch(5, 500, 500)]),
        ("spike 50/s  to 500/s", [Stretch(30, 500, 500)]),
        ("spike 50/s to 500/s at 40s", [Stretch(30, 50, 50)]),
    ],
)
def test_a_shape_is_played_in_the_faults_phase_and_cut_at_its_end(text: str, expected: list[Stretch]) -> None:
    assert stretches(text) == expected


@pytest.mark.parametrize("kind", SHAPES.values(), ids=list(SHAPES))
def test_every_shape_reads_its_own_example(kind: type[Shape]) -> None:
    shape = SHAPE.read(kind.example)
    assert isinstance(shape, kind)
    assert shape.text == kind.example
    assert re.fullmatch(SHAPE.pattern, kind.example, re.ASCII)


@pytest.mark.parametrize(
    ("text", "half"),
    [
        ("flat", "is 'flat': write one of ramp, steps, spike, such as 'ramp 10/s to 200/s'"),
        ("ramp 10 to 20", "is 'ramp 10 to 20': write it like 'ramp 10/s to 200/s'"),
        ("steps 5/s", "is 'steps 5/s': write it like 'steps 50/s 100/s 200/s for 10s'"),
        ("", "is '': write one of ramp, steps, spike, such as 'ramp 10/s to 200/s'"),
    ],
)
def test_what_is_no_shape_is_told_how_one_is_written(text: str, half: str) -> None:
    with pytest.raises(ValueError, match=re.escape(half)):
        SHAPE.read(text)
