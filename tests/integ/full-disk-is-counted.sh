#!/bin/bash
# The disk under a spool is full in the middle of a run: what fits into memory
# is kept, what does not is counted; lines at the server + drops = lines sent,
# none twice.  With memory enough none is lost.
. "$(dirname "$0")/lib.sh"
disk_shim
n=${1:-100000}			# lines of each of the three parts
start_sink away
AWAY=$SINK
start_one() {	# QUEUE
	write_conf <<YAML
clusters:
  away: {servers: ["127.0.0.1:$AWAY"], spool: 1GiB, queue: $1}
rules:
  - {when: 'name !~ "^seq"', drop: true}
YAML
	start_daemon
}
sent=0
send() {	# COUNT
	awk -v a="$((sent + 1))" -v b="$((sent + $1))" 'BEGIN { for (i = a; i <= b; i++)
	    printf "seq.s%d %d 1700000000\n", i % 7, i }' >"/dev/tcp/127.0.0.1/$GRAPHITE"
	sent=$((sent + $1))
	wait_for 60 "lines received" ledger_is metric graphite received $((sent - before))
}
run() {	# QUEUE: room, no room, room again, the server comes back
	before=$sent
	stop_pid "$SINK_PID"
	start_one "$1"
	send "$n"
	sleep 0.5		# what is on its way to the disk
	touch full
	send "$n"
	sleep 0.5
	rm full
	send "$n"
	start_sink away "$AWAY"
	settled() {
		[ "$(ledger metric graphite queued)" -eq 0 ] && ledger_closes metric graphite
	}
	wait_for 60 "the queue to empty" settled
	dropped=$(ledger metric graphite dropped)
	wait_for 20 "the lines" has_all
	stop_daemon
}
has_all() {
	[ "$(awk -v a="$before" '/^seq/ && $2 > a' away.txt | sort -u | wc -l)" -eq $((sent - before - dropped)) ]
}
run 256KiB
[ "$dropped" -gt 0 ] || fail "nothing was dropped: the test tests nothing"
say "small queue: $dropped of $((3 * n)) lines lost, all of them counted"
run 64MiB
[ "$dropped" -eq 0 ] || fail "$dropped lines were lost"
[ "$(grep "^seq" away.txt | sort | uniq -d | wc -l)" -eq 0 ] || fail "lines came twice"
