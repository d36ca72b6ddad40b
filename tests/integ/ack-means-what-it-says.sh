#!/bin/bash
# An answer comes when the event is where `ack` says, and not before: on the disk
# here, in Redis, in both, on a replica; a repeat is answered no earlier.
. "$(dirname "$0")/lib.sh"
start_redis
MASTER=$REDIS MASTER_PID=$REDIS_PID
ports REPLICA
mkdir -p "$T/replica"
start replica redis-server --port "$REPLICA" --bind 127.0.0.1 --dir "$T/replica" --save '' \
    --replicaof 127.0.0.1 "$MASTER" --repl-diskless-sync-delay 0
REPLICA_PID=$PID
follows() {
	redis-cli -p "$REPLICA" info replication | seen master_link_status:up
}
wait_for 60 "the replica" follows
send() {	# NAME: the answer goes to that file
	redis-cli -p "$RESP" xadd orders IDMP one "$1" '*' n "$1" >"$T/answer-$1" 2>&1 &
	SENDER=$!
}
has_answer() {
	grep -qE '^[0-9]+-[0-9]+$' "$T/answer-$1"
}
in_server() {	# PORT ANSWER
	redis-cli -p "$1" xrange ev:orders:node1 "$(cat "$T/answer-$2")" "$(cat "$T/answer-$2")" | seen .
}
n=0
check_level() {		# LEVEL WHO-IS-STOPPED PORT
	write_conf <<YAML
streams:
  events: {redis: "redis://127.0.0.1:$MASTER/0", key: "ev:{stream}:{node}", ack: $1}
YAML
	start_daemon
	n=$((n + 1))
	send $n
	wait $SENDER
	has_answer $n || fail "ack $1: $(cat "$T/answer-$n")"
	[ "$1" = journal ] || in_server "$3" $n || fail "ack $1: answered before it was there"
	n=$((n + 1))
	kill -STOP "$2"
	send $n
	first=$SENDER
	if [ "$1" = journal ]; then
		wait_for 60 "an answer without Redis" has_answer $n
		kill -CONT "$2"
	else
		sleep 0.4
		cp "$T/answer-$n" "$T/early"
		send $n			# the same once more
		sleep 0.4
		[ ! -s "$T/early" ] && [ ! -s "$T/answer-$n" ] ||
			fail "ack $1: answered while its server was stopped"
		kill -CONT "$2"
		wait $first $SENDER
		has_answer $n || fail "ack $1: $(cat "$T/answer-$n")"
		in_server "$3" $n || fail "ack $1: answered before it was there"
	fi
	stop_daemon
}
check_level journal "$MASTER_PID" "$MASTER"
check_level redis "$MASTER_PID" "$MASTER"
check_level both "$MASTER_PID" "$MASTER"
check_level '"replica 1"' "$REPLICA_PID" "$REPLICA"
[ "$(redis xlen ev:orders:node1)" = "$n" ] || fail "$(redis xlen ev:orders:node1) of $n in Redis"
