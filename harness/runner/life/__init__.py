"""What only the engine can do to a node, dated by the engine's own word where it has one."""

from harness.runner.life.life import Life

__all__ = ["Life"]
