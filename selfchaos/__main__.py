"""``python -m selfchaos [--points 200] [--seed 7] [--resume FILE] [--table]``; see ``harms.HARMS`` for what is done."""

import argparse
import signal
import sys
from itertools import islice
from pathlib import Path

from harness.drivers.docker import connect
from harness.errors import INTERRUPTED, HarnessError
from selfchaos import results
from selfchaos.deck import points
from selfchaos.harms import DECK, ENGINE, HARMS
from selfchaos.kinds import KINDS
from selfchaos.series import play


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was started is removed
    found = [result for result in results.read(options.resume) if result.seed == options.seed]
    if not options.table:
        deck = options.harms.split(",") if options.harms else (*DECK, *(["engine"] if options.engine else ()))
        kinds = options.kinds.split(",") if options.kinds else tuple(KINDS)
        known = {result.number for result in found}
        drawn = [p for p in islice(points(options.seed, deck, kinds), options.points) if p.number not in known]
        for result in play(connect(), options.seed, drawn, workers=options.workers, engine=options.engine):
            results.append(options.resume, result)
            found.append(result)
            _say(result)
    about = {name: harm.about for name, harm in {**HARMS, "engine": ENGINE}.items()}
    sys.stdout.write(results.table(found, {name: about[name] for name in about if any(r.harm == name for r in found)}))
    return int(any(result.leaks for result in found))


def _say(r: results.Result) -> None:
    healed = f"{r.in_force} in force" + (f", healed {r.healed_s * 1000:.0f} ms" if r.healed_s is not None else "")
    removed = f"gone {r.removed_s:.2f} s" if r.removed_s is not None else ""
    said = "; ".join(filter(None, (healed, removed, r.note, *r.leaks)))
    sys.stderr.write(f"{r.number:>3} {r.harm:<12} {r.kind:<12} {r.phase:<8} {r.share:.2f}  {said}\n")
    sys.stderr.flush()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m selfchaos", description="Does anything of ours outlive us?")
    parser.add_argument("--points", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--resume", type=Path, default=Path("runs/self-chaos.jsonl"), help="its results are kept")
    parser.add_argument("--table", action="store_true", help="only print the table of what is there")
    parser.add_argument("--workers", type=int, default=1, help="points at a time; more than 1 spoils the times")
    parser.add_argument("--harms", default="", help="only these, such as kill,both")
    parser.add_argument("--kinds", default="", help="only these faults, such as partition,kill")
    parser.add_argument("--engine", default="", help="a command that restarts the engine; disturbs everyone on it")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except HarnessError as error:
        sys.stderr.write(f"selfchaos: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
