#!/bin/bash
# With Redis away events are acknowledged by the journal; when it comes they
# are all there, once, also over a restart of the daemon in between.
. "$(dirname "$0")/lib.sh"
start_redis
stop_pid "$REDIS_PID"
write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$REDIS/0", key: "ev:{stream}:{node}"}
YAML
start_daemon
flood events --to "resp://127.0.0.1:$RESP" --prefix down --count 2000 \
    --acks "$T/acks1" >"$T/flood1.log" || fail "not all were acknowledged"
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
start_daemon
flood events --to "resp://127.0.0.1:$RESP" --prefix down --count 1000 \
    --first 2000 --acks "$T/acks2" >"$T/flood2.log" || fail "not all were acknowledged"
start_redis
length_is() {
	[ "$(redis xlen ev:down:node1)" = "$1" ]
}
wait_for 20 "3000 events in Redis" length_is 3000
redis --raw xrange ev:down:node1 - + | grep -E '^[0-9]+-[0-9]+$' >"$T/ids"
cut -f4 "$T/acks1" "$T/acks2" | diff - "$T/ids" >"$T/diff.log" ||
	fail "acknowledged ids and the stream's differ"
stop_daemon
