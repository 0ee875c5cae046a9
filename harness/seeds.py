"""Where every draw comes from: one seed, and the identity of what is drawn."""

from hashlib import sha256


def sub_seed(seed: int, *identity: str) -> int:
    """48 bits that depend on the seed and this identity only, so that leaving something out moves nothing else."""
    return int.from_bytes(sha256("/".join((str(seed), *identity)).encode()).digest()[:6], "big")
