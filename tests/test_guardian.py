"""The guardian in a process of its own, as the harness starts it; what it would do is only said."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import guardian
from harness.errors import EngineError, HarnessError
from harness.guardian import Guardian

CODE = """
import sys
from harness import guardian
guardian.SILENCE_S = float(sys.argv[1])
print("listening", flush=True)
print("heal" if guardian.wait() else "nothing to do", flush=True)
"""


def _start(log: Path, silence_s: float = 60.0) -> Guardian:
    guard = Guardian([sys.executable, "-c", CODE, str(silence_s)], log)
    _until(log, "listening\n")
    return guard


def _until(log: Path, text: str, within_s: float = 20.0) -> float:
    """Wait until the log says so; how long that took."""
    began_s = time.monotonic()
    while log.read_text() != text:
        assert time.monotonic() < began_s + within_s, f"{log.read_text()!r} is not {text!r}"
        time.sleep(0.01)
    return time.monotonic() - began_s


def test_a_guardian_that_hears_done_has_nothing_to_do(tmp_path: Path) -> None:
    guard = _start(tmp_path / "log")
    guard.alive()
    guard.done()
    assert guard._process.returncode == 0
    assert (tmp_path / "log").read_text() == "listening\nnothing to do\n"


def test_what_the_harness_could_not_remove_is_handed_to_the_guardian(tmp_path: Path) -> None:
    guard = _start(tmp_path / "log")
    guard.take_over()
    assert guard._process.returncode == 0
    assert (tmp_path / "log").read_text() == "listening\nheal\n"


def test_the_end_of_input_without_done_means_that_the_harness_died(tmp_path: Path) -> None:
    guard = _start(tmp_path / "log")
    guard.alive()
    guard._input.close()
    _until(tmp_path / "log", "listening\nheal\n")
    guard._process.wait(10)


@pytest.mark.parametrize("silence_s", [0.3, 0.6])
def test_silence_means_that_the_harness_is_frozen(tmp_path: Path, silence_s: float) -> None:
    guard = _start(tmp_path / "log", silence_s)
    took_s = _until(tmp_path / "log", "listening\nheal\n")
    assert silence_s - 0.1 < took_s < silence_s + 3
    guard.done()  # too late, and said to nobody
    guard.alive()


def test_beats_keep_a_guardian_quiet_for_longer_than_its_patience(tmp_path: Path) -> None:
    guard = _start(tmp_path / "log", 0.5)
    for _ in range(10):
        guard.alive()
        time.sleep(0.1)  # the beat itself is what is tried here
    assert (tmp_path / "log").read_text() == "listening\n"
    guard.done()
    assert (tmp_path / "log").read_text() == "listening\nnothing to do\n"


def test_it_lives_in_a_session_of_its_own_so_that_no_signal_for_us_reaches_it(tmp_path: Path) -> None:
    code = "import os; print(os.getsid(0) == os.getpid(), flush=True); os.read(0, 1)"
    guard = Guardian([sys.executable, "-c", code], tmp_path / "log")
    _until(tmp_path / "log", "True\n")
    guard.done()


def test_one_that_is_slow_to_end_does_not_hold_up_the_harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guardian([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log")
    wait = guard._process.wait
    monkeypatch.setattr(guard._process, "wait", lambda timeout: wait(0.1))
    guard.done()
    guard._process.kill()
    wait(10)


def test_what_it_would_run_is_the_harness_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(guardian, "Guardian", lambda command, log: started.append((command, log)))
    guardian.spawn("chaos-t-abcde", tmp_path, keep=True)
    guardian.spawn("chaos-t-abcde", tmp_path, keep=False)
    command = [sys.executable, "-m", "harness", "guard", "chaos-t-abcde", str(tmp_path)]
    assert started == [([*command, "--keep"], tmp_path / "guardian.log"), (command, tmp_path / "guardian.log")]


def test_healing_is_insisted_on_until_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian, "_AGAIN_S", 0.001)
    answers: list[tuple[str, ...] | HarnessError] = [("n1",), EngineError("the engine did not answer"), ()]
    said: list[str] = []

    def heal() -> tuple[str, ...]:
        answer = answers.pop(0)
        if isinstance(answer, HarnessError):
            raise answer
        return answer

    assert guardian.insist(heal, said.append, settle=False) == ()
    assert (answers, said) == ([], ["the engine did not answer"])


def test_what_appears_after_everything_was_gone_is_healed_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian, "_AGAIN_S", 0.01)
    monkeypatch.setattr(guardian, "_SETTLE_S", 0.2)
    answers: list[tuple[str, ...]] = [(), (), ("late-n2",), ()]
    asked: list[float] = []

    def heal() -> tuple[str, ...]:
        asked.append(time.monotonic())
        return answers.pop(0) if answers else ()

    assert guardian.insist(heal, print, settle=True) == ()
    assert not answers
    assert asked[-1] - asked[3] >= 0.2  # counted anew from the last thing that appeared


def test_what_cannot_be_healed_in_minutes_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guardian, "_INSIST_S", 0.05)
    monkeypatch.setattr(guardian, "_AGAIN_S", 0.01)
    assert guardian.insist(lambda: ("n1: the engine refused",), print, settle=True) == ("n1: the engine refused",)


@pytest.mark.skipif(not Path("/proc/self/environ").is_file(), reason="programs are found by /proc, which is not here")
def test_programs_that_a_dead_harness_left_running_end_and_the_guardian_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sleeping = [sys.executable, "-c", "import sys, time; print('up', flush=True); time.sleep(60)"]
    with subprocess.Popen(sleeping, stdout=subprocess.PIPE) as other:
        monkeypatch.setenv("CHAOS_HARNESS_RUN", "")  # so that what is set now is taken away afterwards
        guardian.mark_children("chaos-t-abcde")
        with subprocess.Popen(sleeping, stdout=subprocess.PIPE) as child:
            guard = Guardian(sleeping, tmp_path / "log")
            for started in (other, child):
                assert started.stdout is not None and started.stdout.readline() == b"up\n"
            _until(tmp_path / "log", "up\n")
            guardian.end_children("chaos-t-abcd")
            assert child.poll() is None  # another run's
            guardian.end_children("chaos-t-abcde")
            assert child.wait(10) == -9
            assert other.poll() is None and guard._process.poll() is None
        guard._process.kill()
        guard.take_over()
        other.kill()
