#!/bin/sh
# Write the configuration, and the alert rules where there are any, and become Prometheus.
# Reloading and administration by HTTP stay off, as is the default.
# Targets are taken up as soon as they are known: the default adds up to 5 s to the 5 s that finding them takes.
set -eu
printf '%s\n' "${PROMETHEUS_CONFIG:?PROMETHEUS_CONFIG is empty: put the text of a prometheus.yml in it}" > prometheus.yml
if [ -n "${PROMETHEUS_RULES:-}" ]; then printf '%s\n' "$PROMETHEUS_RULES" > rules.yml; fi
exec prometheus --config.file=prometheus.yml --web.listen-address=:9090 --storage.tsdb.path=data \
    --storage.tsdb.retention.time=6h --storage.tsdb.retention.size=512MB --scrape.discovery-reload-interval=250ms \
    --log.level=warn
