"""Netfilter over raw netlink: the rule that leads to a queue, and the queue's own socket.

Layouts are those of linux/netfilter/nfnetlink_queue.h, nf_tables.h and xt_NFQUEUE.h. Numbers in attributes are in
network order, those in headers in the machine's. Errors are ``OSError`` with the kernel's number.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence

_NETLINK_NETFILTER = 12
_SOL_NETLINK, _NO_ENOBUFS = 270, 5
_SO_RCVBUFFORCE = 33
_ERROR = 2
_REQUEST, _ACK, _CREATE_APPEND = 0x1, 0x4, 0x400 | 0x800
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_NF_TABLES, _QUEUE = 10, 3  # subsystems; also what a batch names
_NEW_RULE = _NF_TABLES << 8 | 6
_PACKET, _VERDICT, _CONFIGURE = _QUEUE << 8, _QUEUE << 8 | 1, _QUEUE << 8 | 2
_FAIL_OPEN, _GSO = 0x1, 0x4
_COPY_META, _COPY_PACKET = 1, 2
HELD_MAX = 16_384  # packets in the queue; with more of them new ones pass undisturbed
_BUFFER_BYTES = 8 << 20
_ANSWER_BYTES = 65_536
_SEND_BYTES = 100_000  # a netlink message may not be larger than the socket's buffer, 208 KiB
_MESSAGE_BYTES = 0x11000  # the largest packet and what stands before it
_NESTED = 0x8000
_FAMILY_INET = 1
_BYPASS = 1


def attribute(kind: int, data: bytes) -> bytes:
    return struct.pack("=HH", len(data) + 4, kind) + data + b"\0" * (-len(data) % 4)


def _nest(kind: int, data: bytes) -> bytes:
    return attribute(kind | _NESTED, data)


def _message(kind: int, flags: int, family: int, number: int, data: bytes) -> bytes:
    """nlmsghdr, nfgenmsg, attributes."""
    body = struct.pack("=BB", family, 0) + struct.pack(">H", number) + data
    return struct.pack("=IHHII", len(body) + 16, kind, flags, 1, 0) + body


def _open() -> socket.socket:
    found = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    found.bind((0, 0))
    return found


def _refusal(answer: bytes) -> int:
    """The error number in a message, 0 for an acknowledgement and for everything that is none."""
    if struct.unpack_from("=H", answer, 4)[0] != _ERROR:
        return 0
    code: int = -struct.unpack_from("=i", answer, 16)[0]
    return code


def _ask(connection: socket.socket, message: bytes) -> None:
    connection.send(message)
    if code := _refusal(connection.recv(_ANSWER_BYTES)):
        raise OSError(code, os.strerror(code))


def add_queue_rule(table: str, chain: str, queue: int) -> None:
    """``queue flags bypass to N`` in an inet table, as the older target NFQUEUE that nft itself cannot write."""
    info = struct.pack("=HHHH", queue, 1, _BYPASS, 0)
    target = attribute(1, b"NFQUEUE\0") + attribute(2, struct.pack(">I", 3)) + attribute(3, info)
    expression = _nest(1, attribute(1, b"target\0") + _nest(2, target))
    rule = attribute(1, f"{table}\0".encode()) + attribute(2, f"{chain}\0".encode()) + _nest(4, expression)
    batch = _message(_BATCH_BEGIN, _REQUEST, 0, _NF_TABLES, b"")
    batch += _message(_NEW_RULE, _REQUEST | _ACK | _CREATE_APPEND, _FAMILY_INET, 0, rule)
    batch += _message(_BATCH_END, _REQUEST, 0, _NF_TABLES, b"")
    with _open() as connection:
        connection.settimeout(1.0)
        _ask(connection, batch)


# --- the queue --------------------------------------------------------------------------------------------------------

_FIRST = struct.Struct("=HHI").unpack_from  # an attribute of four bytes
_HEADER = struct.Struct("=HH").unpack_from
_IN_DEVICE, _MARK, _PAYLOAD = 5, 3, 10


def _attributes(message: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(message):
        length, kind = _HEADER(message, at)
        yield kind, message[at + 4 : at + length]
        at += (length + 3) & ~3


def mark_of(message: bytes) -> int:
    """What the rules wrote on a packet. It stands behind the packet's number and the device it came by."""
    if len(message) >= 48 and message[34] == _IN_DEVICE and message[42] == _MARK:
        return int.from_bytes(message[44:48])
    return next((int.from_bytes(data) for kind, data in _attributes(message, 20) if kind == _MARK), 0)


def payload_of(message: bytes) -> bytes:
    """As much of the packet as was asked for, from its IP header on; empty where none was."""
    return next((data for kind, data in _attributes(message, 32) if kind == _PAYLOAD), b"")


class PacketQueue:
    """Bound to one queue of this network namespace; bypass and fail-open let packets pass when we cannot."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._socket = _open()
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        self._socket.setsockopt(_SOL_NETLINK, _NO_ENOBUFS, 1)
        self._socket.settimeout(1.0)
        try:
            _ask(self._socket, self._configuration(attribute(1, struct.pack("=BBH", 1, 0, 0)), _ACK))
        except PermissionError as error:
            raise PermissionError(
                error.errno, f"queue {number} is served by another program, or NET_ADMIN is missing"
            ) from error
        _ask(self._socket, self._configuration(attribute(3, struct.pack(">I", HELD_MAX)), _ACK))
        self._socket.setblocking(False)
        self._accept, self._drop = (self._verdict(verdict) for verdict in (1, 0))

    def fileno(self) -> int:
        return self._socket.fileno()

    def configure(self, copy_bytes: int, *, whole_bursts: bool) -> None:
        """How much of each packet we are shown, and whether one may be a burst of up to 64 KiB (GSO)."""
        mode = struct.pack(">IB", copy_bytes, _COPY_PACKET if copy_bytes else _COPY_META)
        flags = struct.pack(">I", _FAIL_OPEN | (_GSO if whole_bursts else 0))
        mask = struct.pack(">I", _FAIL_OPEN | _GSO)
        # Not acknowledged: packets may stand before the answer. A refusal comes out of ``receive``.
        self._socket.send(self._configuration(attribute(2, mode) + attribute(5, flags) + attribute(4, mask), 0))

    def receive(self) -> bytes | None:
        """The next packet's message; None if there is none now."""
        while True:
            try:
                message = self._socket.recv(_MESSAGE_BYTES)
            except BlockingIOError:
                return None
            if message[4:6] == _PACKET_KIND:
                return message
            if (code := _refusal(message)) not in (0, errno.ENOENT):  # a packet that is gone already needs no verdict
                raise OSError(code, f"netfilter's queue: {os.strerror(code)}")

    def accept(self, message: bytes, mark: int = 0, payload: bytes = b"") -> bytes:
        """The verdict that lets a packet go on, marked, with other bytes if ``payload`` has any."""
        if not payload and not mark:
            return self._accept + message[24:28] + _UNMARKED
        rest = message[24:28] + attribute(_MARK, struct.pack(">I", mark))
        rest += attribute(_PAYLOAD, payload) if payload else b""
        return struct.pack("=I", len(self._accept) + len(rest)) + self._accept[4:] + rest

    def drop(self, message: bytes) -> bytes:
        return self._drop + message[24:28] + _UNMARKED

    def send(self, verdicts: Sequence[bytes]) -> None:
        """In as few messages as the socket takes; packets of a changed payload are large."""
        batch: list[bytes] = []
        size = 0
        for verdict in verdicts:
            if size + len(verdict) > _SEND_BYTES and batch:
                self._socket.send(b"".join(batch))
                batch, size = [], 0
            batch.append(verdict)
            size += len(verdict)
        if batch:
            self._socket.send(b"".join(batch))

    def _configuration(self, data: bytes, flags: int) -> bytes:
        return _message(_CONFIGURE, _REQUEST | flags, 0, self._number, data)

    def _verdict(self, verdict: int) -> bytes:
        """Everything before the packet's number, for a message that ends with the number and ``_UNMARKED``."""
        head = attribute(2, struct.pack(">I", verdict) + b"\0\0\0\0")[:-4]
        made = _message(_VERDICT, _REQUEST, 0, self._number, head)
        return struct.pack("=I", len(made) + 4 + len(_UNMARKED)) + made[4:]


_PACKET_KIND = struct.pack("=H", _PACKET)
_UNMARKED = attribute(_MARK, b"\0\0\0\0")
