#!/bin/bash
# A server of each cluster that has stand-ins is killed while lines come: any_of,
# failover, load_balanced and a dynamic ring send what is its to the others at
# once, whatever waits for it too; with a spool no line is missing.  When it is
# back, it gets its share again.
. "$(dirname "$0")/lib.sh"
for n in any1 any2 any3 first1 first2 least1 least2 ring1 ring2 ring3; do
	start_sink $n
	eval "$n=$SINK ${n}_pid=$SINK_PID"
done
# shellcheck disable=SC2154
write_conf <<YAML
clusters:
  any: {method: any_of, servers: ["127.0.0.1:$any1", "127.0.0.1:$any2", "127.0.0.1:$any3"], spool: 64MiB}
  first: {method: failover, servers: ["127.0.0.1:$first1", "127.0.0.1:$first2"], spool: 64MiB}
  least: {method: load_balanced, servers: ["127.0.0.1:$least1", "127.0.0.1:$least2"], spool: 64MiB}
  ring: {method: carbon_ch, replication: 2, dynamic: true, spool: 64MiB,
    servers: ["127.0.0.1:$ring1=a", "127.0.0.1:$ring2=b", "127.0.0.1:$ring3=c"]}
rules:
  - {name: seq, when: 'kind == metric && name =~ "^seq\\."', to: [any, first, least, ring]}
  - {name: own, when: 'kind == metric', to: []}
YAML
start_daemon
sent=0
send() {	# N - that many lines, in pieces, over a second or so
	"$PY" - "$GRAPHITE" "$sent" "$1" <<'PYTHON'
import socket, sys, time
port, first, n = map(int, sys.argv[1:])
s = socket.create_connection(("127.0.0.1", port))
for i in range(first, first + n, 100):
    s.sendall(b"".join(b"seq.s%d %d 1700000000\n" % (k % 97, k) for k in range(i, min(i + 100, first + n))))
    time.sleep(0.01)
PYTHON
	sent=$((sent + $1))
}
numbers() {	# FILE... - of the lines in them
	cat "$@" | awk '/^seq\./ { print $2 }' | sort -n | uniq
}
complete() {	# FILE... - is every line there?
	[ "$(numbers "$@" | wc -l)" -eq "$sent" ]
}
twice() {	# is every line on two servers of the ring?
	[ "$(for f in ring1 ring2 ring3; do numbers $f.txt; done | sort -n | uniq -c | awk '$1 >= 2' | wc -l)" -eq "$sent" ]
}
everywhere() {
	complete any?.txt && complete first?.txt && complete least?.txt && twice
}
send 2000
wait_for 20 "all lines" everywhere
[ -s any1.txt ] && [ -s any2.txt ] && [ -s any3.txt ] || fail "any_of does not deal to all"
[ ! -s first2.txt ] || fail "failover sent to the second although the first was up"
# who is killed may have read lines that it had not written: those that wait in
# its socket are the spool's business
send 1000 &
SENDER=$!
sleep 0.05
# shellcheck disable=SC2154
kill -KILL "$any2_pid" "$first1_pid" "$least1_pid" "$ring1_pid"
wait "$any2_pid" "$first1_pid" "$least1_pid" "$ring1_pid" 2>/dev/null
wait "$SENDER"
sent=$((sent + 1000))
before=$(numbers ring1.txt | wc -l)
send 3000
wait_for 30 "all lines, by the others" everywhere
[ "$(numbers ring1.txt | wc -l)" -eq "$before" ] || fail "the dead wrote"
wait_for 10 "the ledger" ledger_closes metric graphite
[ "$(ledger metric graphite dropped)" = 0 ] || fail "something was dropped: $(page /api/ledger)"
grow() {	# NAME... - have they got more than they had?
	local n
	for n; do [ "$(lines_in $n.txt)" -gt "$(cat $n.had)" ] || return 1; done
}
for n in any2 first1 least1 ring1; do lines_in $n.txt >$n.had; done
start_sink any2 "$any2"
start_sink first1 "$first1"
start_sink least1 "$least1"
start_sink ring1 "$ring1"
again() {
	send 200
	grow any2 first1 least1 ring1
}
within 60 again || fail "who is back gets nothing: $(wc -l any2.txt first1.txt least1.txt ring1.txt | paste -sd' ')"
wait_for 30 "all lines, at the end" everywhere
stop_daemon
