"""``harness init``: from a compose file, and what its cluster showed, to ``x-harness`` blocks and a scenario."""
