#!/bin/bash
# Connections of clients are reset between storing and answering; they send
# again under the same names, one by one and in MULTI/EXEC, and nothing doubles.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
proxy door "$RESP"
DOOR=$PROXY load 2 2000
for ((i = 0; i < $(loops 8); i++)); do
	wire door cut $((RANDOM % 3000 + 1))
	nap 3
	wire door pass
	sleep 0.1
done
moving
unload
for how in 1 2 3; do	# a whole batch, again and again
	for n in 1 2 3; do echo "XADD orders IDMP batch $n * p batch n $n"; done |
	    { echo MULTI; cat; echo EXEC; } |
	    redis-cli -p "$RESP" 2>&1 | tail -3 >"$T/ids$how"
done
cmp "$T/ids1" "$T/ids2" && cmp "$T/ids1" "$T/ids3" || fail "other ids: $(cat "$T"/ids?)"
WANTED=$(($(acked) + 3))
wait_for 60 "all in Redis" has_all ev:orders:node1
[ "$(redis xlen ev:orders:node1)" = "$WANTED" ] || fail "the batch is doubled"
consume_redis "$T/seen-all" ev:orders:node1
grep -v '	batch	' "$T/seen-all" >"$T/seen"
"$MILLRACE" audit judge --partitioned "$T"/acks* "$T/seen" || fail "judged bad"
stop_daemon
