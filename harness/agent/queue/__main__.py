"""``python -m harness.agent.queue PARENT``: orders in, answers out; see ``orders``."""

import sys

from harness.agent.queue.program import main

if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
