"""The program in every sidecar: breaks its own pod's network on schedule, and gives it back whatever happens.

``supervisor`` is the container's first process and outlives everything; ``python -m harness.agent`` is started by an
exec whose input and output are the harness's lease on the faults.
"""
