"""The stub: its bytes, its parameters, and what it answers when a real process runs it."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.agent.clock import stub
from harness.agent.clock.stub import BLOCK_A, BLOCK_B, CODE, TRUE, Parameters, Patch, Skew
from harness.agent.clock.vdso import Vdso
from harness.agent.clock.witness import Witness
from harness.clock import NS_PER_S, monotonic_ns, to_ns, wall_offset_ns
from harness.errors import AgentError
from harness.primitives import Clock
from tests.agent.clock.programs import Program, clock_of, own, running

YEAR_S = 365 * 86_400.0


@pytest.mark.skipif(not (shutil.which("as") and shutil.which("objcopy") and shutil.which("nm")), reason="no assembler")
def test_the_bytes_are_the_source_assembled(tmp_path: Path) -> None:
    source = Path(stub.__file__).with_name("stub.S")
    code, binary = tmp_path / "stub.o", tmp_path / "stub.bin"
    subprocess.run(["as", source, "-o", code], check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", code, binary], check=True)
    names = subprocess.run(["nm", code], check=True, capture_output=True, text=True).stdout
    at = {name: int(value, 16) for value, name in re.findall(r"^([0-9a-f]+) t (\w+)$", names, re.M)}
    assert binary.read_bytes() == CODE
    assert at == {
        "params": 0,
        "word": stub.WORD,
        "block_a": BLOCK_A,
        "block_b": BLOCK_B,
        "clock_gettime": stub.CODE_FROM,
        "original": stub.ORIGINAL,
        "wall": stub.ORIGINAL_END,
        "gettimeofday": stub.STARTS["__vdso_gettimeofday"],
        "time": stub.STARTS["__vdso_time"],
    }
    assert stub.STARTS["__vdso_clock_gettime"] == stub.CODE_FROM


def parameters(**blocks: Skew) -> Parameters:
    raw = bytearray(CODE[: stub.CODE_FROM])
    for name, skew in blocks.items():
        at = {"a": BLOCK_A, "b": BLOCK_B}[name]
        raw[at : at + 40] = skew.packed()
    return Parameters(bytes(raw))


def test_a_new_stub_tells_the_true_time() -> None:
    assert parameters().marked
    assert parameters().skew() == TRUE
    assert parameters().idle() == BLOCK_B


def test_the_word_goes_to_the_other_block_and_never_repeats() -> None:
    held, words = parameters(), []
    for _ in range(600):
        word = held.switched()
        words.append(word)
        before = held.idle()
        held = Parameters(held.raw[: stub.WORD] + word + held.raw[BLOCK_A:])
        assert held.raw[stub.WORD] == before != held.idle()
    assert len(set(words)) == len(words)


@given(st.integers(-(10**18), 10**18), st.integers(-(1 << 62), 1 << 62))
def test_parameters_are_read_back_as_they_were_written(ahead_ns: int, drift: int) -> None:
    skew = Skew(monotonic_ns(), 10**18, ahead_ns, drift)
    assert parameters(a=skew).skew() == skew


@pytest.mark.parametrize(("offset_s", "drift"), [(1e12, 5.0), (-1e12, -5.0)])
def test_what_no_check_has_seen_is_cut_to_what_the_stub_can_carry(offset_s: float, drift: float) -> None:
    skew = Skew.of(Clock("n1", offset_s, drift), until_ns=1, since_ns=2)
    assert abs(skew.ahead_ns) == 366 * 86_400 * NS_PER_S
    assert abs(skew.drift) == 1 << 62


def test_parameters_that_point_elsewhere_are_not_ours_any_more() -> None:
    with pytest.raises(AgentError, match="they point to 7"):
        Parameters(CODE[: stub.WORD] + b"\x07" + CODE[stub.WORD + 1 : stub.CODE_FROM]).skew()


def test_a_vdso_without_room_is_refused() -> None:
    vdso, _ = own()
    with pytest.raises(AgentError, match=r"has 64 unused bytes and the stub needs \d+"):
        Patch.of(Vdso(vdso.image, vdso.entries, len(vdso.image) - 64))


@pytest.fixture(scope="module")
def witness() -> Iterator[Witness]:
    witness = Witness()
    witness.open()
    yield witness
    witness.close()


@pytest.fixture(scope="module")
def skewed() -> Iterator[Program]:
    with running() as program:
        clock_of(program.pid).hook()
        yield program


def told_s(witness: Witness, skew: Skew) -> float:
    """What a program reads whose vDSO holds our stub with these parameters, ahead of the true time."""
    vdso, patch = own()
    image = bytearray(patch.applied(vdso.image))
    image[patch.stub_at + BLOCK_A : patch.stub_at + BLOCK_A + 40] = skew.packed()
    offset_s = witness.offset_s(bytes(image))
    assert offset_s is not None
    return offset_s


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(-YEAR_S, YEAR_S), st.floats(-1, 1), st.floats(-3600, 3600))
@example(0.0, 1.0, 3600.0)
@example(0.0, -1.0, 3600.0)
@example(-0.000001, 0.0, 0.0)
@example(-0.5, 0.0, 0.0)
@example(0.999999999, 0.0, 0.0)
@example(YEAR_S, 1.0, 0.0)
def test_a_program_reads_the_offset_and_what_the_drift_has_gained(
    witness: Witness, offset_s: float, drift: float, since_s: float
) -> None:
    now_ns = monotonic_ns()
    since_ns = now_ns + wall_offset_ns() - to_ns(since_s)
    skew = Skew.of(Clock("n1", offset_s, drift), until_ns=now_ns + to_ns(60), since_ns=since_ns)
    told = told_s(witness, skew)
    gained_s = abs(drift) * (monotonic_ns() - now_ns) / 1e9  # meanwhile, however busy the machine
    assert told == pytest.approx(offset_s + drift * since_s, abs=0.02 + gained_s, rel=1e-9)


@pytest.mark.parametrize("left_s", [-1.0, -0.01])
def test_when_the_lease_is_over_a_program_reads_the_true_time(witness: Witness, left_s: float) -> None:
    skew = Skew.of(Clock("n1", 30.0, 0.1), until_ns=monotonic_ns() + to_ns(left_s), since_ns=0)
    assert abs(told_s(witness, skew)) < 0.01


@given(*[st.integers(-(1 << 63), (1 << 63) - 1)] * 2, st.integers(-(10**18), 10**18))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(-(1 << 63), -(1 << 63), 0)
@example((1 << 63) - 1, (1 << 63) - 1, 0)
@example((1 << 63) - 1, -(1 << 63), -(10**18))
def test_no_parameters_whatever_end_the_program(skewed: Program, since_ns: int, drift: int, ahead_ns: int) -> None:
    clock_of(skewed.pid).switch(Skew((1 << 63) - 1, since_ns, ahead_ns, drift))
    assert len(skewed.ask()) == 7
