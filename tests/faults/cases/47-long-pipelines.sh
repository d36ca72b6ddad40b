#!/bin/bash
# A pipeline of hundreds of thousands of events (a million with --loops).
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
n=$((${LOOPS:-0} > 0 ? 1000000 : 100000))
[ -z "$(nm "$MILLRACE" 2>/dev/null | grep -m1 __.san_init)" ] || n=20000
"$MILLRACE" audit produce --to "resp://127.0.0.1:$RESP" --log "$T/acks1" --producer p1 \
    --count "$n" --window 65536 --patience 90 orders || fail "not all was acknowledged"
verdict
stop_daemon
