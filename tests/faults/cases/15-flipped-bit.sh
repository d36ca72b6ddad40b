#!/bin/bash
# A bit flips in what was acknowledged.  What Redis has already is not missed;
# what it does not have is lost, and the daemon names exactly that.
. "$(dirname "$0")/../lib.sh"
redis_everysec
conf
start_daemon
load 1 2000
nap 5
unload
shipped
flip() {	# a bit in the n-th event's bytes
	"$PY" - "$T/state/journal" "$1" <<'PYTHON'
import glob, sys
path = sorted(glob.glob(sys.argv[1] + "/*.seg"))[0]
data = bytearray(open(path, "rb").read())
at = -1
for _ in range(int(sys.argv[2])):
    at = data.index(b"orders" if at < 0 else b"cccccccccc", at + 60)
data[at + 3] ^= 4
open(path, "r+b").write(data)
PYTHON
}
kill_it "$DAEMON"
flip 3
start_daemon
load 1 2000
verdict			# nothing is missing in Redis
# now with Redis away
kill_redis
load 1 2000
moving
unload
kill_it "$DAEMON"
"$MILLRACE" journal verify "$T/state/journal" >"$T/verify-before.txt" 2>&1
"$PY" - "$T/state/journal" <<'PYTHON'
import glob, sys
path = sorted(glob.glob(sys.argv[1] + "/*.seg"))[-1]
for path in sorted(glob.glob(sys.argv[1] + "/*.seg"), reverse=True):
    data = bytearray(open(path, "rb").read())
    at = data.rfind(b"b" * 50)      # one of the last, not the last
    for _ in range(4):
        at = data.rfind(b"b" * 100, 0, at) if at > 0 else -1
    if at > 0:
        data[at + 9] ^= 4
        open(path, "r+b").write(data)
        break
else:
    sys.exit("no event found")
PYTHON
mv "$T/millrace.log" "$T/before.log"
redis_everysec
start_daemon
tells 'acknowledged events are damaged and lost|stream orders: events'
lost=$(sed -n 's/.*journal: \([0-9]*\) acknowledged events are damaged.*/\1/p' "$T/millrace.log")
[ "${lost:-0}" -ge 1 ] || fail "the loss is not told: $(cat "$T/millrace.log")"
WANTED=$(($(acked) - lost))
wait_for 60 "the rest in Redis" has_all ev:orders:node1
consume_redis "$T/seen" ev:orders:node1
"$MILLRACE" audit judge --json "$T"/acks* "$T/seen" >"$T/verdict.json"
[ "$(jq -r '"\(.lost) \(.doubled)"' "$T/verdict.json")" = "$lost 0" ] ||
	fail "$lost told, but $(cat "$T/verdict.json")"
say "  $lost lost, and told so"
stop_daemon
