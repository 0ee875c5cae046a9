"""Break a real cluster on schedule, watch it, and answer held, violated or inconclusive."""

__version__ = "0.1.0"
