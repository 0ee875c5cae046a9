"""One running build of an image, and BuildKit's plain output read for how far it is and for why it failed."""

import os
import re
import subprocess
import threading
import time
from collections import deque
from pathlib import Path

from harness.drivers.command import run

_CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
_ASK_S = 30.0
_NEW_STEP_S = 3.0
_SAME_STEP_S = 15.0

_STEP = re.compile(r"#(?P<vertex>\d+) \[(?:\S+ )?\d+/\d+] ")
_DONE = re.compile(r"#(?P<vertex>\d+) (?:DONE|CACHED)")
_KEEP = 200
_REASON = 6


class BuildLog:
    """Fed line by line, from one thread; `step` may be read from another."""

    def __init__(self, dockerfile: str) -> None:
        instructions = re.findall(r"(?m)^(FROM \S+|COPY|RUN|ADD|WORKDIR)", dockerfile)
        bases = {word for word in instructions if word.startswith("FROM")}
        self._total = len(bases) + sum(not word.startswith("FROM") for word in instructions)
        self._steps: set[str] = set()
        self._done: set[str] = set()
        self._last: deque[str] = deque(maxlen=_KEEP)

    def add(self, line: str) -> None:
        self._last.append(line.rstrip())
        if step := _STEP.match(line):
            self._steps.add(step["vertex"])
        elif (done := _DONE.match(line)) and done["vertex"] in self._steps:
            self._done.add(done["vertex"])

    @property
    def step(self) -> str:
        """Such as `step 7/12`: the first of the steps that are not done."""
        return f"step {min(len(self._done) + 1, self._total)}/{self._total}"

    @property
    def reason(self) -> list[str]:
        """The last lines of the step that failed and BuildKit's own error; else the last lines there are."""
        lines = [line for line in self._last if line.strip()]
        rules = [number for number, line in enumerate(lines) if line == "------"]
        if len(rules) < 2:
            return lines[-_REASON:]
        said = [re.sub(r"^\d+\.\d+ ", "", line) for line in lines[rules[-2] + 1 : rules[-1]]]
        return [*said[-_REASON:], *(line for line in lines[rules[-1] :] if line.startswith("ERROR: "))]


class Build:
    """A build of `context`, running since it was made; a thread of its own reads what it says."""

    def __init__(self, name: str, reference: str, context: Path) -> None:
        self.name = name
        self.log = BuildLog((context / "Dockerfile").read_text())
        self._started_s = time.monotonic()
        self._said = ("", self._started_s)
        self._process = subprocess.Popen(
            _command(reference, context),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self.log.add(line)

    @property
    def age_s(self) -> float:
        return time.monotonic() - self._started_s

    @property
    def ended(self) -> bool:
        return not self._reader.is_alive() and self._process.poll() is not None

    @property
    def ok(self) -> bool:
        return self._process.returncode == 0

    def news(self) -> str:
        """The step it is at, when that is worth saying again; else nothing."""
        step, (said, said_s) = self.log.step, self._said
        now_s = time.monotonic()
        if now_s - said_s < (_SAME_STEP_S if step == said else _NEW_STEP_S):
            return ""
        self._said = (step, now_s)
        return step

    def stop(self) -> None:
        """End it if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()
        self._reader.join()

    def failure(self, dockerfile: Path) -> str:
        return f"Image {self.name} does not build ({dockerfile}): " + "\n    ".join(self.log.reason)


def ca_bundle() -> Path | None:
    """This machine's certificates, which a build needs where the way out has a private authority."""
    candidates = (os.environ.get("SSL_CERT_FILE", ""), *_CA_BUNDLES)
    return next((Path(path) for path in candidates if path and Path(path).is_file()), None)


def _command(reference: str, context: Path) -> list[str]:
    # The engine's own builder, which is named after its context: only it sees a base image that we made ourselves.
    builder = run(("docker", "context", "show"), timeout_s=_ASK_S).out.strip() or "default"
    bundle = ca_bundle()
    secret = [f"--secret=id=ca,src={bundle}"] if bundle else []
    command = ["docker", "buildx", "build", "--builder", builder, "--load", "--progress", "plain", *secret]
    return [*command, "--tag", reference, str(context)]
