"""What a record must not hold: values of the environment that look like secrets, and where on this machine it lies."""

import re
from pathlib import Path
from typing import TypeVar

import yaml

from harness.weave.block import Tree
from harness.weave.pods import LABEL_RECORD

_SECRET = re.compile(r"pass(word|wd)?|secret|token|api_?key|private|credential", re.IGNORECASE)
_HIDDEN = "(not recorded)"
_V = TypeVar("_V")


def hidden(name: str, value: _V) -> _V | str:
    """``value``, unless ``name`` says that it is nobody's business."""
    return _HIDDEN if _SECRET.search(name) else value


def redacted(text: str, home: Path) -> str:
    """A woven compose file for the record: environment values under telling names are hidden.

    ``home``: the folder of the user's own file, which the record calls ``.``; where the record itself lies is left out.
    """
    document: Tree = yaml.safe_load(text)
    for service in document["services"].values():
        environment = service.get("environment") or {}
        for key, value in environment.items():
            if value is not None:
                environment[key] = hidden(key, value)
        (service.get("labels") or {}).pop(LABEL_RECORD, None)
    return yaml.safe_dump(document, sort_keys=False, width=120).replace(f"{home}/", "./")
