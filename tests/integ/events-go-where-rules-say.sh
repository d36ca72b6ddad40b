#!/bin/bash
# Events that a rule sends to some sections only: two Redis servers and a section
# that keeps its events in the journal.  Each has its own and no others', over a
# kill -9, a Redis that comes back empty and a reload that turns the sections
# around; and the journal does not wait for events that nobody ships.
. "$(dirname "$0")/lib.sh"
need jq
start_redis --appendonly yes
ONE=$REDIS
unset REDIS
mkdir -p "$T/redis2"
ports TWO
start redis2 redis-server --port "$TWO" --bind 127.0.0.1 --dir "$T/redis2" --save '' --appendonly no
REDIS=$TWO
wait_for 20 "the second one" redis_answers
one() { redis-cli -p "$ONE" "$@"; }
two() { redis-cli -p "$TWO" "$@"; }
section_one="one: {redis: \"redis://127.0.0.1:$ONE\", ack: both}"
section_two="two: {redis: \"redis://127.0.0.1:$TWO\", partitions: 2, key: \"ev:{stream}:{partition}\"}"
sections() {	# LINE...
	printf 'streams:\n'
	printf '  %s\n' "$@"
	cat <<YAML
rules:
  - {name: audit, when: 'kind == event && stream == "audit"', to: [kept]}
  - {name: big, when: 'kind == event && stream == "orders" && field.big == "1"', to: [one, kept]}
  - {name: small, when: 'kind == event && stream == "orders"', to: [two]}
YAML
}
write_conf < <(sections "$section_one" "$section_two" "kept: {}")
start_daemon
send() {	# FROM TO
	local i
	for ((i = $1; i <= $2; i++)); do
		echo "XADD orders IDMP p $i * n $i big $((i % 2))"
		echo "XADD audit IDMP p $i * n $i"
		echo "XADD all IDMP p $i * n $i"
	done | redis-cli -p "$RESP" >>"$T/ids"
}
ns() {		# COMMAND KEY...: the numbers that stand there
	local c=$1 k
	shift
	for k; do "$c" xrange "$k" - + | sed -n '/^n$/{n;p;}'; done | sort -n
}
odd() { seq 1 2 "$1"; }
even() { seq 2 2 "$1"; }
NODE_ALL=ev:all:node1
NODE_ORDERS=ev:orders:node1
both_have() {	# N
	diff <(ns one $NODE_ALL) <(seq "$1") && diff <(ns two ev:all:0 ev:all:1) <(seq "$1") &&
	    diff <(ns one $NODE_ORDERS) <(odd "$1") &&
	    diff <(ns two ev:orders:0 ev:orders:1) <(even "$1")
}
send 1 40
wait_for 30 "each to have its own" both_have 40
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null
start_daemon
send 41 60
wait_for 30 "the same after a kill -9" both_have 60
two flushall >/dev/null
wait_for 60 "all of it again" both_have 60
# the sections in another order, while events come
send 61 400 &
sender=$!
write_conf < <(sections "kept: {}" "$section_two" "$section_one")
kill -HUP "$DAEMON"
wait $sender
send 401 420
wait_for 60 "the same after a reload" both_have 420
[ "$(one exists ev:audit:node1)$(two exists ev:audit:0 ev:audit:1)" = 00 ] || fail "audit is there"
"$MILLRACE" read audit --journal "$T/state/journal" --check 2>>read.log | jq -r '.fields[0][1]' |
    diff - <(seq 420) || fail "audit is not in the journal"
grep -vE '^[0-9]+-[0-9]+$' "$T/ids" && fail "not all were answered by an id"
# nothing lags behind for events that are not its own
no_lag() {
	redis-cli -p "$RESP" info evp | grep -aE 'lag' >"$T/lag"
	[ -s "$T/lag" ] && ! grep -aqE 'lag=[1-9]|lag:[1-9]' "$T/lag"
}
wait_for 30 "no lag" no_lag
stop_daemon
