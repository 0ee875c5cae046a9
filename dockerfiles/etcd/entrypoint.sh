#!/bin/sh
# HARNESS_NODE, one of n1, n2, ..., is this member's name; the first NODE_COUNT of them are the cluster.
# ALONE=on: each is a cluster of its own, so that what one of them is told none of the others knows (a broken twin).
set -eu
own=$HARNESS_NODE
members=""
for i in $(seq "$NODE_COUNT"); do
    if [ "$ALONE" = off ] || [ "n$i" = "$own" ]; then
        members="$members,n$i=http://n$i:2380"
    fi
done
exec etcd \
    --name "$own" \
    --data-dir /data/etcd \
    --listen-peer-urls http://0.0.0.0:2380 \
    --listen-client-urls http://0.0.0.0:2379 \
    --initial-advertise-peer-urls "http://$own:2380" \
    --advertise-client-urls "http://$own:2379" \
    --initial-cluster "${members#,}" \
    --initial-cluster-state new \
    --heartbeat-interval "$HEARTBEAT" \
    --election-timeout "$ELECTION_TIMEOUT" \
    --snapshot-count "$SNAPSHOT_COUNT" \
    --logger zap \
    --log-level "$LOG_LEVEL"
