"""From a recording to a verdict. Pure."""
