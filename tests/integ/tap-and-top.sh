#!/bin/bash
# `millrace tap` shows what passes and is meant, from all workers, ends when it
# was asked to, and costs the daemon nothing when its reader stops; `millrace
# top` shows the books' rates, for eyes and for scripts.
. "$(dirname "$0")/lib.sh"
need jq
WORKERS=2 write_conf </dev/null
start_daemon

tap() {	# NAME ARGUMENT...
	local name=$1
	shift
	start "$name" "$MILLRACE" tap --admin "127.0.0.1:$ADMIN" "$@"
	TAP=$PID
}
send() {
	echo "<13>1 - $1 app - - - $2" >"/dev/tcp/127.0.0.1/$SYSLOG"
	echo "clicks.$1:1|c" >"/dev/udp/127.0.0.1/$STATSD"
}

# a filter, a count; what is sent before it listens may be missed
tap logs -n 5 'kind == log && host == "mine"'
tap all
some() {
	send mine hello
	send other hello
	! kill -0 "${PIDS[-2]}" 2>/dev/null
}
wait_for 60 "five records" some
wait "${PIDS[-2]}" || fail "tap -n ended with $?"
[ "$(wc -l <"$T/logs.log")" = 5 ] || fail "not five"
[ "$(jq -r 'select(.kind == "log" and .host == "mine" and .body == "hello").source' "$T/logs.log" | sort | uniq -c | tr -s ' ')" = " 5 syslog" ] ||
	fail "not what was asked for"
metrics_seen() {
	send mine x
	jq -e 'select(.kind == "metric" and .name == "clicks.mine" and .type == "counter")' "$T/all.log"
}
wait_for 60 "metrics" metrics_seen

# a reader that stops: the rest goes on, and it is told what it missed
kill -STOP "$TAP"
flood statsd --to "udp://127.0.0.1:$STATSD" --rate 40000 --count 80000 >/dev/null
kill -CONT "$TAP"
left_out() {
	seen 'records left out' "$T/all.log" && send mine again
}
within 5 left_out || say "nothing was left out"	# sockets' buffers may hold it all
page_ok /readyz || fail "the daemon hangs"
"$MILLRACE" tap --admin "127.0.0.1:$ADMIN" 'host ===' 2>"$T/err"
[ $? = 64 ] || fail "a bad expression"
[ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$ADMIN/api/tap?where=host+%3D%3D%3D")" = 400 ] ||
	fail "a bad expression, by HTTP"

# top: configuration or address, text or JSON
"$MILLRACE" top -c "$T/millrace.yaml" --once -i 0.2 >"$T/top" || fail "top"
grep -q '^metric *statsd ' "$T/top" || fail "no metrics in top"
"$MILLRACE" top --admin "127.0.0.1:$ADMIN" --once --json -i 0.2 >"$T/top.json" || fail "top --json"
jq -e '.interval == 0.2 and .ledger.metric.statsd.received > 80000 and
    (.ledger.log.syslog.received_per_s | type) == "number" and
    (.top.names | map(.prefix) | index("clicks")) != null' "$T/top.json" >/dev/null || fail "top's JSON"

# the daemon's end is the tap's end
stop_daemon
ended() { ! kill -0 "$TAP"; }
wait_for 60 "the tap's end" ended
"$MILLRACE" top --admin "127.0.0.1:$ADMIN" --once 2>/dev/null
[ $? = 69 ] || fail "no daemon"
