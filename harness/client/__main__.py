"""``python -m harness.client``: the load generator on its standard streams."""

import argparse
import asyncio
import os
import sys

from harness.client.metrics import serve
from harness.client.program import Program, prepare_process
from harness.client.tally import Tally
from harness.clock import monotonic_ns
from harness.errors import HarnessError
from harness.wire import CLIENT_METRICS_PORT, Failed, Hello, encode


async def _run(tallies: dict[str, Tally]) -> bool:
    return await Program(sys.stdin.fileno(), sys.stdout.fileno(), tallies).run()


def main() -> int:
    """0: told to stop, or the end of input. 3: something of ours failed, as the last line says."""
    arguments = argparse.ArgumentParser(prog="python -m harness.client", description=__doc__)
    arguments.add_argument("--metrics-address", help="where /metrics is served (default: everywhere)")
    arguments.add_argument("--metrics-port", type=int, default=CLIENT_METRICS_PORT)
    chosen = arguments.parse_args()
    tallies: dict[str, Tally] = {}
    prepare_process()
    try:
        serve(tallies, chosen.metrics_address, chosen.metrics_port)
    except HarnessError as error:
        os.write(sys.stdout.fileno(), encode(Hello(os.getpid(), monotonic_ns())) + encode(Failed(str(error))))
        return error.exit_code
    return 0 if asyncio.run(_run(tallies)) else 3


if __name__ == "__main__":
    sys.exit(main())
