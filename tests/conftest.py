"""What holds for all tests."""

from hypothesis import settings

# How long one example takes depends on who else is on the machine; what must be quick is timed by the bench.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")
