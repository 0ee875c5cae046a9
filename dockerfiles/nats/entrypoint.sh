#!/bin/sh
# HARNESS_NODE, one of n1, n2, ..., is this server's name. SEEDS: the servers it is told of; of others it hears from
# these, tries them once and never again (nats-server's connect_retries of discovered routes).
set -eu
routes=""
for seed in $SEEDS; do
    routes="$routes\"nats://$seed:6222\", "
done
cat > /tmp/nats.conf <<CONF
server_name: $HARNESS_NODE
listen: 0.0.0.0:4222
http: 0.0.0.0:8222
max_payload: $MAX_PAYLOAD
max_pending: $MAX_PENDING
ping_interval: "$PING_INTERVAL"
ping_max: 2
jetstream { store_dir: /data, max_memory_store: 128MB, max_file_store: 1GB }
cluster { name: nats, listen: 0.0.0.0:6222, routes: [${routes%, }] }
CONF
exec nats-server -c /tmp/nats.conf
