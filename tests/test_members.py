"""The lines of what members say of themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import RecordingError
from harness.members import Hashed, Status, Told, line, read

NUMBERS = st.integers(0, 2**63 - 1)
TOLD = st.one_of(
    st.builds(Status, st.text(), NUMBERS, st.text(), st.text(), st.text(), NUMBERS),
    st.builds(Hashed, st.text(), NUMBERS, st.text(), NUMBERS, NUMBERS, NUMBERS),
)


@given(st.lists(TOLD))
def test_what_is_written_is_read(told: list[Told]) -> None:
    assert list(read(b"".join(map(line, told)), "x")) == told


def test_a_line_that_is_none_is_named() -> None:
    good = line(Status("n1", 5))
    with pytest.raises(RecordingError, match=r"^history/s\.jsonl:2: not what a member said of itself \("):
        list(read(good + good[:-4] + b"\n", "history/s.jsonl"))
