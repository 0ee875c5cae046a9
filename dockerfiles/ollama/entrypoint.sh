#!/bin/sh
# Make `tiny` and `slow` mean this node's own models, by their manifests alone, and become Ollama.
set -eu
: "${START_DELAY:=0}" "${JOURNAL:=}" "${MEMORY_RESERVE:=0}" "${BALANCE:=}" "${HELPER:=off}" "${FRAIL:=off}" "${HTTP:=1.1}"
: "${MANIFEST:=}"
library=registry.ollama.ai/library
node=${HARNESS_NODE:-n1}
if [ ! -f "/models/manifests/$library/tiny-$node/latest" ]; then
    echo "ollama: HARNESS_NODE is '$node': there are models for n1 to n16" >&2
    exit 2
fi
# The model of manifest $3 in the folder $2 is that of manifest $4 here; $1 brings its files: a copy, or a link.
give() {
    mkdir -p "$OLLAMA_MODELS/blobs" "$OLLAMA_MODELS/manifests/$(dirname "$4")"
    cp "$2/manifests/$3" "$OLLAMA_MODELS/manifests/$4"
    for digest in $(grep -o 'sha256:[0-9a-f]*' "$2/manifests/$3"); do
        blob=blobs/sha256-${digest#sha256:}
        [ -e "$OLLAMA_MODELS/$blob" ] || $1 "$2/$blob" "$OLLAMA_MODELS/$blob"
    done
}
# Copied: OLLAMA_MODELS may be a volume of the cluster's own, so that faults of a disk can meet them.
give cp /models "$library/tiny-$node/latest" "$library/tiny/latest"
give 'ln -s' /models "$library/slow-$node/latest" "$library/slow/latest"
[ -z "$MANIFEST" ] || give 'ln -s' /given "$MANIFEST" "$MANIFEST"
if [ -n "${LOG_TO:-}" ]; then  # what nobody empties grows: the leak that `endurance` must see
    exec >>"$LOG_TO" 2>&1
fi

# What a broken twin needs: nodes that depend on more than Ollama does. (PID 1 cannot be stopped from inside.)
worker() {
    for process in /proc/[0-9]*; do
        if grep -qs '^llama-server' "$process/comm"; then kill "-$1" "${process#/proc/}" || true; fi
    done
}
# Writes down what it does: three times a second 200 KB or more, and the workers wait until they are on the disk. A new
# journal takes the old one's place only once it is whole, and is larger: what the old one leaves free is not enough.
journal() {
    blocks=50
    while sleep 0.3; do
        worker STOP
        while ! dd if=/dev/zero of="$JOURNAL/journal.new" bs=4k count="$blocks" conv=fsync 2> /dev/null; do sleep 0.1; done
        mv "$JOURNAL/journal.new" "$JOURNAL/journal"
        worker CONT
        blocks=$((blocks + 1))
    done
}
# What is held of a limit and cannot be thrown away, as the files that were read once can (control groups v1, else v2).
held_bytes() {
    sum=0
    for bytes in $(sed -n -E 's/^total_(rss|shmem) //p' memory/memory.stat 2> /dev/null \
        || sed -n -E 's/^(anon|shmem) //p' memory.stat); do
        sum=$((sum + bytes))
    done
    echo "$sum"
}
# Works only while so many MB of its memory are free.
reserve() {
    cd /sys/fs/cgroup
    while sleep 0.2; do
        most=$(cat memory.max memory/memory.limit_in_bytes 2> /dev/null || true)
        if [ $((most - $(held_bytes))) -lt $((MEMORY_RESERVE << 20)) ]; then worker STOP; else worker CONT; fi
    done
}
# Never gets over it when the kernel ended its worker: it has its model no more.
frail() {
    cd /sys/fs/cgroup
    while sleep 0.2; do
        if grep -qs '^oom_kill [1-9]' memory.events memory/memory.oom_control; then rm -f "$OLLAMA_MODELS/manifests/$library/tiny/latest"; fi
    done
}
if [ -n "$JOURNAL" ]; then journal & fi
if [ "$MEMORY_RESERVE" != 0 ]; then reserve & fi
if [ "$FRAIL" = on ]; then frail & fi
if [ "$HELPER" = on ]; then /helper.pl & fi
if [ "$HTTP" = 1.0 ]; then
    export OLLAMA_HOST=0.0.0.0:11435
    /http10.pl &
fi
if [ "$BALANCE" = resource ]; then /agent.pl & fi

sleep "$START_DELAY"
exec ollama serve
