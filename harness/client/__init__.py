"""The load generator: an open loop of operations on an absolute schedule, run in the client's pod as one process.

``python -m harness.client`` speaks ``harness.wire`` (``ToClient`` in, ``FromClient`` out) over its standard streams.
"""
