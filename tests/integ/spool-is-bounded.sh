#!/bin/bash
# A spool that is too small: the oldest lines go, counted, and lines at the
# server + drops = lines sent.  With a rate, new lines go before the old ones.
. "$(dirname "$0")/lib.sh"
start_sink graphite
write_conf <<YAML
clusters:
  graphite: {servers: ["127.0.0.1:$SINK"], spool: 4MiB, queue: 128KiB, spool_rate: 20000}
YAML
start_daemon
stop_pid "$SINK_PID"
flood graphite --to "tcp://127.0.0.1:$GRAPHITE" --rate 0 --count 400000 >"$T/flood.json" ||
	fail "flood"
wait_for 20 "all received" ledger_is metric graphite received 400000
sleep 0.3
size=$(du -sb "$T/state/spool" | cut -f1)
[ "$size" -le $((5 * 1024 * 1024)) ] || fail "the spool has $size bytes"
start_sink graphite "$SINK"
wait_for 20 "old lines" grep -q '^flood' "$T/graphite.txt"
printf 'live.one 1 1700000000\n' >"/dev/tcp/127.0.0.1/$GRAPHITE"
wait_for 10 "a new line" grep -q '^live.one ' "$T/graphite.txt"
settled() {
	[ "$(ledger metric graphite queued)" -eq 0 ] && ledger_closes metric graphite
}
[ "$(ledger metric graphite queued)" -gt 0 ] || fail "the new line came last"
wait_for 30 "the queue to empty" settled
dropped=$(ledger metric graphite dropped)
[ "$dropped" -gt 0 ] || fail "nothing was dropped: the test tests nothing"
got=$(grep -c '^flood\.' "$T/graphite.txt")
[ "$got" -eq $((400000 - dropped)) ] || fail "$got lines came, $dropped of 400000 were dropped"
stop_daemon
