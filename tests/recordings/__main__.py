"""``python -m tests.recordings``: the expected verdicts anew; ``keep RUN NAME``: a run's folder as an archive here."""

import sys
import tempfile
from pathlib import Path

from harness.cli import results
from harness.judge.judge import judge
from harness.judge.verdict import JUDGE, Verdict, decode, encode
from tests.recordings import archive
from tests.recordings.altered import CASES, Case

EXPECTED = archive.HERE / "expected"


def judged(case: Case, folder: Path) -> Verdict:
    case.unpack(folder)
    return judge(*results.load(folder))


def main(arguments: list[str]) -> int:
    match arguments:
        case ["keep", run, name]:
            sys.stdout.write(f"{archive.keep(Path(run), name)}\n")
            return 0
        case []:
            return sum(map(_write, CASES)) and 1
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2


def _write(case: Case) -> bool:
    """True: it was not written, because the same judge already said something else of it."""
    file = EXPECTED / f"{case.name}.json"
    with tempfile.TemporaryDirectory() as folder:
        now = judged(case, Path(folder))
    if file.is_file() and encode(now) != file.read_bytes() and decode(file.read_bytes()).judge == JUDGE:
        sys.stderr.write(f"{file.name}: judge {JUDGE} gave another verdict before; raise JUDGE, or delete the file.\n")
        return True
    if now.outcome != case.outcome:
        sys.stderr.write(f"{case.name}: {now.outcome}, and should be {case.outcome}: {now.sentence}\n")
        return True
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(encode(now))
    sys.stdout.write(f"{now.outcome:<13} {case.name}: {now.sentence}\n")
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
