#!/bin/bash
# `millrace audit` tells a good run from each kind of bad one, and a daemon that
# is killed under load passes it.
. "$(dirname "$0")/lib.sh"
need jq
write_conf <<YAML
streams:
  events: {window: 10m}
YAML
start_daemon
produce() {
	"$MILLRACE" audit produce --to "resp://127.0.0.1:$RESP" "$@" 2>>"$T/audit.log"
}
judge() {
	"$MILLRACE" audit judge --json "$@" >"$T/verdict.json" 2>>"$T/audit.log"
}
verdict() {
	jq -r "$1" "$T/verdict.json"
}
produce --log acks --producer one --count 3000 orders || fail "produce: $?"
"$MILLRACE" audit consume --journal "$T/state/journal" --log seen orders 2>>audit.log ||
	fail "consume: $?"
judge acks seen || fail "a good run is judged $(cat verdict.json)"
[ "$(verdict '[.acked, .seen, .lost, .verdict] | @csv')" = '3000,3000,0,"good"' ] ||
	fail "$(cat verdict.json)"

# the logs, tampered with
bad() {
	judge acks2 seen2
	[ $? -eq 65 ] || fail "$1: passed: $(cat verdict.json)"
	[ "$(verdict ".$1")" = "$2" ] || fail "$1: $(cat verdict.json)"
}
cp acks acks2
sed '1000d' seen >seen2; bad lost 1
[ "$(verdict .gaps)" = 1 ] || fail "a hole is no gap"
{ cat seen; tail -1 seen; } >seen2; bad doubled 1
sed '500{h;d};501{G}' seen >seen2; bad out_of_order 1
sed '2000s/ok$/bad/' seen >seen2; bad corrupt 1
cp seen seen2
sed '7d' acks >acks2; bad strange 1
awk -F'\t' -vOFS='\t' 'NR == 9 {$6 = $6 "1"} 1' acks >acks2; bad other_id 1
{ cat acks; echo 'A	one	x'; } >acks2; bad broken_lines 1

# a server that goes away in the middle of what it is sent
cat >"$T/goner.py" <<'PYTHON'
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
for _ in range(3):
    c, _ = s.accept()
    c.shutdown(socket.SHUT_WR)
    c.recv(1000)
    time.sleep(0.2)             # what follows fills its buffer
    c.close()
s.close()
PYTHON
ports GONE
start goner "$PY" "$T/goner.py" "$GONE"
wait_for 20 "the server" grep -q ":$(printf %04X "$GONE") 00000000:0000 0A" /proc/net/tcp
"$MILLRACE" audit produce --to "resp://127.0.0.1:$GONE" --log acks-gone --producer gone \
    --count 16384 --window 16384 --size 1000 --patience 2 orders 2>gone.txt
[ $? -eq 75 ] && grep -q '0 of 16384 acknowledged' gone.txt || fail "it ended: $(cat gone.txt)"

# three producers, the daemon killed again and again
for p in a b c; do
	start "p$p" "$MILLRACE" audit produce --to "resp://127.0.0.1:$RESP" \
	    --log "acks-$p" --producer "$p" --count 12000 --rate 5000 busy
	eval "P$p=$PID"
done
for i in 1 2 3 4; do
	sleep 0.$((RANDOM % 5 + 2))
	kill -KILL "$DAEMON"
	wait "$DAEMON" 2>/dev/null
	start_daemon
done
# shellcheck disable=SC2154
for p in "$Pa" "$Pb" "$Pc"; do
	wait "$p" || fail "not all was acknowledged"
done
"$MILLRACE" audit consume --journal "$T/state/journal" --log seen3 busy 2>>audit.log ||
	fail "consume: $?"
judge acks-a acks-b acks-c seen3 || fail "$(cat verdict.json)"
[ "$(verdict .acked)" = 36000 ] || fail "$(cat verdict.json)"
say "$(cat verdict.json)"
stop_daemon
