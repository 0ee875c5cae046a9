"""A scenario with less load around its fault: the same words, load, fault and bounds otherwise."""

SHORTER = (
    ("{warmup: 10s, faults: 30s, recovery: 20s}", "{warmup: 5s, faults: 17s, recovery: 6s}"),
    ("at: 5s, for: 20s", "at: 1s, for: 11s"),
    ("[15s]", "[5s]"),
)


def shorter(text: str) -> str:
    """28 s of load in place of 60, of a file that says all of these words; else the text as it is.

    The recovery phase begins 5 s after the heal, as in the whole: by then what was stuck has timed out or come.
    """
    if not all(long in text for long, _ in SHORTER):
        return text
    for long, short in SHORTER:
        text = text.replace(long, short)
    return text
