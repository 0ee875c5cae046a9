"""From a resolved compose file to the same cluster with a pod around every node. Pure."""

from harness.weave.block import HEALTHCHECK
from harness.weave.weave import Readiness, Woven, weave

__all__ = ["HEALTHCHECK", "Readiness", "Woven", "weave"]
