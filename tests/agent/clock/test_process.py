"""One real process: held still, diverted, switched, put back."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.agent.clock import memory, trace
from harness.agent.clock.process import ProcessClock
from harness.agent.clock.stub import TRUE, Skew
from harness.clock import monotonic_ns, to_ns, wall_offset_ns
from harness.errors import AgentError
from harness.primitives import Clock
from tests.agent.clock.programs import Program, clock_of, eventually, own, running

# A program of 32 bits that only waits: pause(), over and over.
ELF32 = bytes.fromhex(
    "7f454c46010101000000000000000000020003000100000054800408340000000000000000000000340020000100000000000000"
    "0100000000000000008004080080040860000000600000000500000000100000"
    "b81d000000cd80ebf7000000"
)


@pytest.fixture
def program() -> Iterator[Program]:
    with running() as found:
        yield found


def skew(offset_s: float = 30.0, drift: float = 0.0, lease_s: float = 60.0) -> Skew:
    now_ns = monotonic_ns()
    return Skew.of(Clock("n1", offset_s, drift), until_ns=now_ns + to_ns(lease_s), since_ns=now_ns + wall_offset_ns())


def test_every_wall_clock_of_a_program_is_skewed_and_the_monotonic_one_is_not(program: Program) -> None:
    clock = clock_of(program.pid)
    clock.hook()
    assert program.ask() == pytest.approx(dict.fromkeys(program.ask(), 0.0), abs=0.02)
    clock.switch(skew(-3600.0))
    expected = dict.fromkeys(program.ask(), -3600.0) | {"monotonic": 0.0, "tloc": 0.0}
    found = program.ask()
    assert {**found, "time": round(found["time"], -1)} == pytest.approx(expected, abs=0.02)
    clock.switch(TRUE)
    assert abs(program.realtime()) < 0.02


def test_a_process_that_is_put_back_has_the_kernels_own_code_in_its_clocks(program: Program) -> None:
    vdso, patch = own()
    clock = clock_of(program.pid)
    clock.hook()
    assert clock.hooked()
    clock.unhook()
    assert clock.image()[: patch.stub_at] == vdso.image[: patch.stub_at]
    assert not clock.hooked()
    clock.hook()  # the stub was left there, and is found again
    clock.switch(skew())
    assert program.realtime() == pytest.approx(30.0, abs=0.02)


def test_a_busy_program_of_many_threads_survives_being_hooked_unhooked_and_switched(program: Program) -> None:
    for _ in range(4):
        program.ask("thread")
    clock = clock_of(program.pid)
    for number in range(30):
        clock.hook()
        for offset_s in (30.0, -30.0, 0.5):
            clock.switch(skew(offset_s, 0.1 * (number % 2)))
        clock.switch(TRUE)
        clock.unhook()
    assert abs(program.realtime()) < 0.02


def test_where_the_kernel_forbids_writing_its_memory_the_first_thread_is_stopped_for_it(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.ask("thread")
    clock = clock_of(program.pid)
    clock.hook()

    def forbidden(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pwrite", forbidden)
    for number in range(20):
        wanted = skew(float(number + 1))
        clock.switch(wanted)
        assert clock.skew() == wanted
        assert program.realtime() == pytest.approx(number + 1.0, abs=0.02)


def test_a_poke_keeps_the_bytes_around_it(program: Program) -> None:
    clock = clock_of(program.pid)
    before = clock.image()
    trace.write_held(program.pid, (clock.base + len(before) - 13, b"abc"))
    assert clock.image() == before[:-13] + b"abc" + before[-10:]


def test_what_another_tool_changed_is_left_alone(program: Program) -> None:
    clock = clock_of(program.pid)
    trace.write_held(program.pid, (clock.base + len(clock.image()) - 8, b"another!"))
    with pytest.raises(AgentError, match=rf"^the vDSO of process {program.pid} is not this kernel's own"):
        clock.hook()
    clock.unhook()
    assert clock.image().endswith(b"another!")


def test_no_thread_is_held_inside_the_bytes_that_are_to_change(program: Program) -> None:
    for _ in range(2):
        program.ask("thread")
    vdso, _ = own()
    start = clock_of(program.pid).base + vdso.entries["__vdso_clock_gettime"]
    window = range(start, start + 0x30)  # before it loops: a thread that is stepped is too slow to leave that
    tasks = Path(f"/proc/{program.pid}/task")

    def looked(poke: trace.Poke) -> None:
        for task in tasks.iterdir():
            *_, instruction = (task / "syscall").read_text().split()  # "-1 stack instruction" outside of one
            assert int(instruction, 16) not in window

    for _ in range(150):
        trace.while_held(program.pid, [window], looked)


# Every signal that reaches it is one byte in its output: real-time signals queue, none hides another.
COUNTS_SIGNALS = """
import os, signal, time
signal.signal(signal.SIGRTMIN, lambda *_: None)
os.set_blocking(1, False)
signal.set_wakeup_fd(1)
os.write(1, b"r")
while True:
    for _ in range(1000): time.time()
"""


def test_a_signal_that_reaches_a_process_while_it_is_being_held_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    child = subprocess.Popen([sys.executable, "-c", COUNTS_SIGNALS], stdout=subprocess.PIPE)
    stat, ptrace = Path(f"/proc/{child.pid}/stat"), trace._Hold._ptrace

    def after_a_signal(hold: trace._Hold, request: int, tid: int, address: int = 0, data: int = 0) -> None:
        """It stops because of the signal, before we ask it to."""
        if request == trace._INTERRUPT:
            os.kill(child.pid, signal.SIGRTMIN)
            assert eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "t")
        ptrace(hold, request, tid, address, data)

    monkeypatch.setattr(trace._Hold, "_ptrace", after_a_signal)
    try:
        assert child.stdout is not None
        output = child.stdout.fileno()
        assert os.read(output, 1) == b"r"
        for _ in range(20):
            trace.while_held(child.pid, (), lambda poke: None)
            assert select.select([output], [], [], 5.0)[0]
            assert len(os.read(output, 4096)) == 1
    finally:
        child.kill()
        child.communicate()


def test_a_process_that_does_not_stop_in_time_is_let_go() -> None:
    # A parent waits, uninterruptible, for the child of its vfork.
    source = "import ctypes\nif not ctypes.CDLL(None).vfork():\n  import time\n  time.sleep(60)"
    child = subprocess.Popen([sys.executable, "-c", source])
    try:
        task = Path(f"/proc/{child.pid}/stat")
        assert eventually(lambda: task.read_text().rpartition(")")[2].split()[0] == "D")
        with pytest.raises(AgentError, match=rf"^thread {child.pid} of process {child.pid} did not stop within 0.25 s"):
            clock_of(child.pid).hook()
        assert eventually(lambda: "TracerPid:\t0\n" in Path(f"/proc/{child.pid}/status").read_text())
    finally:
        for pid in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        child.kill()
        child.wait()


def test_a_process_that_is_traced_already_is_refused(program: Program) -> None:
    source = (
        "import ctypes, sys\nctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), 0, 0)\nprint('ready', flush=True)\n"
        "sys.stdin.read()"
    )
    tracer = subprocess.Popen(
        [sys.executable, "-c", source, str(program.pid)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert tracer.stdout is not None
        assert tracer.stdout.readline() == "ready\n"
        with pytest.raises(AgentError) as error:
            clock_of(program.pid).hook()
        assert str(error.value) == (
            f"process {program.pid} is traced by process {tracer.pid} already (a debugger, strace): end that first"
        )
    finally:
        tracer.kill()
        tracer.communicate()


def test_a_program_of_32_bits_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "waits"
    binary.write_bytes(ELF32)
    binary.chmod(0o755)
    try:
        child = subprocess.Popen([binary])
    except OSError:
        pytest.skip("this kernel runs no programs of 32 bits")
    try:
        with pytest.raises(AgentError) as error:
            clock_of(child.pid)
        assert str(error.value) == f"process {child.pid} is a 32-bit program, whose clock cannot be skewed"
    finally:
        child.kill()
        child.wait()


def test_a_process_that_is_gone_is_no_failure_of_its_own_kind(program: Program) -> None:
    clock = clock_of(program.pid)
    program.end()
    for ask in (clock.hook, clock.skew, clock.hooked, lambda: clock.switch(TRUE), lambda: clock_of(program.pid)):
        with pytest.raises(memory.ProcessGone):
            ask()


def test_a_process_that_became_another_program_has_no_stub(program: Program) -> None:
    clock = clock_of(program.pid)
    clock.hook()
    program.tell("exec")
    program.await_ready()
    with pytest.raises(memory.ProcessGone):
        clock.switch(skew())
    assert isinstance(clock_of(program.pid), ProcessClock)
    assert abs(program.realtime()) < 0.02
