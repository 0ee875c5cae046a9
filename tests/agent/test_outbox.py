import os
import threading

from hypothesis import given
from hypothesis import strategies as st

from harness.agent.outbox import Buffer, Outbox
from harness.wire import Armed, Message, Probe, Pulse, decode_from_agent, encode

messages = st.lists(
    st.one_of(
        st.builds(Probe, st.just("n1"), st.integers(10, 99), st.just(0.5)),
        st.builds(Pulse, st.integers(10, 99), st.integers(10, 99)),
    ),
    max_size=30,
)


def all_of(buffer: Buffer) -> list[Message]:
    data = b""
    while len(buffer):
        data += buffer.take()
    return [decode_from_agent(line) for line in data.splitlines()]


@given(messages)
def test_what_is_put_is_taken_in_order(given_messages: list[Message]) -> None:
    buffer = Buffer()
    for message in given_messages:
        buffer.put(message)
    assert all_of(buffer) == given_messages


@given(messages, st.integers(100, 600))
def test_a_full_buffer_keeps_its_limit_and_loses_the_oldest_probes_first(
    given: list[Message], limit_bytes: int
) -> None:
    buffer, kept = Buffer(limit_bytes), list[Message]()
    for message in given:
        buffer.put(message)
        kept.append(message)
        while len(kept) > 1 and sum(len(encode(m)) for m in kept) > limit_bytes:
            kept.remove(next((m for m in kept if isinstance(m, Probe)), kept[0]))
    assert all_of(buffer) == kept


def test_a_pipe_that_nobody_reads_blocks_nobody_and_is_read_later() -> None:
    read, write = os.pipe()
    outbox = Outbox(write, limit_bytes=100_000)
    for number in range(20_000):  # a megabyte; a pipe holds 64 KiB
        outbox.put(Pulse(number, 0))
    outbox.put(Armed("last", 0))
    assert outbox.flush(0.05) is False
    data = bytearray()
    reader = threading.Thread(target=lambda: read_until(read, data, encode(Armed("last", 0))))
    reader.start()
    assert outbox.flush(5) is True
    reader.join(5)
    assert bytes(data).endswith(encode(Armed("last", 0)))
    assert len(data) < 400_000


def test_after_the_reader_is_gone_nothing_waits_for_it() -> None:
    read, write = os.pipe()
    os.close(read)
    outbox = Outbox(write)
    outbox.put(Armed("a", 0))
    assert outbox.flush(5) is True
    outbox.put(Armed("b", 0))
    assert outbox.flush(0) is True


def read_until(fd: int, data: bytearray, end: bytes) -> None:
    while not data.endswith(end):
        data += os.read(fd, 65536)
