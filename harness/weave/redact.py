"""What a record must not hold: values of the environment that look like secrets."""

import re

import yaml

from harness.weave.block import Tree

_SECRET = re.compile(r"pass(word|wd)?|secret|token|api_?key|private|credential", re.IGNORECASE)
_HIDDEN = "(not recorded)"


def redacted(text: str) -> str:
    """A woven compose file for the record: environment values under telling names are hidden."""
    document: Tree = yaml.safe_load(text)
    for service in document["services"].values():
        environment = service.get("environment") or {}
        for key, value in environment.items():
            if value is not None and _SECRET.search(key):
                environment[key] = _HIDDEN
    return yaml.safe_dump(document, sort_keys=False, width=120)
