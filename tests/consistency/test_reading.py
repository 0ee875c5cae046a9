"""A history is read from JSON lines, or each line that is wrong is named with what to write instead."""

import json
from math import inf
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bench.linearizability import Workload, lines, simulated
from harness.cli.linearizable import linearizable
from harness.consistency import reading
from harness.consistency.history import Call, History
from harness.errors import ScenarioError


def line(process: int, type_: str, f: str, value: object = None, **more: object) -> str:
    return json.dumps({"process": process, "type": type_, "f": f, "key": "x", "value": value} | more)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "h.jsonl"


def read(file: Path, *text: str) -> History:
    file.write_text("\n".join(text) + "\n")
    return reading.read(file, "h.jsonl")


def problems(file: Path, *text: str) -> list[str]:
    with pytest.raises(ScenarioError) as raised:
        read(file, *text)
    return [str(problem) for problem in raised.value.problems]


INVOKE = line(0, "invoke", "write", 1)


def test_operations_are_read_with_their_answers_and_instants(file: Path) -> None:
    history = read(
        file,
        line(0, "invoke", "write", "a", time_s=0.5),
        line(1, "invoke", "cas", ["a", [1.0, True]], time_s=0.6),
        line(0, "ok", "write", time_s=0.7),
        line(1, "fail", "cas", ["a", [1, True]], time_s=0.8),
        line(2, "invoke", "read", time_s=0.9),
        line(2, "ok", "read", None, time_s=1),
    )
    assert history == History(
        (
            Call(0, "write", '"x"', '"a"', 0.5, 0.7, line=1, ended=3),
            Call(1, "cas", '"x"', "[1, true]", 0.6, 0.8, old='"a"', answer=False, line=2, ended=4),
            Call(2, "read", '"x"', "null", 0.9, 1.0, line=5, ended=6),
        )
    )


def test_without_times_the_lines_are_the_instants(file: Path) -> None:
    history = read(file, INVOKE, line(0, "ok", "write", 1))
    assert history == History((Call(0, "write", '"x"', "1", 1, 2, line=1, ended=2),), timed=False)


def test_lines_of_several_clients_need_not_be_in_order_where_they_have_times(file: Path) -> None:
    text = [line(p, t, "write", p, time_s=at) for p, t, at in ((5, "invoke", 2), (5, "ok", 3), (6, "invoke", 1))]
    assert [call.process for call in read(file, *text, line(6, "ok", "write", 6, time_s=2)).calls] == [6, 5]


@pytest.mark.parametrize("end", [[line(0, "info", "write", 1)], []], ids=["info", "the end of the file"])
def test_what_timed_out_stays_open_for_ever(file: Path, end: list[str]) -> None:
    (call,) = read(file, INVOKE, *end).calls
    assert (call.returned, call.open) == (inf, True)


def test_a_process_goes_on_after_a_time_out_as_if_it_were_a_new_one(file: Path) -> None:
    history = read(file, INVOKE, line(0, "info", "write", 1), line(0, "invoke", "write", 2), line(0, "ok", "write", 2))
    assert [(call.value, call.open) for call in history.calls] == [("1", True), ("2", False)]


def test_what_did_not_happen_and_reads_without_an_answer_are_left_out(file: Path) -> None:
    text = [INVOKE, line(0, "fail", "write", 1)]
    text += [line(0, "invoke", "read"), line(0, "fail", "read"), line(1, "invoke", "read"), line(1, "info", "read")]
    text += [line(0, "invoke", "cas", [1, 2]), line(0, "fail", "cas", [1, 2], error="connection refused")]
    text += [line(0, "invoke", "write", 3), line(0, "ok", "write", 3)]
    assert [call.value for call in read(file, *text).calls] == ["3"]


def test_one_and_true_and_a_text_are_three_values_and_one_point_zero_is_one(file: Path) -> None:
    values = [1, 1.0, True, "1", {"b": 1, "a": [2.0]}, {"a": [2], "b": 1}]
    text = [line(0, type_, "write", value) for value in values for type_ in ("invoke", "ok")]
    one, one_too, true, text_, first, second = (call.value for call in read(file, *text).calls)
    assert one == one_too and first == second and len({one, true, text_, first}) == 4


def test_sets_are_read(file: Path) -> None:
    history = read(
        file,
        *(line(0, "invoke", "add", 1), line(0, "ok", "add", 1)),
        *(line(0, "invoke", "contains", 1), line(0, "ok", "contains", True)),
        *(line(0, "invoke", "read"), line(0, "ok", "read", [1, 2, 2])),
    )
    assert [(call.f, call.value, call.answer, call.members) for call in history.calls] == [
        ("add", "1", None, None),
        ("contains", "1", True, None),
        ("read", "[1, 2, 2]", None, frozenset(("1", "2", "2 (twice)"))),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            [line(3, "ok", "write", 1)],
            "h.jsonl:1: ok of process 3, which has nothing open: write its invoke line before",
        ),
        (
            [INVOKE, line(0, "invoke", "read")],
            "h.jsonl:2: process 0 has an open write since line 1: end that one first, with ok, fail or info",
        ),
        (
            [INVOKE, line(0, "ok", "write", 1, key="y")],
            'h.jsonl:2: ok of write on key "y", but process 0 has write on key "x" open since line 1: '
            "end what was begun",
        ),
        (
            [INVOKE, line(0, "ok", "write", 2)],
            "h.jsonl:2: ok of write with another value than line 1 asks for: write that one, or null",
        ),
        ([line(0, "invoke", "incr")], "h.jsonl:1: f is 'incr': write read, write, cas, add, remove or contains"),
        ([line(0, "begin", "read")], "h.jsonl:1: type is 'begin': write invoke, ok, fail or info"),
        ([line(0, "invoke", "read", key=None)], "h.jsonl:1: has no key: write the name of the register or set"),
        ([line(0, "invoke", "cas", 3)], "h.jsonl:1: value of a cas is '3': write [old, new]"),
        (
            ['{"process": 0, "type": "invoke", "f": "add", "key": 1}'],
            "h.jsonl:1: add without a value: write an element",
        ),
        (
            [line(0, "invoke", "read"), '{"process": 0, "type": "ok", "f": "read", "key": "x"}'],
            "h.jsonl:2: ok of a read without a value: write what was read (null: nothing)",
        ),
        (
            [line(0, "invoke", "contains", 1), line(0, "ok", "contains", 1)],
            "h.jsonl:2: ok of contains without its answer: write true or false as the value",
        ),
        (
            [INVOKE, line(1, "invoke", "add", 1)],
            'h.jsonl:2: add on key "x", which is a register since line 1: a register has cas, read, write',
        ),
        (
            [line(0, "invoke", "read"), line(0, "ok", "read", 1), line(0, "invoke", "add", 1)],
            'h.jsonl:2: a read of the set "x" is 1: write the list of its elements',
        ),
        (
            [INVOKE, line(0, "ok", "write", 1, time_s=1)],
            "h.jsonl:2: has a time_s and the lines before have none: write it on every line, or on none",
        ),
        (
            [line(0, "invoke", "write", 1, time_s=2), line(0, "ok", "write", 1, time_s=1.5)],
            "h.jsonl:2: is at 1.5 s, and process 0 was at 2 s already: order its lines by time",
        ),
        (
            [line(0, "invoke", "write", json.loads("[" * 9 + "]" * 9))],
            "h.jsonl:1: its value is nested too deep: write one with at most 8 levels",
        ),
        (
            ['{"process": "a"}'],
            "h.jsonl:1: is not a line of a history (Expected `int`, got `str` - at `$.process`)",
        ),
        ([" "], "h.jsonl: has no operations that ended: write an invoke and an ok line for each"),
    ],
)
def test_a_bad_line_is_named_with_what_to_write_instead(file: Path, text: list[str], said: str) -> None:
    assert problems(file, *text)[-1:] == [said]


def test_what_is_not_json_or_nested_without_end_is_named(file: Path) -> None:
    deep = '{"process": 0, "type": "invoke", "f": "write", "key": "x", "value": ' + "[" * 50_000
    said = problems(file, "{", deep, "\x00")
    assert [text.split(":")[1] for text in said] == ["1", "2", "3"]


def test_a_line_that_is_too_long_ends_the_reading(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINE_BYTES_MAX", 200)
    said = problems(file, INVOKE, line(0, "ok", "write", "a" * 200), "{")
    assert said == ["h.jsonl:2: is longer than 200 bytes: write one JSON object a line"]


def test_a_history_that_is_too_long_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINES_MAX", 1)
    said = problems(file, INVOKE, line(0, "ok", "write", 1))
    assert said == ["h.jsonl:2: is one line too many: a history has at most 1; check a part of it"]


def test_no_more_than_twenty_problems_are_told(file: Path) -> None:
    assert len(problems(file, *["{"] * 100)) == 20


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"x\.jsonl: cannot be read \(No such file or directory\): check its name"):
        reading.read(tmp_path / "x.jsonl", "x.jsonl")


_VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=4)
_LINES = st.fixed_dictionaries(
    {
        "process": st.integers(0, 2) | _VALUES,
        "type": st.sampled_from(["invoke", "ok", "fail", "info"]),
        "f": st.sampled_from(["read", "write", "cas", "add", "remove", "contains"]),
        "key": st.sampled_from(["x", "y", 1]) | _VALUES,
    },
    optional={"value": _VALUES, "time_s": st.floats(0, 9) | _VALUES, "error": _VALUES},
)


@given(st.lists(_LINES.map(lambda one: json.dumps(one).encode()) | st.binary(max_size=30), max_size=8).map(b"\n".join))
def test_no_file_makes_the_reader_or_the_check_stumble(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.jsonl"
    file.write_bytes(data)
    said = CliRunner().invoke(linearizable, [str(file)])
    assert said.exit_code in (1, 2, 3) and said.output.isprintable() is False  # ends with a new line
    assert isinstance(said.exception, SystemExit)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("mix", [{"read": 1.0, "write": 1.0, "cas": 1.0}, {"add": 1.0, "read": 1.0, "contains": 1.0}])
def test_a_history_that_was_written_is_read_as_it_was(file: Path, seed: int, mix: dict[str, float]) -> None:
    history = simulated(Workload(40, 4, 2, mix, values=3, lost=0.2), seed)  # type: ignore[arg-type]
    found = read(file, *lines(history))
    assert [_plain(call) for call in found.calls] == [_plain(call) for call in history.calls]


def _plain(call: Call) -> tuple[object, ...]:
    value = "" if call.members is not None else call.value
    return call.process, call.f, value, call.invoked, call.returned, call.old, call.answer, call.members


def test_the_verb_answers_and_exits_with_0_1_2_or_3(file: Path) -> None:
    good = [*lines(simulated(Workload(400, 8, 2), 1))]
    bad = [line(99, "invoke", "read", time_s=50), line(99, "ok", "read", 1, time_s=51)]

    def said(*text: str) -> tuple[int, str]:
        file.write_text("\n".join(text))
        result = CliRunner().invoke(linearizable, [str(file)])
        return result.exit_code, result.output.split(maxsplit=1)[0]

    assert said(*good) == (0, "yes:")
    assert said(*good, *bad) == (1, "no:")
    assert said("{")[0] == 2
    assert said(*good[:20]) == (3, "unknown:")


def test_what_is_wrong_with_a_history_is_said_with_what_was_not_done(file: Path) -> None:
    file.write_text("{")
    said = CliRunner().invoke(linearizable, [str(file)])
    assert said.output.endswith("\n1 problem; nothing was checked.\n")
