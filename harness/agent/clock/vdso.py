"""The kernel's vDSO, read as the ELF image it is: where its clocks begin, and where there is room for a stub."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import AgentError

CLOCKS = ("__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time")
JUMP_BYTES = 5
_ALIGN = 64  # a parameter never crosses a cache line
_X86_64 = 62
_ELF64, _LITTLE = 2, 1
_PT_DYNAMIC = 2
_DT_NULL, _DT_HASH, _DT_STRTAB, _DT_SYMTAB = 0, 4, 5, 6


@dataclass(frozen=True, slots=True)
class Vdso:
    """``entries``: clock -> offset of its first byte. ``tail``: from here on the last page is unused, all zero."""

    image: bytes
    entries: Mapping[str, int]
    tail: int


def own() -> Vdso:
    """The one the kernel gave this process, which is what it gives every 64-bit process."""
    base, size = mapped(Path("/proc/self/maps").read_text(encoding="utf-8")) or (0, 0)
    if not size:
        raise AgentError("this kernel gives its processes no vDSO, so no clock can be skewed here")
    with Path("/proc/self/mem").open("rb", buffering=0) as memory:
        memory.seek(base)
        return parse(memory.read(size))


def mapped(maps: str) -> tuple[int, int] | None:
    """Address and size of the vDSO in a process, from ``/proc/PID/maps``; None: it has none."""
    for line in maps.splitlines():
        if line.endswith("[vdso]"):
            start, end = (int(word, 16) for word in line.split(maxsplit=1)[0].split("-"))
            return start, end - start
    return None


def parse(image: bytes) -> Vdso:
    """Raises ``AgentError`` for what is not a whole x86_64 vDSO with the three clocks."""
    try:
        if image[:4] != b"\x7fELF" or image[4:6] != bytes((_ELF64, _LITTLE)) or _u16(image, 18) != _X86_64:
            raise AgentError("the vDSO here is not x86_64 (a 32-bit program, or another processor), which is not known")
        symbols = dict(_symbols(image))
        tail = _tail(image)
    except (struct.error, ValueError, IndexError, OverflowError) as error:
        raise AgentError(f"the vDSO here is not an ELF image as we know it: {error}") from error
    if missing := [name for name in CLOCKS if name not in symbols]:
        raise AgentError(f"the vDSO here has no {', '.join(missing)}, so its clock cannot be skewed")
    if any(image[tail:]):
        raise AgentError("the end of the vDSO here is in use: another tool's code, or a kernel that is not known")
    return Vdso(image, {name: symbols[name] for name in CLOCKS}, tail)


def _u16(image: bytes, at: int) -> int:
    return int.from_bytes(image[at : at + 2], "little")


def _headers(image: bytes) -> Iterator[tuple[int, int, int]]:
    """(type, offset, size in the file) of every program header."""
    start = int.from_bytes(image[32:40], "little")
    for number in range(_u16(image, 56)):
        kind, _, offset, _, _, size = struct.unpack_from("<IIQQQQ", image, start + number * _u16(image, 54))
        yield kind, offset, size


def _tail(image: bytes) -> int:
    """Past everything the image's headers speak of, themselves included."""
    sections = int.from_bytes(image[40:48], "little")
    ends = [sections + _u16(image, 58) * _u16(image, 60), *(offset + size for _, offset, size in _headers(image))]
    return (max(ends) + _ALIGN - 1) // _ALIGN * _ALIGN


def _symbols(image: bytes) -> Iterator[tuple[str, int]]:
    dynamic = next((offset for kind, offset, _ in _headers(image) if kind == _PT_DYNAMIC), None)
    if dynamic is None:
        raise ValueError("it has no dynamic section")
    tags: dict[int, int] = {}
    while (entry := struct.unpack_from("<QQ", image, dynamic))[0] != _DT_NULL:
        tags[entry[0]] = entry[1]
        dynamic += 16
    if not {_DT_STRTAB, _DT_SYMTAB} <= tags.keys():
        raise ValueError("it has no symbols")
    for number in range(_count(image, tags)):
        name, _, _, _, value, _ = struct.unpack_from("<IBBHQQ", image, tags[_DT_SYMTAB] + 24 * number)
        start = tags[_DT_STRTAB] + name
        yield image[start : image.index(b"\0", start)].decode("ascii"), value


def _count(image: bytes, tags: Mapping[int, int]) -> int:
    """How many symbols: the hash table says so; where there is none, the names begin where the symbols end."""
    if _DT_HASH in tags:
        (_, count) = struct.unpack_from("<II", image, tags[_DT_HASH])
        return int(count)
    return (tags[_DT_STRTAB] - tags[_DT_SYMTAB]) // 24


# --- moving the first instructions of a function ----------------------------------------------------------------------


def moved(image: bytes, start: int, to: int) -> tuple[bytes, int]:
    """At least the first five bytes of the function at ``start``, as they must read at ``to``, and how many they are.

    Raises ``AgentError`` for an instruction that is not known to mean the same elsewhere.
    """
    code, at = b"", start
    while at - start < JUMP_BYTES:
        length, instruction = _moved_one(image[at : at + 16], at, to + len(code))
        if not length:
            raise AgentError(
                f"the kernel's clock_gettime begins in a way that is not known ({image[start : start + 16].hex()}), "
                "so it cannot be diverted"
            )
        code, at = code + instruction, at + length
    return code, at - start


def jump(at: int, to: int) -> bytes:
    """``jmp`` at ``at`` to ``to``."""
    return b"\xe9" + struct.pack("<i", to - (at + JUMP_BYTES))


_BY_REGISTER = {
    0x01: 0,
    0x29: 0,
    0x31: 0,
    0x33: 0,
    0x39: 0,
    0x3B: 0,
    0x85: 0,
    0x89: 0,
    0x8B: 0,
    0x8D: 0,
    0x81: 4,
    0x83: 1,
}


def _moved_one(code: bytes, at: int, to: int) -> tuple[int, bytes]:
    """(length, the instruction as it reads at ``to``); length 0: not known."""
    if code[:4] == b"\xf3\x0f\x1e\xfa":  # endbr64
        return 4, code[:4]
    rex = int(0x40 <= code[0] <= 0x4F)
    opcode, operands = code[rex], code[rex + 1]
    if 0x50 <= opcode <= 0x57:  # push
        return rex + 1, code[: rex + 1]
    if 0xB8 <= opcode <= 0xBF and code[0] & 0x48 != 0x48:  # mov register, 32 bits
        return rex + 5, code[: rex + 5]
    if opcode in _BY_REGISTER:
        constant = _BY_REGISTER[opcode]
        if operands >= 0xC0 and opcode != 0x8D:  # from register to register
            return rex + 2 + constant, code[: rex + 2 + constant]
        if operands & 0xC7 == 0x05:  # relative to the instruction
            where = rex + 2
            (distance,) = struct.unpack_from("<i", code, where)
            end = where + 4 + constant
            return end, code[:where] + struct.pack("<i", distance + at - to) + code[where + 4 : end]
    return (0, b"") if rex else _moved_jump(code, at, to)


def _moved_jump(code: bytes, at: int, to: int) -> tuple[int, bytes]:
    """A jump to another place of the function, with or without a condition, short or not."""
    if 0x70 <= code[0] <= 0x7F:
        opcode, length, distance = bytes((0x0F, code[0] + 0x10)), 2, struct.unpack_from("<b", code, 1)[0]
    elif code[0] == 0x0F and 0x80 <= code[1] <= 0x8F:
        opcode, length, distance = code[:2], 6, struct.unpack_from("<i", code, 2)[0]
    elif code[0] == 0xEB:
        opcode, length, distance = b"\xe9", 2, struct.unpack_from("<b", code, 1)[0]
    elif code[0] == 0xE9:
        opcode, length, distance = b"\xe9", 5, struct.unpack_from("<i", code, 1)[0]
    else:
        return 0, b""
    if -16 <= length + distance <= 0:  # back to the beginning: nothing can be moved there
        return 0, b""
    target = at + length + distance
    return length, opcode + struct.pack("<i", target - (to + len(opcode) + 4))
