#!/bin/sh
# Give Ollama every model of the folder $1, FOLDER/FILE.gguf under the name FOLDER-FILE, while the image is built.
set -eu
export OLLAMA_HOST=127.0.0.1:11434
ollama serve > /tmp/serve.log 2>&1 &
server=$!
tries=0
until ollama list > /dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { cat /tmp/serve.log >&2; exit 1; }
    sleep 0.1
done
for file in "$1"/*/*.gguf; do
    kind=$(basename "$(dirname "$file")")
    printf 'FROM %s\nTEMPLATE {{ .Prompt }}\nPARAMETER temperature 0\nPARAMETER num_thread 1\n' "$file" > /tmp/Modelfile
    # What the slow one remembers it remembers in 512 layers.
    [ "$kind" != slow ] || echo 'PARAMETER num_ctx 512' >> /tmp/Modelfile
    ollama create "$kind-$(basename "$file" .gguf)" -f /tmp/Modelfile > /tmp/create.log 2>&1 || { cat /tmp/create.log >&2; exit 1; }
done
kill "$server"
wait "$server" || true
rm -rf /tmp/serve.log /tmp/create.log /tmp/Modelfile /root/.ollama
