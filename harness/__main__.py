"""``python -m harness``."""

import sys

from harness.cli import command


def main() -> None:
    sys.exit(command.main(prog_name="harness", standalone_mode=True))


if __name__ == "__main__":
    main()
