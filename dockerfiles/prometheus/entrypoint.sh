#!/bin/sh
# Write the configuration and become Prometheus. Reloading and administration by HTTP stay off, as is the default.
# Targets are taken up at once: with the default of 5 s the beginning of every run would not be watched.
set -eu
printf '%s\n' "${PROMETHEUS_CONFIG:?PROMETHEUS_CONFIG is empty: put the text of a prometheus.yml in it}" > prometheus.yml
exec prometheus --config.file=prometheus.yml --web.listen-address=:9090 --storage.tsdb.path=data \
    --storage.tsdb.retention.time=6h --storage.tsdb.retention.size=512MB --scrape.discovery-reload-interval=250ms \
    --log.level=warn
