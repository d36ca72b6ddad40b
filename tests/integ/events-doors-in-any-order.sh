#!/bin/bash
# Good and bad requests of every protocol of events in any order, cut anywhere,
# with any end of the connection: the daemon goes on, its books close, and what
# comes after is stored.  SEED=N does the same again.
. "$(dirname "$0")/lib.sh"
need redis-cli
ports STATSD GRAPHITE PICKLE SYSLOG RELP RESP ADMIN HTTP FORWARD EVRELP
WORKERS=2 write_conf <<YAML
streams:
  events: {}
YAML
event_doors "http://127.0.0.1:$HTTP" "forward://127.0.0.1:$FORWARD" "relp://127.0.0.1:$EVRELP"
start_daemon
seed=${SEED:-$RANDOM}
for n in 1 2 3; do
	start "chaos$n" "$PY" "$HERE/doors_chaos.py" "$((seed + n))" 100 "$RESP" "$HTTP" "$FORWARD" "$EVRELP"
	eval "C$n=$PID"
done
# shellcheck disable=SC2154
for p in "$C1" "$C2" "$C3"; do
	wait "$p" || fail "no answer any more, SEED=$seed: $(cat "$T"/chaos*.log)"
done
kill -0 "$DAEMON" || fail "it is gone, SEED=$seed"
[ "$(redis-cli -p "$RESP" xadd last '*' a 1 | cut -c1)" = 1 ] || fail "nothing is taken, SEED=$seed"
for door in resp http forward relp; do
	[ "$(ledger event $door received)" -gt 0 ] || fail "nothing came by $door"
	wait_for 30 "the books of $door to close, SEED=$seed" ledger_closes event $door
done
stop_daemon
"$MILLRACE" journal verify "$T/state/journal" >/dev/null || fail "the journal, SEED=$seed"
