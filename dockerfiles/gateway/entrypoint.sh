#!/bin/sh
# Write HAProxy's configuration from the environment and become HAProxy. The defaults are those of a gateway that holds.
set -eu
: "${ROLE:=gateway}" "${NODE_COUNT:=3}" "${BALANCE:=roundrobin}" "${WEIGHTS:=}" "${STICKY:=off}"
: "${CHECKS:=on}" "${CHECK_INTERVAL:=500ms}" "${CHECK_TIMEOUT:=1s}" "${CHECK_FALL:=2}" "${CHECK_RISE:=2}" "${SLOW_START:=0}"
: "${RETRIES:=2}" "${BREAKER:=off}" "${BREAKER_ERRORS:=5}" "${SERVER_MAXCONN:=0}" "${SHED:=0}"
: "${CONNECT_TIMEOUT:=250ms}" "${SERVER_TIMEOUT:=2s}" "${QUEUE_TIMEOUT:=2s}" "${HOLD_NX:=30s}" "${BUFFER:=16384}"
: "${TRACK:=}" "${CLOCKS:=any}" "${WARY:=}" "${LEAK:=}" "${AUTH:=off}" "${AUTH_KEEP:=60}"
export AUTH_KEEP WARY
config=/run/gateway/haproxy.cfg

wrong() {
    echo "gateway: $1 is '$2': write $3" >&2
    exit 2
}

# Who knows which key is good: a service of its own, in which the gateway asks for every key that it does not know.
if [ "$ROLE" = auth ]; then
    cat > "$config" <<END
global
    log stdout format raw local0 info
defaults
    mode http
    log global
    timeout client 60s
    timeout server 5s
    timeout connect 1s
frontend auth
    bind :8081
    http-request return status 200 content-type text/plain string known if { path /check } { req.hdr(x-api-key) -m reg ^tiny-[a-z]+\$ }
    http-request return status 200 content-type text/plain string ok if { path /healthz }
    http-request return status 403 content-type text/plain string unknown
END
    exec haproxy -db -f "$config"
fi

case $BALANCE in
    roundrobin | leastconn | first) balance=$BALANCE ;;
    weighted) balance=static-rr ;;                 # by WEIGHTS, such as "4 2 1", which nothing changes
    random) balance="random(2)" ;;                 # the less busy one of two that were drawn
    source) balance="source
    hash-type consistent" ;;                       # by the address of who asks
    uri) balance="uri
    hash-type consistent" ;;
    prompt) balance="hash req.body,json_query('\$.prompt')
    hash-type consistent" ;;                       # the same question to the same node
    resource) balance=roundrobin agent="agent-check agent-port 11480 agent-inter 500ms" ;;  # by what each node says of itself
    adaptive) balance="roundrobin
    http-response lua.measure" ;;                  # by how soon each node answered of late
    *) wrong BALANCE "$BALANCE" "roundrobin, weighted, leastconn, first, random, source, uri, prompt, resource or adaptive" ;;
esac
case $CHECKS in
    on | version) check="check inter $CHECK_INTERVAL fastinter 100ms downinter 500ms fall $CHECK_FALL rise $CHECK_RISE slowstart $SLOW_START" ;;
    off) check= ;;
    *) wrong CHECKS "$CHECKS" "on, version or off" ;;
esac
# What a node says of itself is no proof: Ollama's version page stays well while inference is frozen.
case $CHECKS in
    version) expect="http-check send meth GET uri /api/version ver HTTP/1.1 hdr Host gateway
    http-check expect status 200" ;;
    *) expect="http-check send meth POST uri /api/generate ver HTTP/1.1 hdr Host gateway hdr Content-Type application/json body '{\"model\":\"tiny\",\"prompt\":\"hello 3\",\"stream\":false,\"options\":{\"num_predict\":1,\"temperature\":0}}'
    http-check expect rstring \"response\\\":\\\" n[0-9]+-0300\\\"\"" ;;
esac
# Open: so many errors in a row of what users asked take a node out. Half open: the checks ask it. Closed: it answered.
case $BREAKER in
    on) breaker="observe layer7 error-limit $BREAKER_ERRORS on-error mark-down" ;;
    off) breaker= ;;
    *) wrong BREAKER "$BREAKER" "on or off" ;;
esac
case $STICKY in
    on) sticky="option persist
    stick-table type string len 64 size 10k expire 10m
    stick on req.body,json_query('\$.prompt')" ;;  # a conversation stays with its node, also with one that is drained
    off) sticky= ;;
    *) wrong STICKY "$STICKY" "on or off" ;;
esac
case $CLOCKS in
    any) clocks= ;;
    strict) clocks="http-response set-var(txn.dated) res.fhdr(date),bytes(0,19)
    http-response deny deny_status 502 if !{ date(-60),http_date,bytes(0,19),strcmp(txn.dated) eq 0 } !{ date(60),http_date,bytes(0,19),strcmp(txn.dated) eq 0 }" ;;
    *) wrong CLOCKS "$CLOCKS" "any, or strict, which refuses an answer that is dated in another hour" ;;
esac
case $AUTH in
    off) auth= ;;
    closed | open)
        auth="http-request lua.auth
    http-request deny deny_status 401 if { var(txn.key) -m str unknown }"
        # When nobody can say whether a key is good: closed lets nothing through, open lets through everything.
        [ "$AUTH" = open ] || auth="$auth
    http-request deny deny_status 401 if { var(txn.key) -m str unasked }" ;;
    *) wrong AUTH "$AUTH" "off, closed or open" ;;
esac
# A network that is not clean is taken for an attack: whoever asks now is refused.
wary=
[ -z "$WARY" ] || wary="http-request lua.wary
    http-request deny deny_status 503 if { var(txn.wary) -m found }"
# Who would only wait for its time-out is told at once.
shed=
[ "$SHED" = 0 ] || shed="http-request deny deny_status 503 if { queue(be) ge $SHED }"

servers() {
    i=1
    # shellcheck disable=SC2086
    set -- $WEIGHTS
    while [ "$i" -le "$NODE_COUNT" ]; do
        health=$check
        # One check for all: who depends on n1 falls with it.
        [ -z "$TRACK" ] || [ "n$i" = "$TRACK" ] || health="track $TRACK"
        echo "    server n$i n$i:11434 weight ${1:-100} $health $breaker ${agent:-}"
        [ $# -eq 0 ] || shift
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

cat > "$config" <<END
global
    log stdout format raw local0 info
    maxconn 4096
    tune.bufsize $BUFFER
    tune.comp.maxlevel 6
    # An operator's door, on the loopback of the pod only.
    stats socket ipv4@127.0.0.1:9999 level admin
    httpclient.retries 0
    httpclient.timeout.connect 250ms
    lua-load /gateway.lua

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
    timeout check $CHECK_TIMEOUT

resolvers system
    parse-resolv-conf
    timeout resolve 1s
    timeout retry 500ms
    hold valid 2s
    hold nx $HOLD_NX

frontend fe
    bind :8080
    # A request can be sent again only while all of it is still in the buffer.
    option http-buffer-request
    http-request return status 200 content-type text/plain string ok if { path /healthz } { nbsrv(be) ge 1 }
    http-request return status 200 content-type text/plain string ready if { path /readyz } { nbsrv(be) ge $NODE_COUNT }
    http-request return status 503 content-type text/plain string unready if { path /healthz /readyz }
    $wary
    $auth
    $shed
    default_backend be

backend be
    balance $balance
    $sticky
    retries $RETRIES
    option redispatch 1
    # A fresh connection per request meets the connect time-out; a kept one that went silent, only the server's.
    option http-server-close
    retry-on conn-failure empty-response response-timeout 500 502 503 504
    option httpchk
    $expect
    $clocks
    http-response set-header x-served-by %s
    default-server maxconn $SERVER_MAXCONN init-addr last,libc,none resolvers system resolve-prefer ipv4
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
# Connections that are opened and forgotten: each keeps a local port.
if [ -n "$LEAK" ]; then
    bash -c 'exec 9<> <(:); while true; do read -rt 0.02 -u 9; exec {left}<> "/dev/tcp/$0/11434"; done' \
        "$(getent ahostsv4 "$LEAK" | head -n 1 | cut -d ' ' -f 1)" 2> /dev/null &
fi
exec haproxy -db -f "$config"
