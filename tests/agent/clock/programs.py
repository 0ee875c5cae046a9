"""Real programs to skew: one that answers, in words, how far each of its clocks is from what a system call says."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from harness.agent.clock import vdso
from harness.agent.clock.process import ProcessClock
from harness.agent.clock.stub import Patch
from harness.agent.clock.vdso import Vdso
from harness.errors import AgentError

_ANSWERS = """
import ctypes, json, os, sys, threading, time

libc = ctypes.CDLL(None)
libc.time.restype = ctypes.c_long
spec = (ctypes.c_long * 2)()
GETTIMEOFDAY, COARSE, TAI = "gettimeofday", 5, 11

def asked(clock):
    libc.syscall(228, clock, spec)
    return spec[0] + spec[1] / 1e9

def through(clock):
    libc.clock_gettime(clock, spec)
    return spec[0] + spec[1] / 1e9

def gettimeofday():
    libc.gettimeofday(spec, None)
    return spec[0] + spec[1] / 1e6

def clocks():
    return {"realtime": through(0) - asked(0), "monotonic": through(1) - asked(1), "coarse": through(5) - asked(5),
            "tai": through(11) - asked(11), "gettimeofday": gettimeofday() - asked(0),
            "time": libc.time(None) - int(asked(5)), "tloc": libc.time(spec) - spec[0]}

def told_by_a_fork():
    read, write = os.pipe()
    if not os.fork():
        os.write(write, json.dumps(clocks()).encode())
        os._exit(0)
    os.wait()
    return json.loads(os.read(read, 4096))

def busy():
    while True:
        for _ in range(2000):
            assert time.time() > 1e9
        time.sleep(0.001)

print("ready", flush=True)
for line in sys.stdin:
    if line == "exec\\n":
        os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", sys.argv[1], sys.argv[1]])
    elif line == "thread\\n":
        threading.Thread(target=busy, daemon=True).start()
        print("null", flush=True)
    elif line == "fork\\n":
        print(json.dumps(told_by_a_fork()), flush=True)
    else:
        print(json.dumps(clocks()), flush=True)
"""


class Program:
    """One running child process of this test."""

    def __init__(self) -> None:
        command = [sys.executable, "-I", "-S", "-c", _ANSWERS, _ANSWERS]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.await_ready()

    @property
    def pid(self) -> int:
        return self.process.pid

    def await_ready(self) -> None:
        assert self._line() == "ready\n"

    def tell(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()

    def ask(self, word: str = "clocks") -> dict[str, float]:
        """Clock -> seconds ahead of the true one."""
        self.tell(word)
        answer: dict[str, float] = json.loads(self._line())
        return answer

    def realtime(self) -> float:
        return self.ask()["realtime"]

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


@contextmanager
def running() -> Iterator[Program]:
    program = Program()
    try:
        yield program
    finally:
        program.end()


def eventually(holds: Callable[[], bool], within_s: float = 5.0) -> bool:
    """Asked again and again until it holds."""
    end_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.005)
    return True


def own() -> tuple[Vdso, Patch]:
    """This machine's vDSO; where there is none that we know, the test has nothing to try."""
    try:
        found = vdso.own()
        return found, Patch.of(found)
    except AgentError as error:
        pytest.skip(str(error))


def clock_of(pid: int) -> ProcessClock:
    return ProcessClock(pid, *own())
