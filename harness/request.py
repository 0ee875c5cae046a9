"""What a plain HTTP request of the load may be: said in a scenario, sent in the client's pod."""

import re

SENT_MAX_BYTES = 16 << 20
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,60}): ?([!-~][ -~]*)?", re.ASCII)
# Those that say where a message ends, or whom it is for, are ours.
_OURS = ("host", "connection", "content-length", "transfer-encoding")


def header(text: str) -> str:
    """The header as it was written; ``ValueError``, half a sentence, for one that cannot be sent."""
    found = HEADER.fullmatch(text)
    if found is None:
        raise ValueError(f"is '{text}': write a header such as 'Accept: application/json'")
    if found[1].lower() in _OURS:
        raise ValueError(f"is '{text}': the client writes {found[1]} itself; leave it out")
    return text
