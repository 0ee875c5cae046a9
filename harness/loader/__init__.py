"""From the bytes of a scenario file to frozen values: all problems at once, each with its line and what to do."""

from harness.loader.binding import bind, notes
from harness.loader.scenario import Draft, parse, parse_file
from harness.loader.schema import schema

__all__ = ["Draft", "bind", "notes", "parse", "parse_file", "schema"]
