#!/bin/bash
# A backlog goes over in transactions, and the stream is deleted between them
# again and again: each is closed by its guard, and nothing is seen of that.  A
# user who has not the rights for it ships by the script.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
transactions() {
	redis info commandstats | tr -d '\r' | sed -n 's/^cmdstat_exec:calls=\([0-9]*\),.*/\1/p'
}
backlog() {
	local n
	n=$(($(acked) + 5000))
	kill -STOP "$REDIS_PID"
	wait_for 60 "a backlog" enough "$n"
	kill -CONT "$REDIS_PID"
}
enough() {
	[ "$(acked)" -gt "$1" ]
}
load 2 20000
for ((i = 0; i < $(loops 4); i++)); do
	backlog
	redis eval 'for i = 1, 3 do redis.call("DEL", KEYS[1]) end' 1 ev:orders:node1 >/dev/null
	grows
	redis flushall >/dev/null
	grows
done
verdict
[ "$(transactions)" -gt 10 ] || fail "no transactions: $(redis info commandstats)"
[ "$(redis xinfo groups ev:orders:node1 | wc -w)" = 0 ] || fail "a guard left its group: $(redis xinfo groups ev:orders:node1)"
grep 'went past its guard' "$T/millrace.log" && fail "a guard was passed"
stop_daemon

redis acl setuser shipper on '>secret' '~ev:*' +xadd '+xinfo|stream' +evalsha +eval '+script|load' +multi +exec \
    +role +ping '+client|setname' +wait +info >/dev/null || fail "no user"
before=$(transactions)
REDIS_AT="$REDIS" conf
sed -i "s|redis://127|redis://shipper:secret@127|" "$T/millrace.yaml"
start_daemon
load 2 20000
backlog
verdict
[ "$(transactions)" = "$before" ] || fail "transactions without the rights for their guard"
stop_daemon
