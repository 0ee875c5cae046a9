"""What the kernel remembers of flows: a redirect decides about a flow once, when it begins."""

import subprocess
from contextlib import suppress

from harness.agent.redirect.nat import DELETE, DNS_PORT, MARK

_TIMEOUT_S = 1.0


def forget_questions() -> None:
    """Of sockets that ask again and again: their next question is a new flow, and meets what is in force then."""
    _run("conntrack", "-D", "-p", "udp", "--orig-port-dst", str(DNS_PORT))


def forget_redirected() -> None:
    """Of every flow that was turned to a program of ours: its next packet goes where it is sent."""
    _run("conntrack", "-D", "-p", "udp", "--mark", str(MARK))


def abandon(undo: str = DELETE) -> None:
    """Redirects away (all of this pod, or those that ``undo`` names) by whoever sees that its other half is gone."""
    _run("nft", undo)
    forget_redirected()


def _run(*argv: str) -> None:
    """Best effort: there may be nothing to forget, and the kernel forgets by itself in the end."""
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S)
