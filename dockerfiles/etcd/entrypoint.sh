#!/bin/sh
# HARNESS_NODE, one of n1, n2, ..., is this member's name; the first NODE_COUNT of them are the cluster.
# ALONE=on: each is a cluster of its own, so that what one of them is told none of the others knows (a broken twin).
# RESCUE=on: one that has lost the others goes on as a cluster of its own, which some operators have made happen by
# themselves: well until the others are only out of reach, and then two clusters answer (a broken twin).
# REJOIN=on: one that was removed forgets what it knew and comes back as a new member once it was added again.
set -eu
own=$HARNESS_NODE
members=""
for i in $(seq "$NODE_COUNT"); do
    if [ "$ALONE" = off ] || [ "n$i" = "$own" ]; then
        members="$members,n$i=http://n$i:2380"
    fi
done
set -- etcd \
    --name "$own" \
    --data-dir /data/etcd \
    --listen-client-urls http://0.0.0.0:2379 \
    --initial-advertise-peer-urls "http://$own:2380" \
    --advertise-client-urls "http://$own:2379" \
    --initial-cluster "${members#,}" \
    --heartbeat-interval "$HEARTBEAT" \
    --election-timeout "$ELECTION_TIMEOUT" \
    --snapshot-count "$SNAPSHOT_COUNT" \
    --experimental-snapshot-catchup-entries "$CATCH_UP" \
    --logger zap \
    --log-level "$LOG_LEVEL"
among="--listen-peer-urls http://0.0.0.0:2380"

# Runs until it has ended, or has been without a leader for three questions in a row after it had one.
until_lost() {
    "$@" &
    trap 'kill -9 $!; exit 143' TERM INT
    failed=none
    while [ "$failed" != 3 ] && kill -0 $! 2>/dev/null; do
        sleep 0.5
        if timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/2379; printf "GET /health HTTP/1.0\r\n\r\n" >&3; cat <&3' 2>&1 |
            grep -q '"health":"true"'; then
            failed=0
        elif [ "$failed" != none ]; then
            failed=$((failed + 1))
        fi
    done
    kill -9 $! 2>/dev/null || true
    wait $! || true
}

if [ "$RESCUE" = on ]; then
    until_lost "$@" $among --initial-cluster-state new
    echo "nobody leads: going on alone"
    exec "$@" --listen-peer-urls http://127.0.0.1:2380 --force-new-cluster
fi
state=new
while [ "$REJOIN" = on ]; do
    "$@" $among --initial-cluster-state "$state" &
    trap 'kill -9 $!; exit 143' TERM INT
    wait $! || true
    rm -rf /data/etcd
    state=existing # from now on there is a cluster, which takes it only once it was added
    sleep 0.5
done
exec "$@" $among --initial-cluster-state "$state"
