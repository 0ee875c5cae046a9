"""The command line: the only place where drivers meet the rest."""

from harness.cli.commands import command

__all__ = ["command"]
