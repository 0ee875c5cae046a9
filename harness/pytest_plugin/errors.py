"""What makes a test fail."""


class NotHeld(AssertionError):
    """An objective, or the verdict of a whole test, is violated or inconclusive; the text says which, and why."""
