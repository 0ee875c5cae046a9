"""The vDSO as an ELF image, and instructions that move."""

import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.agent.clock.vdso import CLOCKS, jump, mapped, moved, parse
from harness.errors import AgentError
from tests.agent.clock.programs import own

MAPS = """\
55d0c0e00000-55d0c0e02000 r--p 00000000 fe:00 1234                       /usr/bin/true
7ffd1a3f4000-7ffd1a3f8000 r--p 00000000 00:00 0                          [vvar]
7ffd1a3f8000-7ffd1a3fa000 r-xp 00000000 00:00 0                          [vdso]
"""


def test_the_kernels_own_vdso_has_the_three_clocks_and_an_unused_end() -> None:
    vdso, _ = own()
    assert set(vdso.entries) == set(CLOCKS)
    assert all(0 < at < vdso.tail < len(vdso.image) for at in vdso.entries.values())
    assert vdso.tail % 64 == 0
    assert not any(vdso.image[vdso.tail :])


def test_the_vdso_is_found_among_the_mappings_of_a_process() -> None:
    assert mapped(MAPS) == (0x7FFD1A3F8000, 0x2000)
    assert mapped(MAPS.splitlines()[0]) is None


def test_another_tools_code_in_the_unused_end_is_seen() -> None:
    vdso, _ = own()
    with pytest.raises(AgentError, match=r"^the end of the vDSO here is in use"):
        parse(vdso.image[:-1] + b"\x90")


def test_a_32_bit_vdso_is_refused() -> None:
    vdso, _ = own()
    with pytest.raises(AgentError, match=r"^the vDSO here is not x86_64"):
        parse(vdso.image[:4] + b"\x01" + vdso.image[5:])


@given(st.binary(max_size=300), st.integers(0, 8191), st.binary(min_size=1, max_size=16))
@example(b"", 0, b"\x00")
def test_whatever_is_mapped_there_the_answer_is_a_sentence_or_a_vdso(junk: bytes, at: int, bytes_: bytes) -> None:
    vdso, _ = own()
    broken = vdso.image[:at] + bytes_ + vdso.image[at + len(bytes_) :]
    for image in (junk, broken, vdso.image[:at]):
        with contextlib.suppress(AgentError):
            assert set(parse(image).entries) == set(CLOCKS)


@pytest.mark.parametrize(
    ("begin", "there", "length"),
    [
        ("55 4889e5 4156 53", "55 4889e5 4156", 6),  # push rbp; mov rbp, rsp; push r14
        ("f30f1efa 83ff17 77 10", "f30f1efa 83ff17", 7),  # endbr64; cmp edi, 23
        ("4883ec10 53 90", "4883ec10 53", 5),  # sub rsp, 16; push rbx
        ("b801000000 90", "b801000000", 5),  # mov eax, 1
        ("4989f0 4885ff 90", "4989f0 4885ff", 6),  # mov r8, rsi; test rdi, rdi
    ],
)
def test_instructions_that_mean_the_same_everywhere_move_as_they_are(begin: str, there: str, length: int) -> None:
    image = bytes(0x100) + bytes.fromhex(begin).ljust(32, b"\xcc")
    assert moved(image, 0x100, 0x800) == (bytes.fromhex(there), length)


@pytest.mark.parametrize(
    ("begin", "where", "opcode", "target"),
    [
        ("0f87d2000000", 0, "0f87", 0x100 + 6 + 0xD2),  # ja, far
        ("83ff17 77 40", 3, "0f87", 0x100 + 5 + 0x40),  # cmp edi, 23; ja, near, becomes far
        ("e9fbff0000", 0, "e9", 0x100 + 5 + 0xFFFB),  # jmp, far
        ("55 55 55 eb 30", 3, "e9", 0x100 + 5 + 0x30),  # push; push; push; jmp, near
        ("4c8d1500100000", 0, "4c8d15", 0x100 + 7 + 0x1000),  # lea r10, [rip + 0x1000]
    ],
)
def test_what_speaks_of_another_place_still_means_that_place(begin: str, where: int, opcode: str, target: int) -> None:
    image = bytes(0x100) + bytes.fromhex(begin).ljust(32, b"\xcc")
    code, length = moved(image, 0x100, 0x800)
    assert length == len(bytes.fromhex(begin))
    start = where + len(bytes.fromhex(opcode))
    assert code[where:start] == bytes.fromhex(opcode)
    (distance,) = struct.unpack_from("<i", code, start)
    assert 0x800 + start + 4 + distance == target


@pytest.mark.parametrize(
    "begin",
    [
        "e800000000",  # call: would come back here
        "0f05 9090909090",  # syscall
        "55 ebfd 909090",  # a jump back into what is replaced
        "c3 9090909090",  # ret: a function shorter than a jump
        "ff25 00000000",  # jmp through memory
    ],
)
def test_a_beginning_that_is_not_known_is_refused_by_its_bytes(begin: str) -> None:
    code = bytes.fromhex(begin).ljust(32, b"\x90")
    with pytest.raises(AgentError, match=rf"begins in a way that is not known \({code[:16].hex()}\)"):
        moved(bytes(0x100) + code, 0x100, 0x800)


def test_a_jump_leads_where_it_should() -> None:
    assert jump(0x100, 0x1A0) == bytes.fromhex("e99b000000")
    assert jump(0x1A0, 0x100) == bytes.fromhex("e95bffffff")
