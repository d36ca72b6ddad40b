#!/bin/bash
# The same lines at the same time through Debian's carbon-c-relay and through
# millrace with the configuration made of the relay's: the figures that both
# aggregate are the same, by name, time and value.
. "$(dirname "$0")/lib.sh"
need carbon-c-relay
start_sink theirs
THEIRS=$SINK
start_sink ours
OURS=$SINK
ports RELAY PORT ADMIN
configure() {	# PORT SINK
	cat <<CONF
# carbon-c-relay -s -w 1
listen type linemode 127.0.0.1:$1 proto tcp ;
cluster out forward 127.0.0.1:$2 ;
match ^rest\. send to out stop ;
aggregate ^sys\.h[0-9]+\.delay ^sys\.dc2\.h[0-9]+\.delay
	every 2 seconds expire after 7 seconds timestamp at end of bucket
	compute sum write to total.sum
	compute count write to total.count
	compute max write to total.max
	compute min write to total.min
	compute average write to total.average
	compute median write to total.median
	compute percentile90 write to total.p90
	compute variance write to total.variance
	compute stddev write to total.stddev
	send to out stop ;
aggregate ^web\.([^.]+)\.([a-z]+)\$ every 2 seconds expire after 7 seconds timestamp at start of bucket
	compute sum write to by.host.\_1.sum
	compute avg write to by.what.\2.avg
	send to out ;
aggregate \.mid([0-9])\. every 2 seconds expire after 7 seconds timestamp at middle of bucket
	compute sum write to .all\1. ;
aggregate ^again\. every 2 seconds expire after 7 seconds compute sum write to made.again ;
match ^again\. send to blackhole ;
match ^made\. \.all[0-9]\. send to out stop ;
match ^web\. send to out stop ;
CONF
}
configure "$RELAY" "$THEIRS" >relay.conf
configure "$PORT" "$OURS" >ours.conf
"$MILLRACE" import carbon-c-relay ours.conf >millrace.yaml 2>import.log || fail "import"
[ ! -s import.log ] || fail "remarks about what should be carried over"
cat >>millrace.yaml <<YAML
state_dir: $T/state
admin: {listen: http://127.0.0.1:$ADMIN}
YAML
start relay carbon-c-relay -s -w 1 -f relay.conf
relay_started relay "$RELAY"
start_daemon
t=$(($(date +%s) / 2 * 2))
{
	for i in $(seq 20); do
		echo "sys.h$i.delay $((i * i % 17)) $t"
		echo "sys.dc2.h$i.delay $((i * 3)) $((t - 2))"
		for w in load mem; do echo "web.H$((i % 3)).$w $i $((t - i % 2))"; done
		echo "a.mid$((i % 2)).x $i $t"
		echo "again.n$i $i $t"
		echo "rest.n$i $i $t"
	done
	echo "sys.h1.delay 1000 $((t - 3600))"	# far too late
} >lines.txt
cat lines.txt >"/dev/tcp/127.0.0.1/$RELAY"
cat lines.txt >"/dev/tcp/127.0.0.1/$PORT"
figures() {	# values as numbers, for the relay has six decimals
	awk '{ printf "%s %.4f %s\n", $1, $2, $3 }' "$1" | sort
}
same() {
	[ "$(grep -c total theirs.txt)" -ge 18 ] && grep -q '^made\.' theirs.txt && grep -q '\.all1\.' theirs.txt &&
		cmp <(figures theirs.txt) <(figures ours.txt)
}
within 40 same || { diff <(figures theirs.txt) <(figures ours.txt) >&2; fail "other figures"; }
stop_daemon
