"""``python -m harness.agent.supervisor``: the first process of a sidecar, see ``watch``."""

import os
import signal


def main() -> None:
    # The kernel drops a SIGTERM that the first process of a container has no handler for, and the imports take a while.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    from harness.agent.watch import watch

    watch()


if __name__ == "__main__":
    main()
