#!/bin/sh
# Make `tiny` mean this node's own model, by its manifest alone, and become Ollama.
set -eu
if [ "$OLLAMA_MODELS" != /models ]; then  # a volume of the cluster's own, so that faults of a disk can meet them
    mkdir -p "$OLLAMA_MODELS"
    cp -rn /models/. "$OLLAMA_MODELS"
fi
library=$OLLAMA_MODELS/manifests/registry.ollama.ai/library
node=${HARNESS_NODE:-n1}
if [ ! -f "$library/tiny-$node/latest" ]; then
    echo "ollama: HARNESS_NODE is '$node': there are models for n1 to n16" >&2
    exit 2
fi
mkdir -p "$library/tiny"
cp "$library/tiny-$node/latest" "$library/tiny/latest"
if [ -n "${LOG_TO:-}" ]; then  # what nobody empties grows: the leak that `endurance` must see
    exec >>"$LOG_TO" 2>&1
fi
exec ollama serve
