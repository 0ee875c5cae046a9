"""``python -m bench``: how quick the harness is, against what a user has without it and against its own goals."""
