#!/bin/sh
# Write HAProxy's configuration from the environment and become HAProxy. The defaults are those of a gateway that holds.
set -eu
: "${NODE_COUNT:=3}" "${BALANCE:=roundrobin}" "${CHECKS:=on}" "${RETRIES:=2}"
: "${CONNECT_TIMEOUT:=250ms}" "${SERVER_TIMEOUT:=2s}" "${QUEUE_TIMEOUT:=2s}"

case $CHECKS in
    on) check=check ;;
    off) check= ;;
    *) echo "gateway: CHECKS is '$CHECKS': write on or off" >&2; exit 2 ;;
esac

servers() {
    i=1
    while [ "$i" -le "$NODE_COUNT" ]; do
        echo "    server n$i n$i:11434 $check"
        i=$((i + 1))
    done
}

metrics() {  # of every frontend, of the backend, of every server
    for name in status http_requests_total http_responses_total current_sessions sessions_total bytes_out_total; do
        echo "haproxy_frontend_$name haproxy_backend_$name haproxy_server_$name"
    done
    for name in weight current_queue queue_time_average_seconds response_time_average_seconds retry_warnings_total \
        redispatch_warnings_total connection_errors_total response_errors_total connection_attempts_total \
        check_up_down_total downtime_seconds_total; do
        echo "haproxy_backend_$name haproxy_server_$name"
    done
    echo haproxy_backend_active_servers haproxy_backend_backup_servers haproxy_server_check_failures_total
}
METRICS=$(metrics | tr -s ' \n' ',' | sed 's/,$//')

# Only an answer proves a node: Ollama's version page stays well while inference is frozen.
cat > /run/gateway/haproxy.cfg <<END
global
    log stdout format raw local0 info
    maxconn 4096
    tune.comp.maxlevel 6
    # An operator's door, on the loopback of the pod only.
    stats socket ipv4@127.0.0.1:9999 level admin

defaults
    mode http
    log global
    option httplog
    option dontlog-normal
    timeout client 60s
    timeout http-request 5s
    # A client's idle connection outlives any fault: else a burst would find it closed.
    timeout http-keep-alive 5m
    timeout connect $CONNECT_TIMEOUT
    timeout server $SERVER_TIMEOUT
    timeout queue $QUEUE_TIMEOUT
    timeout check 1s

resolvers system
    parse-resolv-conf
    timeout resolve 1s
    timeout retry 500ms
    hold valid 2s

frontend fe
    bind :8080
    # A request can be sent again only while all of it is still in the buffer (16 KB).
    option http-buffer-request
    http-request return status 200 content-type text/plain string ok if { path /healthz } { nbsrv(be) ge 1 }
    http-request return status 200 content-type text/plain string ready if { path /readyz } { nbsrv(be) ge $NODE_COUNT }
    http-request return status 503 content-type text/plain string unready if { path /healthz /readyz }
    default_backend be

backend be
    balance $BALANCE
    retries $RETRIES
    option redispatch 1
    # A fresh connection per request meets the connect time-out; a kept one that went silent, only the server's.
    option http-server-close
    retry-on conn-failure empty-response response-timeout 500 502 503 504
    option httpchk
    http-check send meth POST uri /api/generate ver HTTP/1.1 hdr Host gateway hdr Content-Type application/json body '{"model":"tiny","prompt":"hello 3","stream":false,"options":{"num_predict":1,"temperature":0}}'
    http-check expect rstring "response\":\" n[0-9]+-0300\""
    http-response set-header x-served-by %s
    default-server inter 500ms fastinter 100ms fall 2 rise 2 init-addr last,libc,none resolvers system resolve-prefer ipv4
$(servers)

frontend metrics
    bind :8405
    option dontlog-normal
    # Asked for four times a second: all of them are 60 kB, more than the answers of a small model. Add what you need.
    http-request set-query "metrics=$METRICS" if { path /metrics }
    compression algo gzip
    compression type text/plain
    http-request use-service prometheus-exporter if { path /metrics }
    stats enable
    stats uri /stats
END
exec haproxy -db -f /run/gateway/haproxy.cfg
