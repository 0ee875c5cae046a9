"""What is written into a vDSO: the stub (``stub.S``, assembled), its parameters, and the jumps that lead to it."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from harness.agent.clock.vdso import JUMP_BYTES, Vdso, jump, moved
from harness.clock import NS_PER_S
from harness.errors import AgentError
from harness.primitives import Clock

CODE = bytes.fromhex(
    "6368616f732d7631100000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000085ff743a"
    "83ff05743583ff0b7430cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
    "cccccccccccccccc56e8caffffff5e85c00f859d0000004c8d054cffffff410fb6480849833c08000f8484000000564883ec"
    "104889e6bf06000000e898ffffff415a415b5e85c075694d69d200ca9a3b4d01da4c8d0510ffffff4d8b4808410fb6c94c01"
    "c14c8b19488b7908488b5110488b4120488b49184d3b480875dc4d39da7d2f48031648034e084885c075264881f900ca9a3b"
    "72134881e900ca9a3b48ffc24881f900ca9a3b732b48891648894e0831c0c34c691600ca9a3b4c0356084929fa4989d349f7"
    "ea480facd03e4801c14c89daebb94989d34889c841b900ca9a3b489949f7f94889d1498d14034885c979b84c01c948ffcaeb"
    "b057564883ec184889e631ffe8bffeffff4c8b04248b4424084883c4185e5f4885ff741031d2b9e8030000f7f14c89074889"
    "47084885f6740748c7060000000031c0c3574883ec104889e6bf05000000e87bfeffff488b04244883c4105f4885ff740348"
    "8907c3"
)
# Where things are in it (``nm``); a test assembles the source again and compares all of this.
WORD, BLOCK_A, BLOCK_B, CODE_FROM = 0x08, 0x10, 0x38, 0x60
ORIGINAL, ORIGINAL_END = 0x6E, 0x9E
STARTS: Mapping[str, int] = {"__vdso_clock_gettime": 0x60, "__vdso_gettimeofday": 0x191, "__vdso_time": 0x1D3}
MARK = CODE[:WORD]

AHEAD_S_MAX = 366 * 86_400.0
DRIFT_MAX = 1.0  # seconds a second: up to here the stub's products cannot overflow
_DRIFT_ONE = 1 << 62
_BLOCK = struct.Struct("<5q")


@dataclass(frozen=True, slots=True)
class Skew:
    """One block of parameters. ``until_ns``: CLOCK_MONOTONIC, the lease; ``since_ns``: true time since 1970, from which
    the drift counts; ``ahead_ns``: the offset; ``drift``: what is gained in a second, in 2**-62 s."""

    until_ns: int
    since_ns: int
    ahead_ns: int
    drift: int

    @classmethod
    def of(cls, clock: Clock, *, until_ns: int, since_ns: int) -> "Skew":
        """Never beyond the bounds within which the stub's arithmetic is safe, whatever the primitive says."""
        ahead_s = max(-AHEAD_S_MAX, min(AHEAD_S_MAX, clock.offset_s))
        drift = max(-DRIFT_MAX, min(DRIFT_MAX, clock.drift))
        return cls(until_ns, since_ns, round(ahead_s * NS_PER_S), round(drift * _DRIFT_ONE))

    def packed(self) -> bytes:
        return _BLOCK.pack(self.until_ns, self.since_ns, *divmod(self.ahead_ns, NS_PER_S), self.drift)


TRUE = Skew(0, 0, 0, 0)  # the lease is over: the stub tells the true time


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a stub in some process holds: everything before its code."""

    raw: bytes

    @property
    def marked(self) -> bool:
        return self.raw[:WORD] == MARK

    def _at(self) -> int:
        return self.raw[WORD]

    def skew(self) -> Skew:
        """The block in force."""
        until_ns, since_ns, ahead_s, ahead_ns, drift = _BLOCK.unpack_from(self.raw, self._block(self._at()))
        return Skew(until_ns, since_ns, ahead_s * NS_PER_S + ahead_ns, drift)

    @staticmethod
    def _block(at: int) -> int:
        if at not in (BLOCK_A, BLOCK_B):
            raise AgentError(f"a clock's parameters are not ours any more: they point to {at}")
        return at

    def idle(self) -> int:
        """Where the other block is, which nobody reads."""
        return BLOCK_B if self._block(self._at()) == BLOCK_A else BLOCK_A

    def switched(self) -> bytes:
        """The word that puts the idle block in force; its count never repeats while a reader is on its way."""
        (word,) = struct.unpack_from("<Q", self.raw, WORD)
        return struct.pack("<Q", (((word >> 8) + 1) % (1 << 56)) << 8 | self.idle())


@dataclass(frozen=True, slots=True)
class Patch:
    """Offsets in the vDSO and what is written there. ``hooks``: offset -> jump; ``unhooks``: what was there before."""

    stub_at: int
    stub: bytes
    hooks: Mapping[int, bytes]
    unhooks: Mapping[int, bytes]

    @classmethod
    def of(cls, vdso: Vdso) -> "Patch":
        if len(vdso.image) - vdso.tail < len(CODE):
            raise AgentError(
                f"the vDSO here has {len(vdso.image) - vdso.tail} unused bytes and the stub needs {len(CODE)}, "
                "so no clock can be skewed on this kernel"
            )
        entry = vdso.entries["__vdso_clock_gettime"]
        first, length = moved(vdso.image, entry, vdso.tail + ORIGINAL)
        first += jump(vdso.tail + ORIGINAL + len(first), entry + length)
        if len(first) > ORIGINAL_END - ORIGINAL:
            raise AgentError("the kernel's clock_gettime begins with more than the stub has room for")
        stub = CODE[:ORIGINAL] + first + CODE[ORIGINAL + len(first) :]
        starts = {vdso.entries[name]: vdso.tail + start for name, start in STARTS.items()}
        return cls(
            vdso.tail,
            stub,
            {at: jump(at, to) for at, to in starts.items()},
            {at: vdso.image[at : at + JUMP_BYTES] for at in starts},
        )

    def applied(self, image: bytes) -> bytes:
        """``image`` as it reads with the stub and the jumps."""
        found = bytearray(image)
        found[self.stub_at : self.stub_at + len(self.stub)] = self.stub
        for at, code in self.hooks.items():
            found[at : at + len(code)] = code
        return bytes(found)
