#!/bin/bash
# A spool: while the server is away lines go to disk; the daemon is killed with
# kill -9 and started again, the server comes back, and every line that was
# received is there, in order per name.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {servers: ["127.0.0.1:$SINK"], spool: 64MiB, queue: 256KiB}
YAML
start_daemon
send() {	# FROM TO
	awk -v a="$1" -v b="$2" 'BEGIN { for (i = a; i <= b; i++)
	    printf "spool.s%d %d 1700000000\n", i % 7, i }' >"/dev/tcp/127.0.0.1/$GRAPHITE"
}
mine() {
	grep -c '^spool\.' "$T/graphite.txt"
}
has_mine() {
	[ "$(mine)" -ge "$1" ]
}
send 1 1000
wait_for 10 "the first lines" has_mine 1000
stop_pid "$SINK_PID"
# the first write to a server that went away is not refused
wait_for 10 "word of its end" grep -q 'closed by peer' millrace.log
on_disk() {	# N: as many lines, whatever stands between them
	[ "$(cat "$T"/state/spool/*/*.spool 2>/dev/null | grep -ao 'spool\.s[0-6] [0-9]* 1700000000' | wc -l)" -ge "$1" ]
}
# no more at once than the queue holds: a slow disk would make it drop some
for ((n = 5000; n <= 50000; n += 5000)); do
	send $((n - 3999)) $((n + 1000))
	wait_for 20 "$n lines in the spool" on_disk "$n"
done
wait_for 10 "lines received" ledger_is metric graphite received 51000
ledger_closes metric graphite || fail "the ledger does not close"
kill -KILL "$DAEMON"
wait "$DAEMON" 2>/dev/null

# a machine that dies leaves half a batch behind
last=$(find "$T/state/spool" -name '*.spool' | sort | tail -1)
head -c 1000 /dev/urandom >>"$last"

start_daemon
send 51001 52000
wait_for 10 "lines received" ledger_is metric graphite received 1000
wait_for 10 "what the spool held to be counted" ledger_atleast metric internal received 49000
start_sink graphite "$SINK"
arrived() {
	[ "$(awk '/^spool\./ { print $2 }' "$T/graphite.txt" | sort -un | wc -l)" = 52000 ]
}
wait_for 30 "52000 lines after it came back" arrived
# what a server had not read for sure when it went comes once more
awk '/^spool\./ && !seen[$2]++ { if ($2 < last[$1]) bad++; last[$1] = $2 } END { exit bad > 0 }' \
    "$T/graphite.txt" || fail "the order is not kept"
empty() {
	[ -z "$(find "$T/state/spool" -name '*.spool')" ]
}
wait_for 10 "the spool to be empty" empty
wait_for 10 "the ledger" ledger_closes metric graphite
[ "$(ledger metric graphite dropped)" = 0 ] || fail "some were dropped"

# at a proper end what waits goes to disk too
stop_pid "$SINK_PID"
sleep 0.2
send 52001 60000
wait_for 10 "lines received" ledger_is metric graphite received 9000
stop_daemon
start_sink graphite "$SINK"
start_daemon
arrived() {
	[ "$(awk '/^spool\./ { print $2 }' "$T/graphite.txt" | sort -un | wc -l)" = 60000 ]
}
wait_for 30 "60000 lines" arrived
stop_daemon
