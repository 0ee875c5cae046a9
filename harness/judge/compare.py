"""Where a verdict differs from the one that was written when the run ended."""

import json
from collections.abc import Iterator

from harness.judge.verdict import Verdict, encode

_Json = dict[str, "_Json"] | list["_Json"] | str | float | bool | None


def differences(old: bytes, new: Verdict) -> tuple[str, ...]:
    """Each as ``findings[1].measured: 1.84, now 1.9``; empty exactly if the bytes are the same."""
    fresh = encode(new)
    if old == fresh:
        return ()
    try:
        before: _Json = json.loads(old)
    except ValueError as error:
        return (f"the old verdict is not JSON ({error})",)
    return tuple(_differences("", before, json.loads(fresh))) or ("the same values, written in other bytes",)


def _differences(path: str, old: _Json, new: _Json) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*new, *old)):
            at = f"{path}.{key}" if path else key
            if key not in old:
                yield f"{at}: new, {json.dumps(new[key], ensure_ascii=False)}"
            elif key not in new:
                yield f"{at}: gone, was {json.dumps(old[key], ensure_ascii=False)}"
            else:
                yield from _differences(at, old[key], new[key])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for place, (before, after) in enumerate(zip(old, new, strict=True)):
            yield from _differences(f"{path}[{place}]", before, after)
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        at = path or "the whole"
        yield f"{at}: {json.dumps(old, ensure_ascii=False)}, now {json.dumps(new, ensure_ascii=False)}"
